/* What an API key may be for, and a route asks for. None includes another: who may do two things has two. Pure. */
#ifndef TRACEKIN_API_SCOPE_H
#define TRACEKIN_API_SCOPE_H

#include "core/str.h"

enum api_scope {
    API_SCOPE_NONE = 0, /* of a route: anybody may, as often as they like */
    API_SCOPE_READ = 1,
    API_SCOPE_INGEST = 2,
    API_SCOPE_ADMIN = 4,
};

/* "read", "ingest" or "admin". */
const char *api_scope_name(enum api_scope scope);
/* Reads "read,ingest": one or more names, each once. False (out untouched) when it is anything else. */
bool api_scopes_parse(struct str text, unsigned *scopes);

#endif
