#include "api/embed/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include "core/attr.h"

enum { V4_BYTES = 4, V6_BYTES = 16, BITS_PER_BYTE = 8 };

struct range {
    uint8_t bytes[V6_BYTES];
    unsigned n_bits;
};

static const struct range ranges_v4[] = {
    {{169, 254}, 16},
    {{100, 100, 100, 200}, 32}, /* Alibaba Cloud */
    {{168, 63, 129, 16}, 32},   /* Azure */
    {{192, 0, 0, 192}, 32},     /* Oracle Cloud */
};
static const struct range ranges_v6[] = {
    {{0xfe, 0x80}, 10},
    {{0xfd, 0x00, 0x0e, 0xc2}, 32}, /* Amazon Web Services */
    {{0xfd, 0x20, 0x00, 0xce}, 32}, /* Google Cloud */
};

/* How an IPv4 address is written as an IPv6 one: this prefix, then its bytes. */
static const struct range embeddings[] = {
    {{[10] = 0xff, [11] = 0xff}, 96},             /* ::ffff:0:0/96, mapped */
    {{0}, 96},                                    /* ::/96, compatible */
    {{0x00, 0x64, 0xff, 0x9b}, 96},               /* 64:ff9b::/96, NAT64 */
    {{0x20, 0x02}, 16},                           /* 2002::/16, 6to4 */
};

static bool is_in(const uint8_t *address, const struct range *range)
{
    const size_t n_whole = range->n_bits / BITS_PER_BYTE;
    const unsigned n_rest = range->n_bits % BITS_PER_BYTE;
    if (memcmp(address, range->bytes, n_whole) != 0)
        return false;
    return n_rest == 0 || ((address[n_whole] ^ range->bytes[n_whole]) >> (BITS_PER_BYTE - n_rest)) == 0;
}

static bool is_in_any(const uint8_t *address, const struct range *ranges, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (is_in(address, &ranges[i]))
            return true;
    return false;
}

static bool is_link_local_v4(const uint8_t address[V4_BYTES])
{
    return is_in_any(address, ranges_v4, ARRAY_LEN(ranges_v4));
}

static bool is_link_local_v6(const uint8_t address[V6_BYTES])
{
    for (size_t i = 0; i < ARRAY_LEN(embeddings); i++)
        if (is_in(address, &embeddings[i]) && is_link_local_v4(address + embeddings[i].n_bits / BITS_PER_BYTE))
            return true;
    return is_in_any(address, ranges_v6, ARRAY_LEN(ranges_v6));
}

bool api_peer_is_link_local(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        return is_link_local_v4((const uint8_t *)&in.sin_addr);
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, address, sizeof in);
        return is_link_local_v6(in.sin6_addr.s6_addr);
    }
    return false;
}
