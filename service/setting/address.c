#include "service/setting/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum { PORT_MAX = 65535, HOST_MAX = 46 };

static enum err address_refuse(struct str text, struct err_info *e)
{
    return ERR_SET(e, ERR_INVALID,
                   "'%.*s' is not an address: write IPv4:PORT, [IPv6]:PORT or localhost:PORT, such as 127.0.0.1:4318",
                   STR_ARG(text));
}

static bool address_set_ipv4(struct service_address *out, const char *host, uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, host, &in.sin_addr) != 1)
        return false;
    memset(out, 0, sizeof *out);
    memcpy(&out->storage, &in, sizeof in);
    out->len = sizeof in;
    return true;
}

static bool address_set_ipv6(struct service_address *out, const char *host, uint16_t port)
{
    struct sockaddr_in6 in = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    if (inet_pton(AF_INET6, host, &in.sin6_addr) != 1)
        return false;
    memset(out, 0, sizeof *out);
    memcpy(&out->storage, &in, sizeof in);
    out->len = sizeof in;
    return true;
}

static bool address_split(struct str text, struct str *host, uint16_t *port)
{
    const char *colon = text.len == 0 ? NULL : memrchr(text.ptr, ':', text.len);
    if (colon == NULL)
        return false;
    *host = (struct str){text.ptr, (size_t)(colon - text.ptr)};
    const struct str digits = {colon + 1, text.len - host->len - 1};
    uint64_t number = 0;
    if (!str_to_u64(digits, &number) || number > PORT_MAX)
        return false;
    *port = (uint16_t)number;
    return true;
}

enum err service_address_parse(struct str text, struct service_address *out, struct err_info *e)
{
    struct str host = {0};
    uint16_t port = 0;
    if (!address_split(text, &host, &port))
        return address_refuse(text, e);
    const bool is_ipv6 = host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
    if (is_ipv6)
        host = (struct str){host.ptr + 1, host.len - 2};
    if (str_equal(host, STR("localhost")))
        host = STR("127.0.0.1");
    char name[HOST_MAX];
    if (host.len >= sizeof name)
        return address_refuse(text, e);
    (void)snprintf(name, sizeof name, "%.*s", STR_ARG(host));
    if (is_ipv6 ? address_set_ipv6(out, name, port) : address_set_ipv4(out, name, port))
        return OK;
    return address_refuse(text, e);
}

bool service_address_is_loopback(const struct service_address *a)
{
    if (a->storage.ss_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, &a->storage, sizeof in);
        return IN6_IS_ADDR_LOOPBACK(&in.sin6_addr);
    }
    struct sockaddr_in in;
    memcpy(&in, &a->storage, sizeof in);
    return ntohl(in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

struct service_address service_address_reach(const struct service_address *a)
{
    struct service_address out = *a;
    if (a->storage.ss_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, &a->storage, sizeof in);
        if (IN6_IS_ADDR_UNSPECIFIED(&in.sin6_addr))
            in.sin6_addr = in6addr_loopback;
        memcpy(&out.storage, &in, sizeof in);
        return out;
    }
    struct sockaddr_in in;
    memcpy(&in, &a->storage, sizeof in);
    if (in.sin_addr.s_addr == htonl(INADDR_ANY))
        in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    memcpy(&out.storage, &in, sizeof in);
    return out;
}

void service_address_print(const struct service_address *a, char out[SERVICE_ADDRESS_TEXT_MAX])
{
    char host[HOST_MAX] = "";
    if (a->storage.ss_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, &a->storage, sizeof in);
        (void)inet_ntop(AF_INET6, &in.sin6_addr, host, sizeof host);
        (void)snprintf(out, SERVICE_ADDRESS_TEXT_MAX, "[%s]:%u", host, ntohs(in.sin6_port));
        return;
    }
    struct sockaddr_in in;
    memcpy(&in, &a->storage, sizeof in);
    (void)inet_ntop(AF_INET, &in.sin_addr, host, sizeof host);
    (void)snprintf(out, SERVICE_ADDRESS_TEXT_MAX, "%s:%u", host, ntohs(in.sin_port));
}
