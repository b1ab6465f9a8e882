/* Which addresses a request of the service itself may go to, judged by the address that is connected to, after names are resolved.
 *
 * Loopback and private addresses are where a model is served beside tracekin. Link-local ones are where clouds hand a machine its
 * credentials, and nothing that serves embeddings: a name that leads there is a mistake or an attack. Pure; any thread. */
#ifndef TRACEKIN_API_PEER_H
#define TRACEKIN_API_PEER_H

#include <stdbool.h>
#include <sys/socket.h>

/* Whether the address is link-local (169.254.0.0/16, fe80::/10) or one of those beyond that clouds serve metadata from, also in an
 * IPv6 address that stands for an IPv4 one. */
bool api_peer_is_link_local(const struct sockaddr *address);

#endif
