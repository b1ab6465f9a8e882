#include "service/database/index.h"

#include "core/clock.h"
#include "db/vector/vector_index.h"
#include "service/job/index_keeper.h"
#include "service/process/signals.h"

enum { STATUS_TIMEOUT_S = 30, REBUILD_TIMEOUT_S = 24 * 3600, POLL_MS = 500, THOUSAND = 1000, PERCENT = 100 };

/* pgvector before this has known defects in HNSW, which upkeep avoids as far as it can. */
enum { SAFE_VERSION = 804 };

struct db_vector_wish service_index_wish(const struct service_config *config)
{
    return (struct db_vector_wish){
        .method = (enum db_vector_method)config->vector_method,
        .lists = config->n_vector_lists,
        .recall_target = (double)config->recall_thousandths / THOUSAND,
        .memory_max_bytes = config->index_memory_bytes,
        .measure_every_ns = config->recall_interval_ns,
    };
}

static struct db_wait wait_for(int64_t seconds)
{
    return (struct db_wait){.deadline_ns = clock_mono_ns() + seconds * NS_PER_S, .wake_fd = -1};
}

/* --- status */

static void print_time(FILE *out, int64_t wall_ns)
{
    AUTO(buf) struct buf text;
    buf_init(&text, CLOCK_RFC3339_MAX);
    clock_put_rfc3339(&text, wall_ns);
    (void)fprintf(out, "%.*s", STR_ARG(buf_str(&text)));
}

static void print_index(FILE *out, const struct db_vector_index *index)
{
    (void)fprintf(out, "index       %s: %s, %s, %lld kB", index->name, db_vector_method_name(index->method),
                  index->is_valid ? "valid" : "not valid", (long long)(index->size_bytes / 1024));
    if (index->method == DB_VECTOR_IVFFLAT)
        (void)fprintf(out, ", %lld lists", (long long)index->lists);
    (void)fprintf(out, "\n");
}

static void print_record(FILE *out, const struct db_vector_record *r)
{
    if (!r->is_there)
        return;
    (void)fprintf(out, "built       ");
    print_time(out, r->built_ns);
    (void)fprintf(out, " over %lld rows in %.1f s, generation %lld\n", (long long)r->n_rows_built, (double)r->build_ms / THOUSAND,
                  (long long)r->generation);
    (void)fprintf(out, "%-11s %lld\n", r->method == DB_VECTOR_HNSW ? "ef_search" : "probes", (long long)r->effort);
    if (!r->is_measured) {
        (void)fprintf(out, "recall      not measured yet\n");
        return;
    }
    (void)fprintf(out, "recall      %.3f +- %.3f of %.3f asked, by %lld queries, measured ", r->recall, r->recall_error, r->recall_target,
                  (long long)r->n_queries);
    print_time(out, r->measured_ns);
    (void)fprintf(out, "%s\n", r->effort == 0 ? "; too little: searches are exact" : "");
}

static void print_plan(FILE *out, const struct db_vector_wish *wish, const struct db_vector_facts *f)
{
    static const char *const actions[] = {
        [DB_VECTOR_REST] = "nothing",          [DB_VECTOR_DROP] = "drop",           [DB_VECTOR_ADOPT] = "put in place",
        [DB_VECTOR_BUILD] = "build",           [DB_VECTOR_CALIBRATE] = "calibrate", [DB_VECTOR_MEASURE] = "measure",
    };
    const struct db_vector_decision d = db_vector_plan(wish, f);
    if (d.action == DB_VECTOR_REST && f->n_rows < DB_VECTOR_ROWS_MIN)
        (void)fprintf(out, "to be done  nothing: below %d rows an exact search is as fast\n", DB_VECTOR_ROWS_MIN);
    else if (d.action == DB_VECTOR_REST)
        (void)fprintf(out, "to be done  nothing\n");
    else
        (void)fprintf(out, "to be done  %s %s: %s\n", actions[d.action], d.name, d.why);
}

static void print_progress(FILE *out, const struct db_vector_progress *p)
{
    if (p->is_building)
        (void)fprintf(out, "building    %s, %.0f %%\n", p->phase, p->share * PERCENT);
}

