#include "service/http/connections.h"

#include "core/clock.h"

/* Those that were thought dropped may come all the same. */
static void no_longer_coming(struct service_connections *c)
{
    int_fast64_t n = atomic_load(&c->n_coming);
    while (n > 0 && !atomic_compare_exchange_weak(&c->n_coming, &n, n - 1))
        ;
}

void service_connections_added(struct service_connections *c, int64_t now_ns)
{
    atomic_store(&c->last_added_ns, now_ns);
    atomic_fetch_add(&c->n_coming, 1);
}

void service_connections_refused(struct service_connections *c)
{
    no_longer_coming(c);
}

void service_connections_opened(struct service_connections *c)
{
    atomic_fetch_add(&c->n_open, 1);
    no_longer_coming(c);
}

void service_connections_closed(struct service_connections *c)
{
    atomic_fetch_sub(&c->n_open, 1);
}

size_t service_connections_count(struct service_connections *c, int64_t now_ns)
{
    if (now_ns - atomic_load(&c->last_added_ns) >= SERVICE_CONNECTIONS_SETTLE_MS * NS_PER_MS)
        atomic_store(&c->n_coming, 0);
    return (size_t)(atomic_load(&c->n_coming) + atomic_load(&c->n_open));
}
