#include "db/session/trail.h"

#include "db/session/conn_internal.h"
#include "db/session/slow_query.h"

void db_trail_open(struct db_conn *c)
{
    db_trail_close(c);
    c->trail.is_open = true;
}

void db_trail_close(struct db_conn *c)
{
    db_call_free(c->trail.slowest);
    c->trail = (struct db_trail){.explain = c->trail.explain};
}

void db_explain_into(struct db_conn *c, struct db_explanation *x)
{
    c->trail.explain = x;
}

/* A statement that cannot be explained has no plan, and its own error tells why. */
static void explain(struct db_conn *c, const struct db_wait *wait, const struct db_statement *s, const struct db_params *p)
{
    struct db_explanation *const x = c->trail.explain;
    struct db_explained *const item = &x->items[x->n++];
    *item = (struct db_explained){.statement = s->name};
    c->trail.is_open = false; /* or it would explain the explanation */
    if (db_plan_read(c, wait, x->arena, s, p, x->depth, &item->plan, NULL) != OK)
        item->plan = (struct db_plan){.lines = NULL};
    c->trail.is_open = true;
}

void db_trail_before(struct db_conn *c, const struct db_wait *wait, const struct db_statement *s, const struct db_params *p)
{
    struct db_explanation *const x = c->trail.explain;
    if (!c->trail.is_open || x == NULL)
        return;
    if (x->n < DB_EXPLAIN_MAX)
        explain(c, wait, s, p);
    else
        x->n_left_off++;
}

static void measure(struct db_explanation *x, int64_t took_ns, int64_t n_rows)
{
    if (x->n_left_off > 0)
        return;
    x->items[x->n - 1].took_ns = took_ns;
    x->items[x->n - 1].n_rows = n_rows;
}

void db_trail_after(struct db_conn *c, const struct db_statement *s, const struct db_params *p, int64_t took_ns, int64_t n_rows)
{
    struct db_trail *const trail = &c->trail;
    if (!trail->is_open)
        return;
    trail->n_rows += n_rows;
    if (took_ns > trail->slowest_ns && db_slow_query_is_suspect(took_ns)) {
        db_call_free(trail->slowest);
        trail->slowest = db_call_copy(s, p);
        trail->slowest_ns = took_ns;
    }
    if (trail->explain != NULL)
        measure(trail->explain, took_ns, n_rows);
}
