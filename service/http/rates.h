/* How often one address, and one API key, may ask: a token bucket for each, in tables of a bounded size. Any thread.
 *
 * A table that is full forgets whose bucket was used longest ago; it is full again when it comes back. Addresses of one IPv6
 * network of 64 bits, which one client has as a whole, share a bucket. */
#ifndef TRACEKIN_SERVICE_RATES_H
#define TRACEKIN_SERVICE_RATES_H

#include "api/request/access.h"
#include "service/setting/config.h"
#include "service/setting/network.h"

struct service_rates;

/* config is borrowed until service_rates_free. */
enum err service_rates_new(const struct service_config *config, struct service_rates **out, struct err_info *e) MUST_USE;
void service_rates_free(struct service_rates *rates);
/* Whether addresses have a limit at all. */
bool service_rates_limit_addresses(const struct service_rates *rates);
/* Whether it may ask once more; that counts. */
bool service_rates_take_address(struct service_rates *rates, const struct service_ip *ip, int64_t now_ns);
/* The same for its key; without a key it may. */
bool service_rates_take_key(struct service_rates *rates, const struct api_caller *caller, int64_t now_ns);

#endif
