#include "db/session/advisory.h"

#include "core/clock.h"
#include "db/session/conn_internal.h"

enum { ADVISORY_ARENA_BYTES = 16 * 1024 };

static const struct db_statement try_lock = {"advisory_lock", "SELECT pg_try_advisory_lock($1)"};
static const struct db_statement unlock = {"advisory_unlock", "SELECT pg_advisory_unlock($1)"};

static enum err advisory_run(struct db_conn *c, const struct db_wait *wait, const struct db_statement *s, int64_t key,
                             bool *answer, struct err_info *e)
{
    AUTO(arena) struct arena arena;
    AUTO(db_result) struct db_result *rows = NULL;
    struct db_params params;
    arena_init(&arena, ADVISORY_ARENA_BYTES);
    db_params_init(&params, &arena);
    db_put_i64(&params, key);
    TRY(db_run(c, wait, s, &params, &rows, e));
    *answer = db_get_bool(rows, 0, 0);
    return OK;
}

enum err db_advisory_try(struct db_conn *c, const struct db_wait *wait, int64_t key, bool *is_held, struct err_info *e)
{
    TRY(advisory_run(c, wait, &try_lock, key, is_held, e));
    if (*is_held)
        db_conn_keep(c);
    return OK;
}

/* Sleeps until the next attempt; ERR_CANCELLED ends it early. */
static enum err poll_pause(const struct db_wait *wait)
{
    struct db_wait pause = *wait;
    const int64_t next_ns = clock_mono_ns() + DB_ADVISORY_POLL_MS * NS_PER_MS;
    if (next_ns < pause.deadline_ns)
        pause.deadline_ns = next_ns;
    return db_wait_ready(&pause, -1, 0);
}

enum err db_advisory_lock(struct db_conn *c, const struct db_wait *wait, int64_t key, struct err_info *e)
{
    for (;;) {
        bool is_held = false;
        TRY(db_advisory_try(c, wait, key, &is_held, e));
        if (is_held)
            return OK;
        if (poll_pause(wait) == ERR_CANCELLED)
            return db_conn_ended(ERR_CANCELLED, e);
        if (clock_left_ms(wait->deadline_ns) == 0)
            return ERR_SET(e, ERR_TIMEOUT, "another process holds the lock that this work needs; wait for it to end, then try again");
    }
}

void db_advisory_unlock(struct db_conn *c, const struct db_wait *wait, int64_t key)
{
    bool was_held = false;
    if (db_conn_is_open(c) && advisory_run(c, wait, &unlock, key, &was_held, NULL) != OK)
        db_conn_close(c);
    db_conn_unkeep(c);
}
