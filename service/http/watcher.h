/* The watcher: sees clients go away while their request is with a worker, and cancels that request.
 *
 * One thread that looks every 20 ms at the sockets of suspended connections, which the HTTP thread does not look at meanwhile: most
 * requests are answered before it looks, and cost it nothing.
 * A half-closed connection counts as gone, so only requests whose effects nobody waits for may be watched: reads. */
#ifndef TRACEKIN_SERVICE_WATCHER_H
#define TRACEKIN_SERVICE_WATCHER_H

#include "service/http/request.h"

struct service_watcher;

enum err service_watcher_new(struct service_watcher **out, struct err_info *e) MUST_USE;
/* Nothing is watched any more. */
void service_watcher_free(struct service_watcher *w);
/* Any thread. */
void service_watcher_add(struct service_watcher *w, struct service_request *r);
/* When it returns, the watcher will not touch the request again. A request that is not watched may be passed too. */
void service_watcher_remove(struct service_watcher *w, struct service_request *r);

#endif
