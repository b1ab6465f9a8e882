/* How many client connections there are: those that an HTTP thread has taken up, and those on their way to one, which are counted
 * as soon as they are added, so that a burst is counted whole. Any thread; nothing blocks.
 *
 * libmicrohttpd drops one on its way without a word when it has no memory for it. So what is still on its way when none was added
 * for a while is gone. */
#ifndef TRACEKIN_SERVICE_CONNECTIONS_H
#define TRACEKIN_SERVICE_CONNECTIONS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum { SERVICE_CONNECTIONS_SETTLE_MS = 1000 };

struct service_connections {
    atomic_int_fast64_t n_coming, n_open;
    atomic_int_fast64_t last_added_ns; /* monotonic */
};

/* One was added; then either it could not be, or it is taken up, and closed in the end. */
void service_connections_added(struct service_connections *c, int64_t now_ns);
void service_connections_refused(struct service_connections *c);
void service_connections_opened(struct service_connections *c);
void service_connections_closed(struct service_connections *c);
/* Forgets those that were dropped. */
size_t service_connections_count(struct service_connections *c, int64_t now_ns);

#endif
