/* A TCP address to listen on or to reach: IPv4:PORT, [IPv6]:PORT or localhost:PORT. No name is looked up. Any thread. */
#ifndef TRACEKIN_SERVICE_ADDRESS_H
#define TRACEKIN_SERVICE_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/str.h"

enum { SERVICE_ADDRESS_TEXT_MAX = 64 };

struct service_address {
    struct sockaddr_storage storage;
    socklen_t len;
};

/* ERR_INVALID tells which forms there are. */
enum err service_address_parse(struct str text, struct service_address *out, struct err_info *e) MUST_USE;
/* Whether only this machine can reach it. */
bool service_address_is_loopback(const struct service_address *a);
/* Where a client of this machine reaches what listens there: loopback in place of "every address". */
struct service_address service_address_reach(const struct service_address *a);
/* Writes "127.0.0.1:4318" or "[::1]:4318". */
void service_address_print(const struct service_address *a, char out[SERVICE_ADDRESS_TEXT_MAX]);

#endif
