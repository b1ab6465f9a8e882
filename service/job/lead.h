/* The lead of a background job: of all processes on a database one has it, by an advisory lock of its job's session, and does
 * the work; the others ask for it again and again, so that one of them takes over.
 *
 * A session that is lost has lost the lead with it: whoever had it may believe so, and its gauge say so, until its job next
 * asks, but nothing of what it does meanwhile is committed. */
#ifndef TRACEKIN_SERVICE_LEAD_H
#define TRACEKIN_SERVICE_LEAD_H

#include "core/metrics.h"
#include "db/session/conn.h"

struct service_lead {
    struct metric *gauge; /* 1 in the process that leads, 0 in the others */
    bool is_held;
    bool is_new; /* or not held: what was begun under an earlier lead is not to be gone on with */
};

/* One attempt for the lead, in an open session: db_assemble_lead and its like. */
typedef enum err (*service_lead_fn)(struct db_conn *c, const struct db_wait *wait, bool *is_leader, struct err_info *e);

void service_lead_init(struct service_lead *l, const struct metric_family *family);
/* Before each step of the job: opens its session and makes one attempt if the lead is not held. */
enum err service_lead_take(struct service_lead *l, struct db_conn *conn, const struct db_wait *wait, service_lead_fn attempt,
                           struct err_info *e) MUST_USE;
/* Once the session is closed. */
void service_lead_end(struct service_lead *l);

#endif
