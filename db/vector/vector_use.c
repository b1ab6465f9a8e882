#include "db/vector/vector_use.h"

#include <pthread.h>

#include "core/hash.h"
#include "core/mem.h"

/* An iterative search reads at most so many times as many lists as the first probe: a filtered search that is still short
 * then is left to the exact search within its filter. */
enum { LISTS_READ_FACTOR = 8, PROBES_MAX = 32768, NUMBER_TEXT_MAX = 24 };

static const char *const names[] = {[DB_VECTOR_NONE] = "none", [DB_VECTOR_IVFFLAT] = "ivfflat", [DB_VECTOR_HNSW] = "hnsw"};

struct db_vector_board {
    pthread_mutex_t lock;
    struct db_vector_use use;
};

/* By method and whether the search may read on. */
static const struct db_statement set_ivfflat[2] = {
    {"vector_use", "SELECT set_config('ivfflat.probes', $1, false), $2::text"},
    {"vector_use", "SELECT set_config('ivfflat.probes', $1, false), set_config('ivfflat.max_probes', $2, false),"
                   " set_config('ivfflat.iterative_scan', 'relaxed_order', false)"},
};
static const struct db_statement set_hnsw[2] = {
    {"vector_use", "SELECT set_config('hnsw.ef_search', $1, false), $2::text"},
    {"vector_use", "SELECT set_config('hnsw.ef_search', $1, false), set_config('hnsw.iterative_scan', 'relaxed_order', false),"
                   " $2::text"},
};

const char *db_vector_method_name(enum db_vector_method method)
{
    return names[method];
}

bool db_vector_method_parse(struct str text, enum db_vector_method *out)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_equal_nocase(text, str_of(names[i]))) {
            *out = (enum db_vector_method)i;
            return true;
        }
    return false;
}

struct db_vector_board *db_vector_board_new(void)
{
    struct db_vector_board *const b = mem_calloc(1, sizeof *b);
    if (b != NULL)
        pthread_mutex_init(&b->lock, NULL);
    return b;
}

void db_vector_board_free(struct db_vector_board *b)
{
    if (b == NULL)
        return;
    pthread_mutex_destroy(&b->lock);
    mem_free(b);
}

void db_vector_board_post(struct db_vector_board *b, const struct db_vector_use *use)
{
    pthread_mutex_lock(&b->lock);
    b->use = *use;
    pthread_mutex_unlock(&b->lock);
}

struct db_vector_use db_vector_board_read(struct db_vector_board *b)
{
    pthread_mutex_lock(&b->lock);
    const struct db_vector_use use = b->use;
    pthread_mutex_unlock(&b->lock);
    return use;
}

static uint64_t mark_of(const struct db_vector_use *use)
{
    const int64_t parts[] = {use->method, use->effort, use->can_iterate};
    return hash64((struct str){(const char *)parts, sizeof parts}, 0) | 1;
}

static void put_number(struct db_params *p, int64_t number)
{
    const struct str text = arena_printf(p->arena, "%lld", (long long)number);
    p->failed = p->failed || text.ptr == NULL;
    db_put_text(p, text);
}

enum err db_vector_use_set(struct db_conn *c, const struct db_wait *wait, struct arena *arena, const struct db_vector_use *use,
                           struct err_info *e)
{
    const uint64_t mark = mark_of(use);
    const int64_t most = use->effort * LISTS_READ_FACTOR;
    struct db_params p;
    if (db_conn_mark(c) == mark)
        return OK;
    db_params_init(&p, arena);
    put_number(&p, use->effort);
    put_number(&p, most < PROBES_MAX ? most : PROBES_MAX);
    const struct db_statement *const set = use->method == DB_VECTOR_HNSW ? set_hnsw : set_ivfflat;
    AUTO(db_result) struct db_result *r = NULL;
    TRY(db_run(c, wait, &set[use->can_iterate], &p, &r, e));
    db_conn_set_mark(c, mark);
    return OK;
}
