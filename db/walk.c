#include "db/walk.h"

#include "db/chunk_find.h"

/* Rows of the first scan. Each further one is SCAN_GROWTH times as long; the planner may then sort a whole window rather than
 * walk its index. */
enum { SCAN_FIRST = 5000, SCAN_GROWTH = 10 };
enum column { NS, ID };
enum control { IS_MATCH, N, IS_LAST };

static bool is_on(const struct db_walk *w)
{
    return w->n_wanted > 0 && w->n_examinable > 0 && !w->is_finished;
}

struct db_walk_bounds db_walk_bounds(const struct db_walk *w, struct db_window within)
{
    struct db_walk_bounds b = {{within.start_ns, STR("")}, {within.end_ns, STR("")}};
    if (w->has_after && w->oldest_first && w->after.ns >= within.start_ns)
        b.low = w->after;
    if (w->has_after && !w->oldest_first && w->after.ns < within.end_ns)
        b.high = w->after;
    return b;
}

static enum err go_on_after(struct db_walk *w, const struct db_result *r, int row, struct err_info *e)
{
    const struct str id = arena_copy(w->arena, db_get_str(r, row, ID));
    if (id.ptr == NULL)
        return ERR_SET_NOMEM(e);
    w->after = (struct db_walk_key){db_get_i64(r, row, NS), id};
    w->has_after = true;
    return OK;
}

/* *is_cut: the scan ended at its bound of rows, not at the window's end. */
static enum err read_rows(struct db_walk *w, const struct db_result *r, int64_t n_max, bool *is_cut, struct err_info *e)
{
    for (int row = 0; row < db_n_rows(r); row++) {
        if (db_get_bool(r, row, w->kind->column + IS_MATCH)) {
            TRY(w->kind->tell(w, r, row, e));
            w->n_wanted--;
        }
        if (!db_get_bool(r, row, w->kind->column + IS_LAST))
            continue;
        const int64_t n = db_get_i64(r, row, w->kind->column + N);
        w->n_examinable -= n;
        *is_cut = n == n_max;
        if (*is_cut)
            TRY(go_on_after(w, r, row, e));
    }
    return OK;
}

static enum err scan(struct db_walk *w, struct db_window within, int64_t n_max, bool *is_cut, struct err_info *e)
{
    AUTO(db_result) struct db_result *r = NULL;
    const struct db_walk_bounds bounds = db_walk_bounds(w, within);
    const int64_t n = n_max < w->n_examinable ? n_max : w->n_examinable;
    TRY(w->kind->scan(w, &bounds, n, &r, e));
    *is_cut = false;
    return read_rows(w, r, n, is_cut, e);
}

static enum err scan_all(struct db_walk *w, int64_t n_max, struct err_info *e)
{
    bool is_cut = false;
    TRY(scan(w, w->window, n_max, &is_cut, e));
    w->is_finished = !is_cut && w->n_wanted > 0;
    return OK;
}

static enum err scan_ranges(struct db_walk *w, const struct db_chunk_ranges *ranges, struct err_info *e)
{
    bool is_cut = false;
    for (size_t i = 0; i < ranges->n && is_on(w); i++)
        TRY(scan(w, ranges->items[i], w->n_examinable, &is_cut, e));
    return OK;
}

/* What is left of the window after the first scan, and then after each list of ranges. */
static enum err scan_chunks(struct db_walk *w, struct err_info *e)
{
    struct db_chunk_ranges *const ranges = arena_alloc(w->arena, sizeof *ranges);
    struct db_window rest = w->window;
    if (ranges == NULL)
        return ERR_SET_NOMEM(e);
    if (w->oldest_first)
        rest.start_ns = w->after.ns;
    else
        rest.end_ns = w->after.ns + 1;
    while (is_on(w)) {
        TRY(db_chunk_find(w->conn, w->wait, w->arena, w->kind->table, w->wanted, rest, w->oldest_first, ranges, e));
        TRY(scan_ranges(w, ranges, e));
        if (!is_on(w))
            return OK;
        w->is_finished = ranges->is_all;
        if (ranges->n > 0 && w->oldest_first)
            rest.start_ns = ranges->items[ranges->n - 1].end_ns;
        if (ranges->n > 0 && !w->oldest_first)
            rest.end_ns = ranges->items[ranges->n - 1].start_ns;
    }
    return OK;
}

enum err db_walk(struct db_walk *w, struct err_info *e)
{
    TRY(scan_all(w, SCAN_FIRST, e));
    if (is_on(w) && grams_count(w->wanted) > 0)
        return scan_chunks(w, e);
    for (int64_t n = SCAN_FIRST * SCAN_GROWTH; is_on(w); n *= SCAN_GROWTH)
        TRY(scan_all(w, n, e));
    return OK;
}
