/* Whether the settings go together, and what they name can be used: asked before the process serves, and by check-config. */
#ifndef TRACEKIN_SERVICE_CHECK_H
#define TRACEKIN_SERVICE_CHECK_H

#include "service/setting/config.h"

/* Whether the process may serve with it: the database is named well, the API keys can be read, the lists are lists, the settings
 * of embeddings go together, and beyond loopback there are keys or someone decided. ERR_INVALID, ERR_NOMEM. */
enum err service_check_serve(struct service_config *c, struct err_info *e) MUST_USE;

#endif
