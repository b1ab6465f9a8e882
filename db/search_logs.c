#include "db/search_logs.h"

#include "core/clock.h"
#include "db/like.h"
#include "db/log_query.h"
#include "db/query.h"

/* The window and the page, by the key of logs; and time alone, because only that prunes partitions. */
#define RANGE                                                              \
    "time >= $1 AND time <= $4 AND (time, time_ns, log_id) > ($1, $2, $3)" \
    " AND (time, time_ns, log_id) < ($4, $5, $6)"
/* Cheapest first; a word's ILIKE spares most rows its regular expression. */
#define FILTERS                                                                                                 \
    "($7::text IS NULL OR l.service = $7) AND l.severity >= $8 AND ($9::bytea IS NULL OR l.span_id = $9)"       \
    " AND l.body ILIKE ALL($10::text[]) AND ($11::text IS NULL OR l.body ILIKE $11)"                            \
    " AND l.body ~* ALL($12::text[]) AND NOT l.body ~* ANY($13::text[]) AND ($14::text IS NULL OR l.body ~ $14)"

/* Examines $16 records in order and gives those that match, and the last examined one too: from there a search goes on.
 * Numbering happens outside of the LIMIT, so that the scan stops when enough is found. */
#define SCAN(order)                                                                     \
    "SELECT " DB_LOG_COLUMNS ", l.is_match, l.is_last"                                  \
    " FROM (SELECT l.*, " FILTERS " AS is_match, n = $16 AS is_last"                    \
    " FROM (SELECT *, row_number() OVER (ORDER BY " order ") AS n"                      \
    " FROM (SELECT * FROM logs WHERE " RANGE " ORDER BY " order " LIMIT $16) AS logs) AS l" \
    " WHERE (" FILTERS ") OR n = $16 ORDER BY " order " LIMIT $15) AS l" DB_LOG_JOIN    \
    " ORDER BY " order
#define OF_TRACE(order)                                                                 \
    "SELECT " DB_LOG_COLUMNS ", true, false FROM logs AS l" DB_LOG_JOIN                 \
    " WHERE trace_id = $16 AND " RANGE " AND " FILTERS " ORDER BY " order " LIMIT $15"
#define NEWEST "time DESC, time_ns DESC, log_id DESC"
#define OLDEST "time, time_ns, log_id"

enum column { IS_MATCH = DB_LOG_N_COLUMNS, IS_LAST };

/* By whether the oldest come first. */
static const struct db_statement scan_statements[2] = {{"search_logs", SCAN(NEWEST)}, {"search_logs", SCAN(OLDEST)}};
static const struct db_statement trace_statements[2] = {{"search_logs", OF_TRACE(NEWEST)},
                                                        {"search_logs", OF_TRACE(OLDEST)}};
static const struct db_statement regex_statement = {"search_logs_regex", "SELECT '' ~ $1"};

/* Records of the first scan: what is common is found within them. Each further scan is SCAN_GROWTH times as long, and for
 * what is rare the planner may then sort a whole window rather than walk its index. */
enum { SCAN_FIRST = 5000, SCAN_GROWTH = 10 };

/* A search under way. */
struct search {
    const struct db_search_logs_params *params;
    struct db_log_query query;
    struct db_search_logs_key after; /* where the next scan begins */
    bool has_after;
    int64_t n_wanted, n_examinable;
    bool is_finished; /* the window's end was reached */
};

/* The regular expression is tried by itself, so that its fault is told even where there are no records. */
static enum err check_regex(struct db_conn *c, const struct db_wait *wait, struct arena *arena, struct str regex,
                            struct err_info *e)
{
    struct err_info failed = {.code = OK};
    struct db_params p;
    db_params_init(&p, arena);
    db_put_text(&p, regex);
    AUTO(db_result) struct db_result *r = NULL;
    const enum err err = db_run(c, wait, &regex_statement, &p, &r, &failed);
    if (err == ERR_INVALID)
        return ERR_PARAM(e, "regex",
                         "regex is not a regular expression that PostgreSQL takes; see \"POSIX Regular Expressions\" in its "
                         "manual, and put a backslash before ( ) [ { * + ? . | ^ $ \\ that stand for themselves");
    if (err != OK && e != NULL && e->code == OK)
        *e = failed;
    return err;
}

static void put_key(struct db_params *p, int64_t time_ns, struct str log_id)
{
    db_put_time(p, time_ns);
    db_put_i64(p, time_ns);
    db_put_bytes(p, log_id);
}

