/* service/setting/network.c, service/http/head.c, service/http/cors.c: who it is that asks. A byte, then lines: the proxies that are
 * trusted, the peer, the values of X-Forwarded-For; or, when its last bit is set, the origins that are allowed, and the Origin of a
 * request, a preflight by the bit before.
 *
 * Whose request it is, a second reader says too: the peer, unless that is a proxy; else an address of what was forwarded, and all
 * to the right of it are proxies. An origin is allowed only when the list has it, byte for byte. */
#include <arpa/inet.h>
#include <string.h>

#include "service/http/cors.h"
#include "service/http/head.h"
#include "service/setting/network.h"
#include "tests/fuzz/fuzz.h"

enum { IPV4_BITS = 32, IP_BITS = 128, TEXT_MAX = 64 };
#define BLANKS " \t\r\n"

typedef unsigned __int128 number;

/* --- a second reader */

static struct str without_blanks(struct str s)
{
    while (s.len > 0 && memchr(BLANKS, s.ptr[0], sizeof BLANKS - 1) != NULL)
        s = (struct str){s.ptr + 1, s.len - 1};
    while (s.len > 0 && memchr(BLANKS, s.ptr[s.len - 1], sizeof BLANKS - 1) != NULL)
        s.len--;
    return s;
}

static number number_of(const struct service_ip *ip)
{
    number n = 0;
    for (size_t i = 0; i < sizeof ip->bytes; i++)
        n = n << 8 | ip->bytes[i];
    return n;
}

/* An address alone, of IPv4 as of IPv6. */
static bool read_bare(struct str text, number *out, bool *is_ipv4)
{
    char name[TEXT_MAX];
    struct service_ip ip;
    uint32_t four;
    if (text.len >= sizeof name || memchr(text.ptr, '\0', text.len) != NULL)
        return false;
    memcpy(name, text.ptr, text.len);
    name[text.len] = '\0';
    *is_ipv4 = inet_pton(AF_INET, name, &four) == 1;
    if (*is_ipv4)
        *out = (number)0xffff << IPV4_BITS | ntohl(four);
    else if (inet_pton(AF_INET6, name, ip.bytes) == 1)
        *out = number_of(&ip);
    else
        return false;
    return true;
}

/* One of a list of proxies: its address or network, which at is in or not. */
static bool is_in(struct str network, number at)
{
    bool is_ipv4 = false;
    number ip = 0;
    uint64_t n_bits = IP_BITS;
    const char *const slash = memchr(network.ptr, '/', network.len);
    const size_t len = slash == NULL ? network.len : (size_t)(slash - network.ptr);
    FUZZ_CHECK(read_bare((struct str){network.ptr, len}, &ip, &is_ipv4), "'%.*s' was taken for a network", STR_ARG(network));
    if (slash != NULL) {
        FUZZ_CHECK(str_to_u64((struct str){slash + 1, network.len - len - 1}, &n_bits), "'%.*s' was taken for a network", STR_ARG(network));
        n_bits += is_ipv4 ? IP_BITS - IPV4_BITS : 0;
    }
    FUZZ_CHECK(n_bits <= IP_BITS, "'%.*s' was taken for a network", STR_ARG(network));
    return n_bits == 0 || (ip ^ at) >> (IP_BITS - n_bits) == 0;
}

static bool is_proxy(struct str networks, number at)
{
    for (struct str rest = networks.len > 0 ? networks : (struct str){0}; rest.ptr != NULL;)
        if (is_in(without_blanks(str_split(rest, ',', &rest)), at))
            return true;
    return false;
}

/* One of what was forwarded: "address", "address:port", "[address]" and whatever follows. */
static bool read_forwarded(struct str text, number *out)
{
    bool is_ipv4 = false;
    const char *const colon = memchr(text.ptr, ':', text.len);
    if (text.len > 0 && text.ptr[0] == '[') {
        const char *const end = memchr(text.ptr, ']', text.len);
        text = (struct str){text.ptr + 1, (end == NULL ? text.len : (size_t)(end - text.ptr)) - 1};
    } else if (colon != NULL && memchr(colon + 1, ':', text.len - (size_t)(colon + 1 - text.ptr)) == NULL) {
        text.len = (size_t)(colon - text.ptr);
    }
    return read_bare(text, out, &is_ipv4);
}

/* All values are one list (RFC 9110 section 5.3), read from its end. */
static number client_of(struct str networks, number peer, struct str list)
{
    number at = peer;
    for (bool is_over = list.ptr == NULL; !is_over && is_proxy(networks, at);) {
        size_t from = list.len;
        number before = 0;
        while (from > 0 && list.ptr[from - 1] != ',')
            from--;
        if (!read_forwarded(without_blanks((struct str){list.ptr + from, list.len - from}), &before))
            return at;
        at = before;
        is_over = from == 0;
        list.len = is_over ? 0 : from - 1;
    }
    return at;
}

/* --- whose request it is */

