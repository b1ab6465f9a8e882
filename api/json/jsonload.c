#include "api/json/jsonload.h"

#include <pthread.h>
#include <stdalign.h>

#include "core/mem.h"

/* Before each of jansson's pieces: it frees them without telling their size. */
struct piece {
    struct budget_share *payer;
    size_t n_bytes;
    alignas(max_align_t) char data[];
};

static _Thread_local struct budget_share *payer; /* of what is being read */
static _Thread_local bool is_out_of_memory;      /* since it was begun */

static void *piece_alloc(size_t size)
{
    size_t n_bytes = 0;
    if (__builtin_add_overflow(size, sizeof(struct piece), &n_bytes) || !budget_take(payer, n_bytes)) {
        is_out_of_memory = true;
        return NULL;
    }
    struct piece *const piece = mem_alloc(n_bytes);
    if (piece == NULL) {
        is_out_of_memory = true;
        budget_give(payer, n_bytes);
        return NULL;
    }
    piece->payer = payer;
    piece->n_bytes = n_bytes;
    return piece->data;
}

static void piece_free(void *data)
{
    if (data == NULL)
        return;
    struct piece *const piece = (struct piece *)(void *)((char *)data - offsetof(struct piece, data));
    budget_give(piece->payer, piece->n_bytes);
    mem_free(piece);
}

static void set_functions(void)
{
    json_set_alloc_funcs(piece_alloc, piece_free);
}

/* jansson often takes its own want of memory for a fault of the text. */
json_t *api_jsonload(struct str text, size_t flags, struct budget_share *share, json_error_t *at)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, set_functions);
    payer = share;
    is_out_of_memory = false;
    json_t *const root = json_loadb(text.ptr, text.len, flags, at);
    payer = NULL;
    if (root == NULL && is_out_of_memory)
        *at = (json_error_t){.line = -1, .column = -1};
    return root;
}