static void put_range(struct db_params *p, const struct search *s)
{
    const struct db_window *w = &s->params->window;
    const bool starts_after = s->has_after && s->params->oldest_first;
    const bool ends_before = s->has_after && !s->params->oldest_first;
    put_key(p, starts_after ? s->after.time_ns : w->start_ns, starts_after ? s->after.log_id : STR(""));
    put_key(p, ends_before ? s->after.time_ns : w->end_ns, ends_before ? s->after.log_id : STR(""));
}

static void put_filters(struct db_params *p, const struct search *s)
{
    db_put_text(p, s->params->service);
    db_put_i64(p, s->params->min_severity);
    db_put_bytes(p, s->params->span_id);
    db_put_text_array(p, s->query.parts, s->query.n_parts);
    db_put_like_contains(p, s->params->contains);
    db_put_text_array(p, s->query.regexes, s->query.n_regexes);
    db_put_text_array(p, s->query.excluded, s->query.n_excluded);
    db_put_text(p, s->params->regex);
    db_put_i64(p, s->n_wanted);
}

/* The last record examined is where the next scan, or the caller, goes on. */
static enum err go_on_after(struct search *s, const struct db_search_logs_key *key, struct arena *arena, struct err_info *e)
{
    const struct str log_id = arena_copy(arena, key->log_id);
    if (log_id.ptr == NULL)
        return ERR_SET_NOMEM(e);
    s->after = (struct db_search_logs_key){key->time_ns, log_id};
    s->has_after = true;
    s->is_finished = false;
    return OK;
}

static enum err tell(struct search *s, const struct db_result *r, struct arena *arena, db_log_fn fn, void *arg,
                     struct err_info *e)
{
    s->is_finished = true;
    for (int row = 0; row < db_n_rows(r); row++) {
        const struct db_log_row log = db_log_row_read(r, row);
        if (db_get_bool(r, row, IS_MATCH)) {
            TRY(fn(arg, &log));
            s->n_wanted--;
        }
        if (db_get_bool(r, row, IS_LAST))
            TRY(go_on_after(s, &log.key, arena, e));
    }
    return OK;
}

static enum err run(struct search *s, struct db_conn *c, const struct db_wait *wait, struct arena *arena, int64_t n_examined,
                    struct db_result **out, struct err_info *e)
{
    struct db_params p;
    db_params_init(&p, arena);
    put_range(&p, s);
    put_filters(&p, s);
    if (s->params->trace_id.ptr != NULL) {
        db_put_bytes(&p, s->params->trace_id);
        return db_run(c, wait, &trace_statements[s->params->oldest_first], &p, out, e);
    }
    db_put_i64(&p, n_examined);
    return db_run(c, wait, &scan_statements[s->params->oldest_first], &p, out, e);
}

static enum err scan(struct search *s, struct db_conn *c, const struct db_wait *wait, struct arena *arena, db_log_fn fn,
                     void *arg, struct err_info *e)
{
    for (int64_t n = SCAN_FIRST; s->n_wanted > 0 && s->n_examinable > 0 && !s->is_finished; n *= SCAN_GROWTH) {
        const int64_t n_examined = n < s->n_examinable ? n : s->n_examinable;
        AUTO(db_result) struct db_result *r = NULL;
        TRY(run(s, c, wait, arena, n_examined, &r, e));
        TRY(tell(s, r, arena, fn, arg, e));
        s->n_examinable -= n_examined;
    }
    return OK;
}

static enum err ask(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                    const struct db_search_logs_params *params, db_log_fn fn, void *arg, struct db_search_logs_end *end,
                    struct err_info *e)
{
    struct search s = {.params = params, .n_wanted = params->limit};
    s.n_examinable = params->budget == 0 ? DB_SEARCH_LOGS_BUDGET : params->budget;
    if (params->after != NULL) {
        s.after = *params->after;
        s.has_after = true;
    }
    if (params->query.ptr != NULL)
        TRY(db_log_query_parse(params->query, arena, &s.query, e));
    if (params->regex.ptr != NULL)
        TRY(check_regex(c, wait, arena, params->regex, e));
    TRY(scan(&s, c, wait, arena, fn, arg, e));
    *end = (struct db_search_logs_end){.budget_spent = s.n_wanted > 0 && !s.is_finished, .resume = s.after};
    return OK;
}

enum err db_search_logs(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                        const struct db_search_logs_params *params, db_log_fn fn, void *arg, struct db_search_logs_end *end,
                        struct err_info *e)
{
    const int64_t started_ns = clock_mono_ns();
    return db_query_done(DB_SEARCH_LOGS, started_ns, ask(c, wait, arena, params, fn, arg, end, e));
}
