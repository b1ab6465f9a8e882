#include "service/setting/network.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

enum { TEXT_MAX = INET6_ADDRSTRLEN, BITS_OF_IPV4 = 32, BITS_OF_IP = 128, BITS_OF_BYTE = 8, MAPPED_BYTES = 12 };

static const uint8_t mapped[MAPPED_BYTES] = {[10] = 0xff, [11] = 0xff};

static struct service_ip ip_of_ipv4(const void *four_bytes)
{
    struct service_ip ip;
    memcpy(ip.bytes, mapped, sizeof mapped);
    memcpy(ip.bytes + sizeof mapped, four_bytes, sizeof ip.bytes - sizeof mapped);
    return ip;
}

bool service_ip_is_ipv4(const struct service_ip *ip)
{
    return memcmp(ip->bytes, mapped, sizeof mapped) == 0;
}

bool service_ip_of(const struct sockaddr *address, struct service_ip *out)
{
    if (address == NULL || (address->sa_family != AF_INET && address->sa_family != AF_INET6))
        return false;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    if (address->sa_family == AF_INET) {
        memcpy(&in, address, sizeof in);
        *out = ip_of_ipv4(&in.sin_addr);
    } else {
        memcpy(&in6, address, sizeof in6);
        memcpy(out->bytes, &in6.sin6_addr, sizeof out->bytes);
    }
    return true;
}

/* An address alone. */
static bool parse_bare(struct str text, struct service_ip *out, bool *is_ipv4)
{
    char name[TEXT_MAX];
    struct in_addr in;
    struct in6_addr in6;
    if (text.len >= sizeof name || (text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL))
        return false;
    (void)snprintf(name, sizeof name, "%.*s", STR_ARG(text));
    *is_ipv4 = inet_pton(AF_INET, name, &in) == 1;
    if (*is_ipv4)
        *out = ip_of_ipv4(&in);
    else if (inet_pton(AF_INET6, name, &in6) == 1)
        memcpy(out->bytes, &in6, sizeof out->bytes);
    else
        return false;
    return true;
}

/* Without the port of 192.0.2.1:80, or the brackets and the port of [2001:db8::1]:80. */
static struct str without_port(struct str text)
{
    struct str rest = {0};
    if (text.len > 0 && text.ptr[0] == '[')
        return str_split((struct str){text.ptr + 1, text.len - 1}, ']', &rest);
    const struct str host = str_split(text, ':', &rest);
    return rest.ptr != NULL && !str_contains(rest, STR(":")) ? host : text;
}

bool service_ip_parse(struct str text, struct service_ip *out)
{
    bool is_ipv4 = false;
    return parse_bare(without_port(text), out, &is_ipv4);
}

static bool parse_network(struct str text, struct service_ip *ip, unsigned *n_bits)
{
    struct str suffix = {0};
    bool is_ipv4 = false;
    uint64_t number = 0;
    if (!parse_bare(str_split(text, '/', &suffix), ip, &is_ipv4))
        return false;
    const unsigned most = is_ipv4 ? BITS_OF_IPV4 : BITS_OF_IP;
    if (suffix.ptr == NULL)
        number = most;
    else if (!str_to_u64(suffix, &number) || number > most)
        return false;
    *n_bits = (unsigned)number + BITS_OF_IP - most;
    return true;
}

enum err service_networks_parse(struct str text, struct service_networks *out, struct err_info *e)
{
    struct service_networks read = {0};
    for (struct str rest = text.len > 0 ? text : (struct str){0}; rest.ptr != NULL;) {
        const struct str one = str_trim(str_split(rest, ',', &rest));
        if (read.n == SERVICE_NETWORKS_MAX)
            return ERR_SET(e, ERR_INVALID, "there may be at most %d networks", SERVICE_NETWORKS_MAX);
        if (!parse_network(one, &read.of[read.n].ip, &read.of[read.n].n_bits))
            return ERR_SET(e, ERR_INVALID, "'%.*s' is not an address or a network such as 10.0.0.0/8 or 2001:db8::/32", STR_ARG(one));
        read.n++;
    }
    *out = read;
    return OK;
}

static bool begins_alike(const struct service_ip *a, const struct service_ip *b, unsigned n_bits)
{
    const unsigned n_bytes = n_bits / BITS_OF_BYTE, n_left = n_bits % BITS_OF_BYTE;
    if (memcmp(a->bytes, b->bytes, n_bytes) != 0)
        return false;
    return n_left == 0 || (a->bytes[n_bytes] ^ b->bytes[n_bytes]) >> (BITS_OF_BYTE - n_left) == 0;
}

bool service_networks_have(const struct service_networks *networks, const struct service_ip *ip)
{
    for (size_t i = 0; i < networks->n; i++)
        if (begins_alike(&networks->of[i].ip, ip, networks->of[i].n_bits))
            return true;
    return false;
}

/* Takes the last of a list with commas between off it. */
static struct str take_last(struct str *list)
{
    const char *const comma = list->len == 0 ? NULL : memrchr(list->ptr, ',', list->len);
    struct str last = *list;
    *list = (struct str){0};
    if (comma != NULL) {
        *list = (struct str){last.ptr, (size_t)(comma - last.ptr)};
        last = (struct str){comma + 1, last.len - list->len - 1};
    }
    return str_trim(last);
}

struct service_ip service_network_client(const struct service_networks *proxies, const struct service_ip *peer,
                                         const struct str *values, size_t n_values)
{
    struct service_ip at = *peer;
    while (n_values-- > 0)
        for (struct str list = values[n_values]; list.ptr != NULL;) {
            struct service_ip before;
            if (!service_networks_have(proxies, &at) || !service_ip_parse(take_last(&list), &before))
                return at;
            at = before;
        }
    return at;
}
