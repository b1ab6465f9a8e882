/* The open client connections, and the reaper: a thread that closes those that take too long.
 *
 * The HTTP threads say when a connection's present phase must be over; the reaper shuts the socket of one that is past it,
 * and the HTTP thread then ends the connection as if the client had. */
#ifndef TRACEKIN_SERVICE_CLIENTS_H
#define TRACEKIN_SERVICE_CLIENTS_H

#include <stdint.h>

#include "core/err.h"

enum { SERVICE_REAPER_PERIOD_MS = 100 };

struct service_clients;
struct service_client; /* one connection */

enum err service_clients_new(struct service_clients **out, struct err_info *e) MUST_USE;
void service_clients_free(struct service_clients *c);
/* new, until service_clients_remove; NULL when memory is out. The socket is borrowed until then. */
struct service_client *service_clients_add(struct service_clients *c, int fd, int64_t deadline_ns);
/* When it returns, the reaper will not touch the socket again. NULL is none. */
void service_clients_remove(struct service_clients *c, struct service_client *client);
/* INT64_MAX: no deadline. NULL is none. */
void service_client_until(struct service_client *client, int64_t deadline_ns);

#endif
