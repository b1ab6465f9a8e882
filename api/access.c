#include "api/access.h"

struct str api_bearer_token(struct str authorization)
{
    struct str token = {0};
    const struct str scheme = str_split(authorization, ' ', &token);
    return str_equal_nocase(scheme, STR("Bearer")) ? str_trim(token) : (struct str){0};
}

bool api_secret_equal(struct str given, struct str wanted)
{
    unsigned char difference = given.len != wanted.len || wanted.len == 0;
    for (size_t i = 0; i < given.len && wanted.len > 0; i++)
        difference |= (unsigned char)(given.ptr[i] ^ wanted.ptr[i % wanted.len]);
    return difference == 0;
}

enum err api_access_admin(const struct api_req *req, struct err_info *e)
{
    if (req->world->admin_token.len == 0)
        return ERR_SET(e, ERR_FORBIDDEN, "this is for the service's admin, and it has no admin token: set TRACEKIN_ADMIN_TOKEN");
    if (!api_secret_equal(api_bearer_token(req->authorization), req->world->admin_token))
        return ERR_SET(e, ERR_UNAUTHENTICATED,
                       "this is for the service's admin: send the header Authorization: Bearer TOKEN, with its admin token");
    return OK;
}
