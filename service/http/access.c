#include "service/http/access.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "service/http/keys.h"
#include "service/http/rates.h"
#include "service/http/traffic.h"
#include "service/setting/network.h"

struct service_access {
    struct service_keys *keys;
    struct service_rates *rates;
    struct service_networks proxies;
};

enum err service_access_new(const struct service_config *config, struct service_access **out, struct err_info *e)
{
    struct service_access *const a = mem_calloc(1, sizeof *a);
    if (a == NULL)
        return ERR_SET_NOMEM(e);
    enum err code = service_networks_parse(config->trusted_proxies, &a->proxies, e);
    if (code == OK)
        code = service_keys_new(config->api_keys_file, &a->keys, e);
    if (code == OK)
        code = service_rates_new(config, &a->rates, e);
    if (code == OK)
        *out = a;
    else
        service_access_free(a);
    return code;
}

void service_access_free(struct service_access *a)
{
    if (a == NULL)
        return;
    service_keys_free(a->keys);
    service_rates_free(a->rates);
    mem_free(a);
}

void service_access_reload(struct service_access *a)
{
    struct err_info e = {0};
    if (service_keys_reload(a->keys, &e) == OK)
        LOG(LOG_INFO, "api_keys_read", LOG_INT("keys", service_keys_count(a->keys)));
    else
        log_err(LOG_ERROR, "api_keys_kept", &e);
}

static bool address_may(struct service_access *a, const struct service_request *r, const struct sockaddr *peer)
{
    struct service_ip ip;
    struct str values[SERVICE_FORWARDED_MAX];
    if (!service_rates_limit_addresses(a->rates) || !service_ip_of(peer, &ip))
        return true;
    if (a->proxies.n > 0)
        ip = service_network_client(&a->proxies, &ip, values, service_head_forwarded(&r->head, values));
    return service_rates_take_address(a->rates, &ip, clock_mono_ns());
}

static void refuse_rate(struct service_request *r, const char *whose)
{
    service_traffic_rejected(REJECTED_RATE);
    (void)ERR_SET(&r->refusal, ERR_RATE, "%s asks more often than it may; send it again in a second", whose);
}

static void check_key(struct service_access *a, struct service_request *r)
{
    const struct api_credentials given = {r->head.authorization, r->head.api_key};
    const enum err code = service_keys_check(a->keys, r->api.route, &given, &r->caller, &r->refusal);
    if (code == ERR_UNAUTHENTICATED)
        service_traffic_rejected(REJECTED_UNAUTHENTICATED);
    else if (code != OK)
        service_traffic_rejected(REJECTED_FORBIDDEN);
    else if (!service_rates_take_key(a->rates, &r->caller, clock_mono_ns()))
        refuse_rate(r, "this API key");
}

void service_access_judge(struct service_access *a, struct service_request *r, const struct sockaddr *peer)
{
    if (r->refusal.code != OK || r->api.route == NULL || r->api.route->scope == API_SCOPE_NONE)
        return;
    if (address_may(a, r, peer))
        check_key(a, r);
    else
        refuse_rate(r, "this address");
}
