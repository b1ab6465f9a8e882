#include "db/question/walk.h"

#include "db/chunk/chunk_find.h"

/* Rows of the first scan. Each further one is SCAN_GROWTH times as long; the planner may then sort a whole window rather than
 * walk its index. */
enum { SCAN_FIRST = 1000, SCAN_GROWTH = 10 };
/* A statement costs about what reading so many rows does. */
enum { GROUP_ROWS = 256, GROUP_SCAN_ROWS = 4 * GROUP_ROWS };
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

/* How many ranges from the first on have not more than GROUP_ROWS rows; at least one. */
static size_t group_of(const struct db_chunk_range *ranges, size_t n_ranges)
{
    size_t n = 1;
    for (int64_t n_rows = ranges[0].n_rows; n < n_ranges && n_rows + ranges[n].n_rows <= GROUP_ROWS; n++)
        n_rows += ranges[n].n_rows;
    return n;
}

/* Whether an earlier scan has read all of the range. */
static bool is_passed(const struct db_walk *w, struct db_window range)
{
    return w->has_after && (w->oldest_first ? range.end_ns <= w->after.ns : range.start_ns > w->after.ns);
}

/* Small ranges, of a sender of few rows, are read together with what is between them, in most cases nothing; should that be
 * more than GROUP_SCAN_ROWS, what is left of them one by one. */
static enum err scan_group(struct db_walk *w, const struct db_chunk_range *ranges, size_t n, struct err_info *e)
{
    bool is_cut = true;
    if (n > 1) {
        const struct db_window all = db_window_hull(ranges[0].window, ranges[n - 1].window);
        TRY(scan(w, all, GROUP_SCAN_ROWS, &is_cut, e));
    }
    for (size_t i = 0; i < n && is_cut && is_on(w); i++) {
        bool is_spent = false; /* then nothing more may be examined */
        if (!is_passed(w, ranges[i].window))
            TRY(scan(w, ranges[i].window, w->n_examinable, &is_spent, e));
    }
    return OK;
}

static enum err scan_ranges(struct db_walk *w, const struct db_chunk_ranges *ranges, struct err_info *e)
{
    size_t n = 0;
    for (size_t i = 0; i < ranges->n && is_on(w); i += n) {
        n = group_of(&ranges->items[i], ranges->n - i);
        TRY(scan_group(w, &ranges->items[i], n, e));
    }
    return OK;
}

/* What is left of the window after the first scan, and then after each list of ranges. */
static enum err scan_chunks(struct db_walk *w, const struct grams *wanted, struct err_info *e)
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
        TRY(db_chunk_find(w->conn, w->wait, w->arena, w->kind->table, wanted, rest, w->oldest_first, ranges, e));
        TRY(scan_ranges(w, ranges, e));
        if (!is_on(w))
            return OK;
        w->is_finished = ranges->is_all;
        if (ranges->n > 0 && w->oldest_first)
            rest.start_ns = ranges->items[ranges->n - 1].window.end_ns;
        if (ranges->n > 0 && !w->oldest_first)
            rest.end_ns = ranges->items[ranges->n - 1].window.start_ns;
    }
    return OK;
}

/* Grams are made only here: most searches end with the first scan. */
static enum err go_on(struct db_walk *w, struct err_info *e)
{
    AUTO(grams) struct grams *wanted = grams_new();
    if (wanted == NULL)
        return ERR_SET_NOMEM(e);
    w->kind->want(w, wanted);
    if (grams_count(wanted) > 0)
        return scan_chunks(w, wanted, e);
    for (int64_t n = SCAN_FIRST * SCAN_GROWTH; is_on(w); n *= SCAN_GROWTH)
        TRY(scan_all(w, n, e));
    return OK;
}

enum err db_walk(struct db_walk *w, struct err_info *e)
{
    TRY(scan_all(w, SCAN_FIRST, e));
    return is_on(w) ? go_on(w, e) : OK;
}
