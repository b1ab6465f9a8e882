#include "db/question/list_patterns.h"

#include "db/session/query.h"

/* A pattern whose first or last trace started in the window was seen in it; of those seen before and after it only, one look into
 * the index of a pattern's traces tells. OFFSET 0 keeps it one look. */
#define SEEN                                                                                                      \
    "p.last_seen_ns >= $1 AND p.first_seen_ns < $2 AND (p.last_seen_ns < $2 OR p.first_seen_ns >= $1"             \
    " OR EXISTS (SELECT FROM traces AS t WHERE t.pattern_id = p.pattern_id AND t.start_ns >= $1 AND t.start_ns < $2" \
    " OFFSET 0))"
#define FILTERS                                                                                             \
    SEEN " AND p.first_seen_ns >= $3"                                                                       \
    " AND ($5::text IS NULL OR CASE $5 WHEN 'error' THEN p.error_count > 0 ELSE p.error_count <= 0 END)"
/* Stands alone, so that the index over services serves it. */
#define OF_SERVICE " AND p.services @> ARRAY[$4::text]"
/* A page of narrow rows first, then the arrays of only those. */
#define PAGE(sort, filters)                                                                                      \
    "SELECT " DB_PATTERN_COLUMNS("p.operations[1:$9]") " FROM (SELECT p.pattern_id FROM patterns AS p WHERE " FILTERS \
    filters " AND (" sort ", p.pattern_id) < ($6, $7) ORDER BY " sort " DESC, p.pattern_id DESC LIMIT $8) AS page" \
    " JOIN patterns AS p ON p.pattern_id = page.pattern_id ORDER BY " sort " DESC, p.pattern_id DESC"
#define BOTH(sort) {{"list_patterns", PAGE(sort, "")}, {"list_patterns", PAGE(sort, OF_SERVICE)}}

static const struct db_statement statements[DB_PATTERNS_SORTS][2] = {
    /* [sort][of a service] */
    [DB_PATTERNS_BY_LAST_SEEN] = BOTH("p.last_seen_ns"),
    [DB_PATTERNS_BY_FIRST_SEEN] = BOTH("p.first_seen_ns"),
    [DB_PATTERNS_BY_COUNT] = BOTH("p.trace_count"),
};

int64_t db_list_patterns_value(const struct db_pattern_row *row, enum db_list_patterns_sort sort)
{
    switch (sort) {
    case DB_PATTERNS_BY_FIRST_SEEN:
        return row->first_seen_ns;
    case DB_PATTERNS_BY_COUNT:
        return row->trace_count;
    case DB_PATTERNS_BY_LAST_SEEN:
    case DB_PATTERNS_SORTS:
        break;
    }
    return row->last_seen_ns;
}

static void put_all(struct db_params *p, const struct db_list_patterns_params *params)
{
    static const struct db_list_patterns_key beginning = {INT64_MAX, INT64_MAX};
    const struct db_list_patterns_key *const after = params->after == NULL ? &beginning : params->after;
    db_put_i64(p, params->window.start_ns);
    db_put_i64(p, params->window.end_ns);
    db_put_i64(p, params->new_since_ns);
    db_put_text(p, params->service);
    db_put_text(p, params->status);
    db_put_i64(p, after->sort_value);
    db_put_i64(p, after->pattern_id);
    db_put_i64(p, params->limit);
    db_put_i32(p, params->n_operations);
}

static enum err ask(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                    const struct db_list_patterns_params *params, db_list_patterns_fn fn, void *arg, struct err_info *e)
{
    struct db_params p;
    db_params_init(&p, arena);
    put_all(&p, params);
    AUTO(db_result) struct db_result *r = NULL;
    TRY(db_run(c, wait, &statements[params->sort][params->service.ptr != NULL], &p, &r, e));
    for (int row = 0; row < db_n_rows(r); row++) {
        struct db_pattern_row pattern;
        TRY(db_pattern_row_read(r, row, arena, &pattern, e));
        TRY(fn(arg, &pattern));
    }
    return OK;
}

enum err db_list_patterns(struct db_conn *c, const struct db_wait *wait, struct arena *arena,
                          const struct db_list_patterns_params *params, db_list_patterns_fn fn, void *arg,
                          struct err_info *e)
{
    const int64_t started_ns = db_query_begin(c);
    return db_query_done(c, DB_LIST_PATTERNS, started_ns, ask(c, wait, arena, params, fn, arg, e));
}
