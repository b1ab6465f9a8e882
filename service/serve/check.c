#include "service/serve/check.h"

#include "service/http/cors.h"
#include "service/http/keys.h"
#include "service/http/tls.h"
#include "service/job/embeddings.h"
#include "service/setting/network.h"

static enum err check_keys(const struct service_config *c, struct err_info *e)
{
    struct service_keys *keys = NULL;
    TRY(service_keys_new(c->api_keys_file, &keys, e));
    service_keys_free(keys);
    return OK;
}

/* The lists, whose faults know nothing of settings. */
static enum err check_lists(const struct service_config *c, struct err_info *e)
{
    struct err_info fault = {0};
    struct service_networks proxies;
    if (service_networks_parse(c->trusted_proxies, &proxies, &fault) != OK)
        return ERR_SET(e, ERR_INVALID, "TRACEKIN_TRUSTED_PROXIES: %s", fault.message);
    if (service_cors_check(c->cors_origins, &fault) != OK)
        return ERR_SET(e, ERR_INVALID, "TRACEKIN_CORS_ORIGINS: %s", fault.message);
    return OK;
}

enum err service_check_serve(struct service_config *c, struct err_info *e)
{
    TRY(service_config_check_database(c, e));
    TRY(check_keys(c, e));
    TRY(check_lists(c, e));
    TRY(service_embeddings_check(c, e));
    TRY(service_tls_check(c, e));
    if (service_address_is_loopback(&c->listen) || c->api_keys_file.len > 0 || c->is_insecure)
        return OK;
    char address[SERVICE_ADDRESS_TEXT_MAX];
    service_address_print(&c->listen, address);
    return ERR_SET(e, ERR_INVALID,
                   "TRACEKIN_LISTEN is %s, which other machines can reach: give it API keys (TRACEKIN_API_KEYS_FILE), listen on "
                   "127.0.0.1, or set TRACEKIN_INSECURE=true if everyone who reaches it may read and write everything", address);
}
