#include "core/budget.h"

void budget_init(struct budget *b, size_t max_bytes)
{
    atomic_init(&b->used_bytes, 0);
    b->max_bytes = max_bytes;
}

void budget_share_init(struct budget_share *s, struct budget *whole, size_t max_bytes)
{
    *s = (struct budget_share){.whole = whole, .max_bytes = max_bytes};
}

void budget_share_close(struct budget_share *s)
{
    budget_give(s, s->used_bytes);
}

void budget_share_excuse(struct budget_share *s)
{
    if (s != NULL)
        s->is_excused = true;
}

/* What of a share's bytes is asked of the whole. */
static size_t asked(size_t used_bytes)
{
    return used_bytes > BUDGET_FREE_BYTES ? used_bytes - BUDGET_FREE_BYTES : 0;
}

static bool whole_take(struct budget *b, size_t n_bytes)
{
    size_t used_bytes = atomic_load(&b->used_bytes);
    do {
        if (used_bytes > b->max_bytes || n_bytes > b->max_bytes - used_bytes)
            return false;
    } while (!atomic_compare_exchange_weak(&b->used_bytes, &used_bytes, used_bytes + n_bytes));
    return true;
}

static bool share_ask(const struct budget_share *s, size_t n_bytes)
{
    if (s->whole == NULL || n_bytes == 0)
        return true;
    if (!s->is_excused)
        return whole_take(s->whole, n_bytes);
    (void)atomic_fetch_add(&s->whole->used_bytes, n_bytes);
    return true;
}

static bool refuse(struct budget_share *s, enum budget_bound bound)
{
    s->reached = bound;
    return false;
}

bool budget_take(struct budget_share *s, size_t n_bytes)
{
    if (s == NULL)
        return true;
    if (!s->is_excused && n_bytes > s->max_bytes - s->used_bytes)
        return refuse(s, BUDGET_OF_SHARE);
    const size_t used_bytes = s->used_bytes + n_bytes;
    if (!share_ask(s, asked(used_bytes) - asked(s->used_bytes)))
        return refuse(s, BUDGET_OF_WHOLE);
    s->used_bytes = used_bytes;
    return true;
}

void budget_give(struct budget_share *s, size_t n_bytes)
{
    if (s == NULL)
        return;
    const size_t used_bytes = s->used_bytes - n_bytes, fewer_bytes = asked(s->used_bytes) - asked(used_bytes);
    if (s->whole != NULL && fewer_bytes > 0)
        (void)atomic_fetch_sub(&s->whole->used_bytes, fewer_bytes);
    s->used_bytes = used_bytes;
}
