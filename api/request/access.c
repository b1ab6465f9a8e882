#include "api/request/access.h"

#include <stdio.h>

#define HOW_TO_SEND "in the header Authorization: Bearer KEY, or X-API-Key: KEY"

struct str api_bearer_token(struct str authorization)
{
    struct str token = {0};
    const struct str scheme = str_split(authorization, ' ', &token);
    if (!str_equal_nocase(scheme, STR("Bearer")))
        return (struct str){0};
    return token.ptr == NULL ? STR("") : str_trim(token);
}

/* An error that is of the header that brought the key, "" for none. */
static enum err access_refuse(enum err code, const char *header, struct err_info *e)
{
    if (e != NULL)
        (void)snprintf(e->parameter, sizeof e->parameter, "%s", header);
    return code;
}

static enum err refuse_keyless(const struct api_route *route, struct err_info *e)
{
    return ERR_SET(e, ERR_FORBIDDEN,
                   "this needs an API key with the scope %s, and the service has no keys: `tracekin api-key NAME %s` makes one, "
                   "TRACEKIN_API_KEYS_FILE names the file of its line", api_scope_name(route->scope), api_scope_name(route->scope));
}

enum err api_access_check(const struct api_keyring *ring, const struct api_route *route, const struct api_credentials *given,
                          struct api_caller *caller, struct err_info *e)
{
    const char *const scope = api_scope_name(route->scope);
    if (route->scope == API_SCOPE_NONE || (ring == NULL && route->scope != API_SCOPE_ADMIN))
        return OK;
    if (ring == NULL)
        return refuse_keyless(route, e);
    const struct str bearer = api_bearer_token(given->authorization);
    const struct str sent = bearer.ptr != NULL ? bearer : given->api_key;
    const char *const header = bearer.ptr != NULL ? "Authorization" : "X-API-Key";
    if (sent.ptr == NULL)
        return ERR_SET(e, ERR_UNAUTHENTICATED, "this needs an API key with the scope %s: send it " HOW_TO_SEND, scope);
    if (bearer.ptr != NULL && given->api_key.ptr != NULL && !str_equal(bearer, given->api_key))
        return access_refuse(ERR_SET(e, ERR_UNAUTHENTICATED, "Authorization and X-API-Key bring two different API keys; send one"), header, e);
    const struct api_key *const key = api_keyring_find(ring, sent);
    if (key == NULL)
        return access_refuse(ERR_SET(e, ERR_UNAUTHENTICATED, "this API key is not known here: send one with the scope %s, " HOW_TO_SEND, scope),
                             header, e);
    *caller = (struct api_caller){.has_rate = key->has_rate, .rate = key->rate};
    memcpy(caller->key_name, key->name, sizeof caller->key_name);
    if ((key->scopes & (unsigned)route->scope) != 0)
        return OK;
    return access_refuse(ERR_SET(e, ERR_FORBIDDEN, "this needs the scope %s, which the API key '%s' has not", scope, key->name), header, e);
}
