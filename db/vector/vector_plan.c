#include "db/vector/vector_plan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/embedding.h"

enum {
    ROWS_SMALL = 5000,        /* below, lists hold ROWS_PER_LIST_SMALL rows */
    ROWS_PER_LIST_SMALL = 50,
    LISTS_SMALL = 100,
    ROWS_MIDDLE = 100000,     /* up to here LISTS_SMALL lists */
    ROWS_LARGE = 1000000,     /* up to here a list for ROWS_PER_LIST rows */
    ROWS_PER_LIST = 1000,
    LISTS_MAX = 32768,
};
/* A new generation is due when rows, or the lists wanted for them, have grown or shrunk by this factor; and when recall has fallen
 * and at least a tenth of the rows is new, as else the same lists would come out. */
enum { GROWTH = 2, NEW_ROWS_PART = 10 };

/* Of memory, in bytes: a sample is a vector with its header, a centre has its sums beside it. */
enum {
    SAMPLES_MIN = 10000,
    SAMPLES_PER_LIST = 50,
    VECTOR_BYTES = 8 + 4 * EMBEDDING_DIMENSIONS,
    CENTRE_VECTORS = 3,
    HNSW_ROW_BYTES = VECTOR_BYTES + 700, /* a vector and its neighbours, m = 16 */
    MARGIN_TENTHS = 11,
};

int64_t db_vector_lists_for(int64_t n_rows)
{
    if (n_rows < ROWS_SMALL)
        return n_rows < ROWS_PER_LIST_SMALL ? 1 : n_rows / ROWS_PER_LIST_SMALL;
    if (n_rows <= ROWS_MIDDLE)
        return LISTS_SMALL;
    if (n_rows <= ROWS_LARGE)
        return n_rows / ROWS_PER_LIST;
    const int64_t root = (int64_t)sqrt((double)n_rows);
    return root < LISTS_MAX ? root : LISTS_MAX;
}

int64_t db_vector_build_bytes(enum db_vector_method method, int64_t n_rows, int64_t lists)
{
    int64_t bytes = n_rows * HNSW_ROW_BYTES;
    if (method == DB_VECTOR_IVFFLAT) {
        const int64_t wanted = lists * SAMPLES_PER_LIST;
        const int64_t n_samples = wanted > SAMPLES_MIN ? wanted : SAMPLES_MIN;
        const int64_t n_used = n_rows < n_samples ? n_rows : n_samples;
        bytes = VECTOR_BYTES * n_samples + CENTRE_VECTORS * VECTOR_BYTES * lists + 4 * n_used * lists + 4 * lists * lists;
    }
    return bytes / 10 * MARGIN_TENTHS;
}

int64_t db_vector_lists_within(int64_t n_rows, int64_t lists, int64_t memory_max_bytes)
{
    while (lists > 1 && db_vector_build_bytes(DB_VECTOR_IVFFLAT, n_rows, lists) > memory_max_bytes)
        lists -= lists / 10 + 1;
    return lists > 1 ? lists : 1;
}

/* Steps of about a third, between which a calibration narrows. Beyond half of the lists an exact search costs no more. */
size_t db_vector_efforts(enum db_vector_method method, int64_t lists, int64_t *out, size_t n_max)
{
    static const int64_t ef_search[] = {40, 60, 80, 120, 160, 240, 320, 480, 640, 1000};
    size_t n = 0;
    if (method == DB_VECTOR_HNSW) {
        for (; n < ARRAY_LEN(ef_search) && n < n_max; n++)
            out[n] = ef_search[n];
        return n;
    }
    const int64_t most = lists > 1 ? lists / 2 : 1;
    for (int64_t probes = 1; probes <= most && n < n_max; probes += probes / 3 + 1)
        out[n++] = probes;
    return n;
}