/* Of the lines the last, as many as a head keeps: one list. Absent when there is none. */
static void join(struct fuzz_input lines, struct buf *out, struct str *list)
{
    size_t n = 0;
    for (struct fuzz_input all = lines; all.rest.len > 0; n++)
        (void)fuzz_line(&all);
    for (size_t i = 0; i < n; i++) {
        const struct str line = fuzz_line(&lines);
        if (i + SERVICE_FORWARDED_MAX < n)
            continue;
        buf_puts(out, line);
        if (i + 1 < n)
            buf_putc(out, ',');
    }
    FUZZ_CHECK(buf_is_ok(out), "out of memory");
    *list = (struct str){n == 0 ? NULL : out->len == 0 ? "" : out->data, out->len};
}

static void check_client(struct fuzz_input *in)
{
    struct service_networks proxies = {0};
    struct service_head head = {0};
    struct err_info e = {0};
    struct service_ip peer;
    struct str values[SERVICE_FORWARDED_MAX];
    const struct str networks = fuzz_line(in);
    const enum err code = service_networks_parse(networks, &proxies, &e);
    FUZZ_CHECK(code == OK || (code == ERR_INVALID && e.message[0] != '\0' && proxies.n == 0), "the code is %d", (int)code);
    if (!service_ip_parse(fuzz_line(in), &peer) || code != OK)
        return;
    AUTO(buf) struct buf text;
    struct str list;
    buf_init(&text, SIZE_MAX);
    join(*in, &text, &list);
    while (in->rest.len > 0)
        service_head_add(&head, STR("X-Forwarded-For"), fuzz_line(in));
    const size_t n = service_head_forwarded(&head, values);
    FUZZ_CHECK(n <= SERVICE_FORWARDED_MAX, "%zu values", n);
    const struct service_ip client = service_network_client(&proxies, &peer, values, n);
    FUZZ_CHECK(is_proxy(networks, number_of(&peer)) == service_networks_have(&proxies, &peer), "the peer is a proxy, or is not");
    FUZZ_CHECK(service_networks_have(&proxies, &peer) || memcmp(&client, &peer, sizeof peer) == 0, "a peer that is no proxy is believed");
    FUZZ_CHECK(number_of(&client) == client_of(networks, number_of(&peer), list), "the client is another");
}

/* --- whose page it is */

/* Whether the list has it between its commas. */
static bool is_listed(struct str origins, struct str origin)
{
    for (size_t at = 0; at + origin.len <= origins.len; at++) {
        const struct str before = without_blanks((struct str){origins.ptr, at});
        const struct str after = without_blanks((struct str){origins.ptr + at + origin.len, origins.len - at - origin.len});
        if (memcmp(origins.ptr + at, origin.ptr, origin.len) == 0 && (before.len == 0 || before.ptr[before.len - 1] == ',') &&
            (after.len == 0 || after.ptr[0] == ','))
            return memchr(origin.ptr, ',', origin.len) == NULL && without_blanks(origin).len == origin.len;
    }
    return false;
}

static void check_page(struct fuzz_input *in, bool is_preflight)
{
    struct err_info e = {0};
    struct service_cors_header headers[SERVICE_CORS_HEADERS_MAX];
    const struct str origins = fuzz_line(in), origin = fuzz_line(in);
    const struct service_cors_request request = {.origin = origin, .is_preflight = is_preflight, .methods = STR("GET")};
    const enum err code = service_cors_check(origins, &e);
    FUZZ_CHECK(code == OK || (code == ERR_INVALID && e.message[0] != '\0'), "the code is %d", (int)code);
    if (code != OK)
        return;
    const bool is_any = str_equal(origins, STR("*"));
    const bool may = origin.len > 0 && (is_any || is_listed(origins, origin));
    const size_t n = service_cors_headers(origins, &request, headers);
    size_t n_origins = 0, n_vary = 0, n_others = 0;
    for (size_t i = 0; i < n; i++) {
        FUZZ_CHECK(strcmp(headers[i].name, "Access-Control-Allow-Credentials") != 0, "credentials are allowed");
        if (strcmp(headers[i].name, "Vary") == 0)
            n_vary++;
        else if (strcmp(headers[i].name, "Access-Control-Allow-Origin") != 0)
            n_others++;
        else if (str_equal(headers[i].value, is_any ? STR("*") : origin))
            n_origins++;
        else
            FUZZ_CHECK(false, "'%.*s' is allowed, '%.*s' asked", STR_ARG(headers[i].value), STR_ARG(origin));
    }
    FUZZ_CHECK(n_origins == (may ? 1 : 0), "'%.*s' is allowed: %zu, by '%.*s'", STR_ARG(origin), n_origins, STR_ARG(origins));
    FUZZ_CHECK(n_vary == (origins.len > 0 && !is_any ? 1 : 0), "caches are told %zu times that it varies", n_vary);
    FUZZ_CHECK(n_others == (!may ? 0 : is_preflight ? 3 : 1), "%zu other headers", n_others);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = fuzz_input_of(data, size);
    const uint8_t way = fuzz_byte(&in);
    if ((way & 1) != 0)
        check_page(&in, (way & 2) != 0);
    else
        check_client(&in);
    return 0;
}
