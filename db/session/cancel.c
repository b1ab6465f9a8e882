#include <poll.h>
#include <pthread.h>

#include "core/clock.h"
#include "db/session/conn_internal.h"

#ifdef LIBPQ_HAS_ASYNC_CANCEL

void db_cancel_send(PGconn *pg, int64_t deadline_ns)
{
    const struct db_wait wait = {.deadline_ns = deadline_ns, .wake_fd = -1};
    PGcancelConn *const cancel = PQcancelCreate(pg);
    PostgresPollingStatusType next = PQcancelStart(cancel) == 1 ? PGRES_POLLING_WRITING : PGRES_POLLING_FAILED;
    while (next == PGRES_POLLING_READING || next == PGRES_POLLING_WRITING) {
        if (db_wait_ready(&wait, PQcancelSocket(cancel), next == PGRES_POLLING_READING ? POLLIN : POLLOUT) != OK)
            break;
        next = PQcancelPoll(cancel);
    }
    PQcancelFinish(cancel);
}

#else

static void *cancel_thread(void *arg)
{
    PGcancel *const cancel = arg;
    char reason[256];
    (void)PQcancel(cancel, reason, sizeof reason);
    PQfreeCancel(cancel);
    return NULL;
}

/* Before libpq 17 a cancel blocks until the server closes its connection, which one that hangs never does: so it is sent
 * from a thread that nobody waits for. What comes of it is seen in the session itself. */
void db_cancel_send(PGconn *pg, int64_t deadline_ns)
{
    (void)deadline_ns;
    PGcancel *const cancel = PQgetCancel(pg);
    pthread_t thread;
    if (cancel == NULL)
        return;
    if (pthread_create(&thread, NULL, cancel_thread, cancel) != 0) {
        PQfreeCancel(cancel);
        return;
    }
    (void)pthread_detach(thread);
}

#endif