int64_t db_vector_effort_between(int64_t too_little, int64_t enough)
{
    enum { PART = 16 };
    const int64_t left = enough - too_little;
    return too_little == 0 || left <= 1 + enough / PART ? 0 : too_little + left / 2;
}

int64_t db_vector_first_effort(enum db_vector_method method, int64_t lists)
{
    enum { EF_SEARCH = 160, LISTS_PER_PROBE = 8 };
    return method == DB_VECTOR_HNSW ? EF_SEARCH : lists / LISTS_PER_PROBE + 1;
}

const char *db_vector_name(enum db_vector_method method)
{
    static const char *const names[] = {
        [DB_VECTOR_NONE] = "", [DB_VECTOR_IVFFLAT] = DB_VECTOR_IVFFLAT_NAME, [DB_VECTOR_HNSW] = DB_VECTOR_HNSW_NAME};
    return names[method];
}

const struct db_vector_index *db_vector_current(const struct db_vector_facts *facts, enum db_vector_method method)
{
    for (size_t i = 0; method != DB_VECTOR_NONE && i < facts->n_indexes; i++)
        if (strcmp(facts->indexes[i].name, db_vector_name(method)) == 0 && facts->indexes[i].is_valid)
            return &facts->indexes[i];
    return NULL;
}

bool db_vector_is_below(const struct db_vector_record *r, double recall_target)
{
    enum { ERRORS = 2 };
    return r->is_measured && r->recall + ERRORS * r->recall_error < recall_target;
}

bool db_vector_can_iterate(const struct db_vector_facts *facts)
{
    enum { ITERATIVE_SCAN_VERSION = 800 };
    return facts->extension_version >= ITERATIVE_SCAN_VERSION;
}

/* --- what to do */

static struct db_vector_decision decide(enum db_vector_action action, const char *why, const char *name,
                                        enum db_vector_method method, int64_t lists)
{
    struct db_vector_decision d = {.action = action, .why = why, .method = method, .lists = lists};
    (void)snprintf(d.name, sizeof d.name, "%s", name);
    return d;
}

static bool ends_with(const char *text, const char *end)
{
    const size_t len = strlen(text), len_end = strlen(end);
    return len >= len_end && strcmp(text + len - len_end, end) == 0;
}

static bool is_named(const struct db_vector_index *index, enum db_vector_method method, const char *suffix)
{
    char name[DB_VECTOR_NAME_MAX];
    (void)snprintf(name, sizeof name, "%s%s", db_vector_name(method), suffix);
    return strcmp(index->name, name) == 0;
}

/* Nobody builds while this decides, so what is invalid will never become valid. PostgreSQL names what REINDEX CONCURRENTLY was
 * making _ccnew, and what it had replaced _ccold. */
static const char *why_drop(const struct db_vector_index *index, enum db_vector_method wanted)
{
    if (!index->is_valid)
        return "a build of it did not end";
    if (strstr(index->name, "_ccnew") != NULL || strstr(index->name, "_ccold") != NULL)
        return "REINDEX left it";
    if (ends_with(index->name, DB_VECTOR_OLD_SUFFIX))
        return "it was replaced";
    return is_named(index, wanted, "") || is_named(index, wanted, DB_VECTOR_NEXT_SUFFIX) ? NULL : "it is not wanted any more";
}

static bool off_by(int64_t a, int64_t b)
{
    return a >= GROWTH * b || b >= GROWTH * a;
}

static int64_t wanted_lists(const struct db_vector_wish *wish, int64_t n_rows)
{
    if (wish->method != DB_VECTOR_IVFFLAT)
        return 0;
    const int64_t lists = wish->lists > 0 ? wish->lists : db_vector_lists_for(n_rows);
    return db_vector_lists_within(n_rows, lists, wish->memory_max_bytes);
}

