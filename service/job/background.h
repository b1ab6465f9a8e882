/* A background job: one thread with its own connection that does a step, sleeps, and does the next, until it is freed.
 *
 * Freeing cancels the step under way, so that a stop is prompt; a step that can be cancelled must be one that can be done
 * again. A step that fails logs it itself and says how long to wait. */
#ifndef TRACEKIN_SERVICE_BACKGROUND_H
#define TRACEKIN_SERVICE_BACKGROUND_H

#include "db/session/conn.h"

struct service_background;

struct service_background_job {
    const char *name; /* of the thread and of the session: at most 15 characters */
    int step_timeout_s;
    /* Does one step by the wait's deadline; returns for how many milliseconds to sleep before the next. */
    int (*step)(void *arg, struct db_conn *conn, const struct db_wait *wait);
    void *arg;
};

/* The job and its arg are borrowed until service_background_free. ERR_NOMEM, ERR_INTERNAL. */
enum err service_background_new(const struct service_background_job *job, const char *url, struct service_background **out,
                                struct err_info *e) MUST_USE;
void service_background_free(struct service_background *b);

#endif
