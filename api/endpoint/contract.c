#include "api/endpoint/handlers.h"
#include "embed/openapi_yaml.h"

enum err api_openapi(struct api_req *req, struct api_reply *reply, struct err_info *e)
{
    (void)req;
    (void)e;
    reply->content_type = "application/yaml";
    buf_put(&reply->body, embed_openapi_yaml, embed_openapi_yaml_len);
    return OK;
}
