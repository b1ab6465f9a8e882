#include "db/question/search_logs.h"

#include "db/question/like.h"
#include "db/question/log_query.h"
#include "db/question/regex.h"
#include "db/question/walk.h"
#include "db/session/query.h"

/* The window and the page, by the key of logs; and time alone, because only that prunes partitions. */
#define RANGE                                                              \
    "time >= $1 AND time <= $4 AND (time, time_ns, log_id) > ($1, $2, $3)" \
    " AND (time, time_ns, log_id) < ($4, $5, $6)"
/* Cheapest first; a word's ILIKE spares most rows its regular expression. */
#define FILTERS                                                                                                 \
    "($7::text IS NULL OR l.service = $7) AND l.severity >= $8 AND ($9::bytea IS NULL OR l.span_id = $9)"       \
    " AND l.body ILIKE ALL($10::text[]) AND ($11::text IS NULL OR l.body ILIKE $11)"                            \
    " AND l.body ~* ALL($12::text[]) AND NOT l.body ~* ANY($13::text[]) AND ($14::text IS NULL OR l.body ~ $14)"

#define RECORDS(order) "(SELECT * FROM logs WHERE " RANGE " ORDER BY " order " LIMIT $16)"
#define SCAN(order)                                                                              \
    "SELECT " DB_LOG_COLUMNS ", " DB_WALK_COLUMNS " FROM "                                       \
    DB_WALK_EXAMINE(RECORDS(order), order, FILTERS, "$15") " AS l" DB_LOG_JOIN " ORDER BY " order
#define OF_TRACE(order)                                                                 \
    "SELECT " DB_LOG_COLUMNS " FROM logs AS l" DB_LOG_JOIN                              \
    " WHERE trace_id = $16 AND " RANGE " AND " FILTERS " ORDER BY " order " LIMIT $15"
#define NEWEST "time DESC, time_ns DESC, log_id DESC"
#define OLDEST "time, time_ns, log_id"

/* By whether the oldest come first. */
static const struct db_statement scan_statements[2] = {{"search_logs", SCAN(NEWEST)}, {"search_logs", SCAN(OLDEST)}};
static const struct db_statement trace_statements[2] = {{"search_logs", OF_TRACE(NEWEST)},
                                                        {"search_logs", OF_TRACE(OLDEST)}};
static const struct db_statement regex_statement = {"search_logs_regex", "SELECT '' ~ $1"};

/* A search under way. */
struct search {
    const struct db_search_logs_params *params;
    struct db_log_query query;
    db_log_fn fn;
    void *arg;
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

/* What is excluded tells nothing: a chunk that has it may have other records too. */
static void want(const struct db_walk *w, struct grams *g)
{
    const struct search *const s = w->arg;
    db_chunk_want_log(g, s->params->service, s->params->min_severity);
    for (size_t i = 0; i < s->query.n_parts; i++)
        grams_add_part(g, s->query.texts[i].text, s->query.texts[i].begins, s->query.texts[i].ends);
    if (s->params->contains.ptr != NULL)
        grams_add_part(g, s->params->contains, false, false);
    if (s->params->regex.ptr != NULL)
        db_regex_want(g, s->params->regex);
}

static void put_key(struct db_params *p, const struct db_walk_key *key)
{
    db_put_time(p, key->ns);
    db_put_i64(p, key->ns);
    db_put_bytes(p, key->id);
}

static void put_all(struct db_params *p, const struct db_walk *w, const struct db_walk_bounds *bounds)
{
    const struct search *const s = w->arg;
    put_key(p, &bounds->low);
    put_key(p, &bounds->high);
    db_put_text(p, s->params->service);
    db_put_i64(p, s->params->min_severity);
    db_put_bytes(p, s->params->span_id);
    db_put_text_array(p, s->query.parts, s->query.n_parts);
    db_put_like_contains(p, s->params->contains);
    db_put_text_array(p, s->query.regexes, s->query.n_regexes);
    db_put_text_array(p, s->query.excluded, s->query.n_excluded);
    db_put_text(p, s->params->regex);
    db_put_i64(p, w->n_wanted);
}

static enum err scan(const struct db_walk *w, const struct db_walk_bounds *bounds, int64_t n, struct db_result **out,
                     struct err_info *e)
{
    struct db_params p;
    db_params_init(&p, w->arena);
    put_all(&p, w, bounds);
    db_put_i64(&p, n);
    return db_run(w->conn, w->wait, &scan_statements[w->oldest_first], &p, out, e);
}

static enum err tell(const struct db_walk *w, const struct db_result *r, int row, struct err_info *e)
{
    const struct search *const s = w->arg;
    const struct db_log_row log = db_log_row_read(r, row);
    (void)e;
    return s->fn(s->arg, &log);
}

static const struct db_walk_kind records = {DB_CHUNKED_LOGS, want, scan, DB_LOG_N_COLUMNS, tell};

static enum err tell_of_trace(struct db_walk *w, struct err_info *e)
{
    const struct search *const s = w->arg;
    const struct db_walk_bounds bounds = db_walk_bounds(w, w->window);
    AUTO(db_result) struct db_result *r = NULL;
    struct db_params p;
    db_params_init(&p, w->arena);
    put_all(&p, w, &bounds);
    db_put_bytes(&p, s->params->trace_id);
    TRY(db_run(w->conn, w->wait, &trace_statements[w->oldest_first], &p, &r, e));
    for (int row = 0; row < db_n_rows(r); row++)
        TRY(tell(w, r, row, e));
    w->is_finished = true;
    return OK;
}

static enum err search(struct search *s, struct db_walk *w, struct err_info *e)
{
    if (s->params->query.ptr != NULL)
        TRY(db_log_query_parse(s->params->query, w->arena, &s->query, e));
    if (s->params->regex.ptr != NULL)
        TRY(check_regex(w->conn, w->wait, w->arena, s->params->regex, e));
    return s->params->trace_id.ptr != NULL ? tell_of_trace(w, e) : db_walk(w, e);
}

static enum err ask(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                    const struct db_search_logs_params *params, db_log_fn fn, void *arg, struct db_search_logs_end *end,
                    struct err_info *e)
{
    struct search s = {.params = params, .fn = fn, .arg = arg};
    const int64_t budget = params->budget == 0 ? DB_SEARCH_LOGS_BUDGET : params->budget;
    struct db_walk w = {.kind = &records, .arg = &s, .conn = c, .wait = wait, .arena = arena, .window = params->window,
                        .oldest_first = params->oldest_first, .n_wanted = params->limit, .n_examinable = budget};
    if (params->after != NULL) {
        w.after = (struct db_walk_key){params->after->time_ns, params->after->log_id};
        w.has_after = true;
    }
    TRY(search(&s, &w, e));
    *end = (struct db_search_logs_end){.budget_spent = w.n_wanted > 0 && !w.is_finished,
                                       .n_examined = budget - w.n_examinable,
                                       .resume = {w.after.ns, w.after.id}};
    return OK;
}

enum err db_search_logs(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                        const struct db_search_logs_params *params, db_log_fn fn, void *arg, struct db_search_logs_end *end,
                        struct err_info *e)
{
    const int64_t started_ns = db_query_begin(c);
    return db_query_done(c, DB_SEARCH_LOGS, started_ns, ask(c, wait, arena, params, fn, arg, end, e));
}
