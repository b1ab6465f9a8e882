#include "service/http/rates.h"

#include <pthread.h>

#include "core/lru.h"
#include "core/mem.h"
#include "core/metrics.h"

enum { BYTES_OF_NETWORK = 8 };

static const struct metric_family addresses_remembered = {
    "tracekin_rate_addresses", METRIC_GAUGE, "Addresses whose rate is remembered, at most TRACEKIN_RATE_ADDRESSES_MAX."};

struct service_rates {
    pthread_mutex_t mutex; /* between the look at a bucket and its change */
    struct lru *addresses, *keys; /* struct bucket, by address and by name */
    struct bucket_rate of_address, of_key;
    struct metric *n_addresses;
};

enum err service_rates_new(const struct service_config *config, struct service_rates **out, struct err_info *e)
{
    struct service_rates *const r = mem_calloc(1, sizeof *r);
    if (r == NULL)
        return ERR_SET_NOMEM(e);
    (void)pthread_mutex_init(&r->mutex, NULL);
    r->of_address = bucket_rate_of(config->rate_per_address, config->burst_per_address);
    r->of_key = bucket_rate_of(config->rate_per_key, config->burst_per_key);
    r->n_addresses = metrics_series(&addresses_remembered, "");
    const int64_t n_addresses_max = config->rate_per_address == 0 ? 0 : config->n_rate_addresses_max;
    enum err code = lru_new((size_t)n_addresses_max, sizeof(struct bucket), &r->addresses, e);
    if (code == OK)
        code = lru_new(API_KEYS_MAX, sizeof(struct bucket), &r->keys, e);
    if (code == OK)
        *out = r;
    else
        service_rates_free(r);
    return code;
}

void service_rates_free(struct service_rates *r)
{
    if (r == NULL)
        return;
    lru_free(r->addresses);
    lru_free(r->keys);
    (void)pthread_mutex_destroy(&r->mutex);
    mem_free(r);
}

static bool take(struct service_rates *r, struct lru *table, struct str who, const struct bucket_rate *rate, int64_t now_ns)
{
    struct bucket bucket = {0};
    if (rate->per_s == 0)
        return true;
    (void)pthread_mutex_lock(&r->mutex);
    (void)lru_get(table, who, &bucket);
    const bool may = bucket_take(&bucket, rate, now_ns);
    lru_put(table, who, &bucket);
    (void)pthread_mutex_unlock(&r->mutex);
    return may;
}

bool service_rates_limit_addresses(const struct service_rates *r)
{
    return r->of_address.per_s > 0;
}

bool service_rates_take_address(struct service_rates *r, const struct service_ip *ip, int64_t now_ns)
{
    const size_t n_bytes = service_ip_is_ipv4(ip) ? sizeof ip->bytes : BYTES_OF_NETWORK;
    const bool may = take(r, r->addresses, (struct str){(const char *)ip->bytes, n_bytes}, &r->of_address, now_ns);
    metric_set(r->n_addresses, (double)lru_count(r->addresses));
    return may;
}

bool service_rates_take_key(struct service_rates *r, const struct api_caller *caller, int64_t now_ns)
{
    if (caller->key_name[0] == '\0')
        return true;
    return take(r, r->keys, str_of(caller->key_name), caller->has_rate ? &caller->rate : &r->of_key, now_ns);
}
