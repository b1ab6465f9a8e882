/* The URL of a database, as libpq writes it: a connection URI, or keyword=value pairs. Pure; any thread.
 *
 * libpq itself finds some faults only when it connects, and its words repeat the URL, password and all. */
#ifndef TRACEKIN_DB_URL_H
#define TRACEKIN_DB_URL_H

#include "core/err.h"

/* *fault is what is wrong with the URL, to be read after its name: "has a port that is ..."; NULL when nothing is. The text is
 * static: nothing of the URL is in it. ERR_NOMEM: nobody can tell. */
enum err db_url_check(const char *url, const char **fault, struct err_info *e) MUST_USE;

#endif
