#include "service/job/slow_queries.h"

#include "core/mem.h"
#include "db/session/plan.h"
#include "db/session/slow_query.h"
#include "service/job/background.h"

enum { STEP_TIMEOUT_S = 10, PERIOD_MS = 1000, PLANS_A_STEP = 4, ARENA_MAX_BYTES = 4 << 20 };

struct service_slow_queries {
    struct db_vector_board *board;
    struct service_background *thread;
};

/* Read as searches read the vector index: how far decides on the plan. */
static enum err read_plan(const struct service_slow_queries *s, struct db_conn *conn, const struct db_wait *wait,
                          const struct db_call *call, uint64_t *hash)
{
    AUTO(arena) struct arena arena;
    struct db_plan plan;
    const struct db_vector_use use = db_vector_board_read(s->board);
    arena_init(&arena, ARENA_MAX_BYTES);
    if (use.method != DB_VECTOR_NONE)
        TRY(db_vector_use_set(conn, wait, &arena, &use, NULL));
    TRY(db_plan_read(conn, wait, &arena, call->statement, &call->params, DB_PLAN_SHAPE, &plan, NULL));
    *hash = plan.hash;
    return OK;
}

static int step(void *arg, struct db_conn *conn, const struct db_wait *wait)
{
    const struct service_slow_queries *const s = arg;
    struct db_slow_query q;
    for (int i = 0; i < PLANS_A_STEP && db_slow_query_take(&q); i++) {
        uint64_t hash = 0;
        const bool has_plan = q.slowest != NULL && read_plan(s, conn, wait, q.slowest, &hash) == OK;
        db_slow_query_log(&q, has_plan ? &hash : NULL);
    }
    return PERIOD_MS;
}

enum err service_slow_queries_start(const char *url, int64_t threshold_ns, struct db_vector_board *board,
                                    struct service_slow_queries **out, struct err_info *e)
{
    *out = NULL;
    db_slow_query_set_threshold(threshold_ns);
    if (threshold_ns == 0)
        return OK;
    struct service_slow_queries *const s = mem_calloc(1, sizeof *s);
    if (s == NULL)
        return ERR_SET_NOMEM(e);
    s->board = board;
    const struct service_background_job job = {"slow-queries", STEP_TIMEOUT_S, step, s};
    const enum err code = service_background_new(&job, url, &s->thread, e);
    if (code != OK)
        mem_free(s);
    else
        *out = s;
    return code;
}

void service_slow_queries_stop(struct service_slow_queries *s)
{
    struct db_slow_query q;
    if (s == NULL)
        return;
    service_background_free(s->thread);
    while (db_slow_query_take(&q))
        db_slow_query_log(&q, NULL);
    mem_free(s);
}
