#include "service/http/clients.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>

#include "core/clock.h"
#include "core/mem.h"
#include "service/http/traffic.h"

struct service_client {
    struct service_client *previous, *next;
    atomic_int_fast64_t deadline_ns;
    int fd;
};

struct service_clients {
    pthread_mutex_t mutex;
    pthread_cond_t stopped;
    pthread_t reaper;
    struct service_client *first;
    bool is_stopping;
};

static void clients_reap(struct service_clients *c, int64_t now_ns)
{
    for (struct service_client *client = c->first; client != NULL; client = client->next) {
        if (now_ns <= atomic_load(&client->deadline_ns))
            continue;
        atomic_store(&client->deadline_ns, INT64_MAX);
        (void)shutdown(client->fd, SHUT_RDWR);
        service_traffic_rejected(REJECTED_SLOW);
    }
}

static struct timespec clients_next_period(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += SERVICE_REAPER_PERIOD_MS * NS_PER_MS;
    t.tv_sec += t.tv_nsec / NS_PER_S;
    t.tv_nsec %= NS_PER_S;
    return t;
}

static void *clients_run(void *arg)
{
    struct service_clients *c = arg;
    (void)pthread_mutex_lock(&c->mutex);
    while (!c->is_stopping) {
        const struct timespec until = clients_next_period();
        while (!c->is_stopping && pthread_cond_timedwait(&c->stopped, &c->mutex, &until) != ETIMEDOUT)
            ;
        clients_reap(c, clock_mono_ns());
    }
    (void)pthread_mutex_unlock(&c->mutex);
    return NULL;
}

static void clients_init_sync(struct service_clients *c)
{
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&c->stopped, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    (void)pthread_mutex_init(&c->mutex, NULL);
}

static void clients_close(struct service_clients *c)
{
    (void)pthread_cond_destroy(&c->stopped);
    (void)pthread_mutex_destroy(&c->mutex);
    mem_free(c);
}

enum err service_clients_new(struct service_clients **out, struct err_info *e)
{
    struct service_clients *c = mem_calloc(1, sizeof *c);
    if (c == NULL)
        return ERR_SET_NOMEM(e);
    clients_init_sync(c);
    if (pthread_create(&c->reaper, NULL, clients_run, c) != 0) {
        clients_close(c);
        return ERR_SET(e, ERR_INTERNAL, "the thread that closes slow connections cannot be started: raise the limit of threads");
    }
    *out = c;
    return OK;
}

void service_clients_free(struct service_clients *c)
{
    if (c == NULL)
        return;
    (void)pthread_mutex_lock(&c->mutex);
    c->is_stopping = true;
    (void)pthread_cond_signal(&c->stopped);
    (void)pthread_mutex_unlock(&c->mutex);
    (void)pthread_join(c->reaper, NULL);
    clients_close(c);
}

struct service_client *service_clients_add(struct service_clients *c, int fd, int64_t deadline_ns)
{
    struct service_client *client = mem_calloc(1, sizeof *client);
    if (client == NULL)
        return NULL;
    client->fd = fd;
    atomic_init(&client->deadline_ns, deadline_ns);
    (void)pthread_mutex_lock(&c->mutex);
    client->next = c->first;
    if (c->first != NULL)
        c->first->previous = client;
    c->first = client;
    (void)pthread_mutex_unlock(&c->mutex);
    service_traffic_connected(1);
    return client;
}

void service_clients_remove(struct service_clients *c, struct service_client *client)
{
    if (client == NULL)
        return;
    (void)pthread_mutex_lock(&c->mutex);
    if (client->next != NULL)
        client->next->previous = client->previous;
    if (client->previous != NULL)
        client->previous->next = client->next;
    else
        c->first = client->next;
    (void)pthread_mutex_unlock(&c->mutex);
    service_traffic_connected(-1);
    mem_free(client);
}

void service_client_until(struct service_client *client, int64_t deadline_ns)
{
    if (client != NULL)
        atomic_store(&client->deadline_ns, deadline_ns);
}