/* Doubts about an index of which nothing is recorded are for the calibration to settle. */
static const char *why_rebuild(const struct db_vector_wish *wish, const struct db_vector_facts *f,
                               const struct db_vector_index *current, int64_t lists)
{
    const struct db_vector_record *const r = &f->record;
    if (f->is_rebuild_wanted)
        return "it was asked for";
    if (wish->method == DB_VECTOR_IVFFLAT && wish->lists > 0 && current->lists != lists)
        return "other lists are set";
    if (wish->method == DB_VECTOR_IVFFLAT && off_by(current->lists, lists))
        return "its lists are off by two";
    if (!r->is_there)
        return NULL;
    if (wish->method == DB_VECTOR_IVFFLAT && r->n_rows_built < ROWS_MIDDLE && f->n_rows >= GROWTH * r->n_rows_built)
        return "the rows have doubled";
    if (db_vector_is_below(r, wish->recall_target) &&
        llabs(f->n_rows - r->n_rows_built) >= r->n_rows_built / NEW_ROWS_PART + 1)
        return "its recall fell below the target";
    return NULL;
}

static struct db_vector_decision look_at_recall(const struct db_vector_wish *wish, const struct db_vector_facts *f,
                                                const char *name)
{
    const struct db_vector_record *const r = &f->record;
    if (!r->is_there || strcmp(r->name, name) != 0)
        return decide(DB_VECTOR_CALIBRATE, "nothing is known of it", name, wish->method, 0);
    if (!r->is_measured || r->recall_target != wish->recall_target)
        return decide(DB_VECTOR_CALIBRATE, "its recall is not known for the target", name, wish->method, 0);
    const bool is_time = f->now_ns - r->measured_ns >= wish->measure_every_ns || f->now_ns < r->measured_ns;
    if (is_time && db_vector_is_below(r, wish->recall_target))
        return decide(DB_VECTOR_CALIBRATE, "its recall is below the target", name, wish->method, 0);
    if (is_time)
        return decide(DB_VECTOR_MEASURE, "it is time", name, wish->method, 0);
    return decide(DB_VECTOR_REST, "", "", wish->method, 0);
}

struct db_vector_decision db_vector_plan(const struct db_vector_wish *wish, const struct db_vector_facts *f)
{
    const enum db_vector_method wanted = f->n_rows < DB_VECTOR_ROWS_MIN ? DB_VECTOR_NONE : wish->method;
    const struct db_vector_index *const current = db_vector_current(f, wanted);
    const struct db_vector_index *replaced = NULL;
    for (size_t i = 0; i < f->n_indexes; i++) {
        const struct db_vector_index *const index = &f->indexes[i];
        const char *const why = why_drop(index, wanted);
        const bool is_other_method = why != NULL && index->is_valid && wanted != DB_VECTOR_NONE &&
                                     (is_named(index, DB_VECTOR_IVFFLAT, "") || is_named(index, DB_VECTOR_HNSW, ""));
        if (is_other_method && current == NULL)
            replaced = index; /* it serves until the wanted one is there */
        else if (why != NULL)
            return decide(DB_VECTOR_DROP, why, index->name, index->method, 0);
    }
    for (size_t i = 0; i < f->n_indexes; i++)
        if (is_named(&f->indexes[i], wanted, DB_VECTOR_NEXT_SUFFIX) && wanted != DB_VECTOR_NONE)
            return decide(DB_VECTOR_ADOPT, "it was built and not put in place", f->indexes[i].name, wanted, f->indexes[i].lists);
    if (wanted == DB_VECTOR_NONE)
        return decide(DB_VECTOR_REST, "", "", wanted, 0);
    const int64_t lists = wanted_lists(wish, f->n_rows);
    if (current == NULL)
        return decide(DB_VECTOR_BUILD, replaced == NULL ? "there is none" : "another method is set", db_vector_name(wanted), wanted,
                      lists);
    const char *const why = why_rebuild(wish, f, current, lists);
    if (why != NULL)
        return decide(DB_VECTOR_BUILD, why, current->name, wanted, lists);
    return look_at_recall(wish, f, current->name);
}
