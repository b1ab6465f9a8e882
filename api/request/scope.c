#include "api/request/scope.h"

#include "core/attr.h"

static const struct {
    enum api_scope scope;
    const char *name;
} names[] = {{API_SCOPE_READ, "read"}, {API_SCOPE_INGEST, "ingest"}, {API_SCOPE_ADMIN, "admin"}};

const char *api_scope_name(enum api_scope scope)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (names[i].scope == scope)
            return names[i].name;
    return "none";
}

static unsigned scope_of(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_equal(name, str_of(names[i].name)))
            return names[i].scope;
    return API_SCOPE_NONE;
}

bool api_scopes_parse(struct str text, unsigned *scopes)
{
    unsigned found = 0;
    while (text.ptr != NULL) {
        const unsigned scope = scope_of(str_split(text, ',', &text));
        if (scope == API_SCOPE_NONE || (found & scope) != 0)
            return false;
        found |= scope;
    }
    if (found == 0)
        return false;
    *scopes = found;
    return true;
}
