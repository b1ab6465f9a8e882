#include "service/serve/ready.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "db/session/conn.h"
#include "service/database/schema.h"
#include "service/process/wake.h"

enum { PERIOD_MS = 1000, PROBE_TIMEOUT_MS = 2000 };

struct service_ready {
    struct db_conn *db;
    pthread_t thread;
    int stop_fd;
    atomic_bool has_database, has_schema, is_draining;
};

static void ready_note(atomic_bool *what, bool is_ok, const char *lost, const char *found, const struct err_info *e)
{
    if (atomic_exchange(what, is_ok) == is_ok)
        return;
    if (is_ok)
        LOG(LOG_INFO, found, LOG_CSTR("readiness", "restored"));
    else
        log_err(LOG_WARN, lost, e);
}

static void ready_probe(struct service_ready *r)
{
    const struct db_wait wait = {.deadline_ns = clock_mono_ns() + PROBE_TIMEOUT_MS * NS_PER_MS, .wake_fd = -1};
    struct err_info e = {0};
    bool is_current = false;
    const bool answers = service_schema_is_current(r->db, &wait, &is_current, &e) == OK;
    ready_note(&r->has_database, answers, "database_lost", "database_found", &e);
    if (answers && !is_current)
        (void)ERR_SET(&e, ERR_INTERNAL, "the schema is not the one of this binary: start the binary that belongs to it");
    if (answers)
        ready_note(&r->has_schema, is_current, "schema_differs", "schema_current", &e);
}

static void *ready_run(void *arg)
{
    struct service_ready *r = arg;
    struct pollfd stop = {.fd = r->stop_fd, .events = POLLIN};
    for (;;) {
        (void)poll(&stop, 1, PERIOD_MS); /* without memory it may fail, which is no reason to stop */
        if (stop.revents != 0)
            return NULL;
        ready_probe(r);
    }
}

static void ready_close(struct service_ready *r)
{
    db_conn_free(r->db);
    if (r->stop_fd >= 0)
        (void)close(r->stop_fd);
    mem_free(r);
}

enum err service_ready_new(const char *database_url, struct service_ready **out, struct err_info *e)
{
    struct service_ready *r = mem_calloc(1, sizeof *r);
    if (r == NULL)
        return ERR_SET_NOMEM(e);
    atomic_init(&r->has_database, true);
    atomic_init(&r->has_schema, true);
    r->db = db_conn_new(database_url, "tracekin ready");
    r->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (r->db == NULL || r->stop_fd < 0 || pthread_create(&r->thread, NULL, ready_run, r) != 0) {
        ready_close(r);
        return ERR_SET(e, ERR_NOMEM, "the readiness probe cannot be started: raise the limits of files, threads and memory");
    }
    *out = r;
    return OK;
}

void service_ready_free(struct service_ready *r)
{
    if (r == NULL)
        return;
    service_wake(r->stop_fd);
    (void)pthread_join(r->thread, NULL);
    ready_close(r);
}

void service_ready_drain(struct service_ready *r)
{
    atomic_store(&r->is_draining, true);
}

bool service_ready_check(void *arg, size_t i, const char **name, bool *is_ok, const char **why)
{
    struct service_ready *r = arg;
    const struct { const char *name; bool is_ok; const char *why; } checks[] = {
        {"database", atomic_load(&r->has_database), "the database does not answer"},
        {"schema", atomic_load(&r->has_schema), "the schema is not the one of this binary"},
        {"serving", !atomic_load(&r->is_draining), "the process is stopping"},
    };
    if (i >= ARRAY_LEN(checks))
        return false;
    *name = checks[i].name;
    *is_ok = checks[i].is_ok;
    *why = checks[i].why;
    return true;
}
