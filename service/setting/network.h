/* IP addresses and networks: whose request it is that comes through a proxy. IPv4 is kept as IPv6 (::ffff:192.0.2.1). Pure. */
#ifndef TRACEKIN_SERVICE_NETWORK_H
#define TRACEKIN_SERVICE_NETWORK_H

#include <sys/socket.h>

#include "core/err.h"
#include "core/str.h"

enum { SERVICE_NETWORKS_MAX = 64, SERVICE_IP_BYTES = 16 };

struct service_ip {
    uint8_t bytes[SERVICE_IP_BYTES];
};

struct service_networks {
    size_t n;
    struct {
        struct service_ip ip;
        unsigned n_bits; /* of its prefix, of 128 */
    } of[SERVICE_NETWORKS_MAX];
};

bool service_ip_is_ipv4(const struct service_ip *ip);
/* False for another family. */
bool service_ip_of(const struct sockaddr *address, struct service_ip *out);
/* Reads 192.0.2.1 or 2001:db8::1, with a port (192.0.2.1:80, [2001:db8::1]:80) or without. */
bool service_ip_parse(struct str text, struct service_ip *out);
/* Reads "10.0.0.0/8, 192.0.2.1": addresses and networks, commas between; none when text is empty. ERR_INVALID says what they may be. */
enum err service_networks_parse(struct str text, struct service_networks *out, struct err_info *e) MUST_USE;
bool service_networks_have(const struct service_networks *networks, const struct service_ip *ip);

/* Goes back from the peer by the values of X-Forwarded-For, of which there are n_values, the oldest first, for as long as who wrote
 * them is one of the proxies; returns where that ends. What a client itself writes there is never believed. */
struct service_ip service_network_client(const struct service_networks *proxies, const struct service_ip *peer,
                                         const struct str *values, size_t n_values);

#endif