enum err service_index_print(const struct service_config *config, FILE *out, struct err_info *e)
{
    AUTO(db_conn) struct db_conn *conn = db_conn_new(config->urls.owner, "tracekin index");
    const struct db_vector_wish wish = service_index_wish(config);
    const struct db_wait wait = wait_for(STATUS_TIMEOUT_S);
    struct db_vector_facts facts;
    struct db_vector_progress progress;
    if (conn == NULL)
        return ERR_SET_NOMEM(e);
    TRY(db_vector_facts_read(conn, &wait, &facts, e));
    TRY(db_vector_progress_read(conn, &wait, &progress, e));
    (void)fprintf(out, "wanted      %s, recall %.3f\n", db_vector_method_name(wish.method), wish.recall_target);
    (void)fprintf(out, "rows        %lld with an embedding\n", (long long)facts.n_rows);
    for (size_t i = 0; i < facts.n_indexes; i++)
        print_index(out, &facts.indexes[i]);
    print_record(out, &facts.record);
    print_progress(out, &progress);
    print_plan(out, &wish, &facts);
    if (facts.extension_version < SAFE_VERSION)
        (void)fprintf(out, "pgvector    older than 0.8.4: hnsw is built without parallel workers; prefer ivfflat, or upgrade\n");
    return OK;
}

/* --- rebuild */

static enum err keep_here(struct db_conn *conn, const struct db_wait *wait, const struct db_vector_wish *wish, struct err_info *e)
{
    struct db_vector_board *const board = db_vector_board_new();
    bool is_done = false;
    enum err code = board == NULL ? ERR_SET_NOMEM(e) : OK;
    while (code == OK && !is_done)
        code = service_index_keeper_once(conn, wait, wish, board, &is_done, e);
    db_vector_board_free(board);
    return code;
}

static enum err is_served(struct db_conn *conn, const struct db_wait *wait, int64_t generation, bool *out, struct err_info *e)
{
    struct db_vector_facts facts;
    TRY(db_vector_facts_read(conn, wait, &facts, e));
    *out = !facts.is_rebuild_wanted && facts.record.generation > generation && facts.record.is_measured;
    return OK;
}

/* Another process keeps the index: it does what was asked for at its next look. Should it end meanwhile, this one takes over. */
static enum err wait_for_keeper(struct db_conn *conn, const struct db_wait *wait, const struct db_vector_wish *wish, int64_t generation,
                                FILE *out, struct err_info *e)
{
    (void)fprintf(out, "the service that keeps the index builds it; Ctrl-C stops the waiting, not the build\n");
    (void)fflush(out);
    for (;;) {
        bool is_leader = false, is_done = false;
        TRY(is_served(conn, wait, generation, &is_done, e));
        if (is_done)
            return OK;
        TRY(db_vector_lead(conn, wait, &is_leader, e));
        if (is_leader)
            return keep_here(conn, wait, wish, e);
        if (service_signals_wait(POLL_MS * NS_PER_MS))
            return ERR_SET(e, ERR_CANCELLED, "stopped waiting; the build goes on");
    }
}

enum err service_index_rebuild(const struct service_config *config, FILE *out, struct err_info *e)
{
    AUTO(db_conn) struct db_conn *conn = db_conn_new(config->urls.owner, "tracekin index");
    const struct db_vector_wish wish = service_index_wish(config);
    const struct db_wait wait = wait_for(REBUILD_TIMEOUT_S);
    struct db_vector_facts facts;
    bool is_leader = false;
    if (conn == NULL)
        return ERR_SET_NOMEM(e);
    TRY(db_vector_facts_read(conn, &wait, &facts, e));
    if (wish.method == DB_VECTOR_NONE || facts.n_rows < DB_VECTOR_ROWS_MIN)
        return ERR_SET(e, ERR_INVALID, "there is to be no vector index: TRACEKIN_VECTOR_INDEX is %s, and there are %lld rows of at least %d",
                       db_vector_method_name(wish.method), (long long)facts.n_rows, DB_VECTOR_ROWS_MIN);
    TRY(db_vector_request_rebuild(conn, &wait, e));
    TRY(db_vector_lead(conn, &wait, &is_leader, e));
    if (is_leader)
        TRY(keep_here(conn, &wait, &wish, e));
    else
        TRY(wait_for_keeper(conn, &wait, &wish, facts.record.generation, out, e));
    return service_index_print(config, out, e);
}
