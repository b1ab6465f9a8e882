/* Who may do what, and how often: what is asked about each request before anything of its body is read.
 *
 * Any thread. Routes of the scope none, those of health, are never turned away. */
#ifndef TRACEKIN_SERVICE_ACCESS_H
#define TRACEKIN_SERVICE_ACCESS_H

#include "service/http/request.h"
#include "service/setting/config.h"

struct sockaddr;
struct service_access;

/* config is borrowed until service_access_free. ERR_INVALID when the keys' file or the list of proxies is wrong. */
enum err service_access_new(const struct service_config *config, struct service_access **out, struct err_info *e) MUST_USE;
void service_access_free(struct service_access *access);
/* Reads the API keys again, and logs what came of it: they stay as they are when something is wrong. */
void service_access_reload(struct service_access *access);
/* Judges a request whose route is found; a failure becomes its refusal. peer is its connection's. */
void service_access_judge(struct service_access *access, struct service_request *r, const struct sockaddr *peer);

#endif
