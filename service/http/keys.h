/* The API keys in force: those of a file, read at the start and again when told to.
 *
 * Any thread may ask; a request sees the keys of before or of after, never some of both. */
#ifndef TRACEKIN_SERVICE_KEYS_H
#define TRACEKIN_SERVICE_KEYS_H

#include "api/request/access.h"

struct service_keys;

/* Reads the keys of the file at path, NUL-terminated and borrowed; an empty path is a service without keys. ERR_INVALID, naming
 * the setting, the file and its line. */
enum err service_keys_new(struct str path, struct service_keys **out, struct err_info *e) MUST_USE;
void service_keys_free(struct service_keys *keys);
/* Reads the file again; on failure those of before stay. */
enum err service_keys_reload(struct service_keys *keys, struct err_info *e) MUST_USE;
/* How many there are. */
size_t service_keys_count(struct service_keys *keys);
/* api_access_check by them. */
enum err service_keys_check(struct service_keys *keys, const struct api_route *route, const struct api_credentials *given,
                            struct api_caller *caller, struct err_info *e) MUST_USE;

#endif
