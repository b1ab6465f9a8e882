/* service/http/head.c, api/request/access.c, api/request/keyring.c: a byte, then header fields, a line each; its last bit says
 * HTTP/1.0. They are refused exactly when RFC 9112 lets two readers see two ends of the request, or a field that may come once
 * comes again. With the bit before that it is a file of API keys. */
#include "service/http/head.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "api/request/access.h"
#include "tests/fuzz/fuzz.h"

enum { FIELDS_MAX = 64 };

struct field {
    struct str name, value;
};

static bool is_named(const struct field *f, const char *name)
{
    return f->name.len == strlen(name) && strncasecmp(f->name.ptr, name, f->name.len) == 0;
}

static size_t count(const struct field *fields, size_t n, const char *name)
{
    size_t n_named = 0;
    for (size_t i = 0; i < n; i++)
        n_named += is_named(&fields[i], name);
    return n_named;
}

/* The value of the last such field, without white space around it. */
static struct str value_of(const struct field *fields, size_t n, const char *name)
{
    struct str value = {"", 0};
    for (size_t i = 0; i < n; i++)
        if (is_named(&fields[i], name))
            value = fields[i].value;
    while (value.len > 0 && strchr(" \t\r\n", value.ptr[0]) != NULL && value.ptr[0] != '\0')
        value = (struct str){value.ptr + 1, value.len - 1};
    while (value.len > 0 && strchr(" \t\r\n", value.ptr[value.len - 1]) != NULL && value.ptr[value.len - 1] != '\0')
        value.len--;
    return value;
}

static bool is_well_formed(const struct field *f)
{
    for (size_t i = 0; i < f->name.len; i++) {
        const unsigned char c = (unsigned char)f->name.ptr[i];
        if (c <= ' ' || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c) != NULL)
            return false;
    }
    return f->name.len > 0 && (f->value.len == 0 || memchr(f->value.ptr, '\r', f->value.len) == NULL);
}

static bool is_length(struct str value)
{
    unsigned __int128 length = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (!isdigit((unsigned char)value.ptr[i]))
            return false;
        length = length * 10 + (unsigned)(value.ptr[i] - '0');
        if (length > UINT64_MAX)
            return false;
    }
    return value.len > 0;
}

static bool has_one_end(const struct field *fields, size_t n, bool is_http_1_0)
{
    static const char *const once[] = {"Host", "Content-Length", "Transfer-Encoding", "Content-Type", "Content-Encoding",
                                       "Authorization", "X-API-Key"};
    for (size_t i = 0; i < n; i++)
        if (!is_well_formed(&fields[i]))
            return false;
    for (size_t i = 0; i < ARRAY_LEN(once); i++)
        if (count(fields, n, once[i]) > 1)
            return false;
    const bool has_length = count(fields, n, "Content-Length") > 0, has_encoding = count(fields, n, "Transfer-Encoding") > 0;
    const struct str encoding = value_of(fields, n, "Transfer-Encoding");
    if (count(fields, n, "Host") == 0 && !is_http_1_0)
        return false;
    if (has_length && !is_length(value_of(fields, n, "Content-Length")))
        return false;
    return !has_encoding || (!has_length && !is_http_1_0 && encoding.len == 7 && strncasecmp(encoding.ptr, "chunked", 7) == 0);
}

static void check_head(const struct field *fields, size_t n, bool is_http_1_0)
{
    struct service_head h = {.is_http_1_0 = is_http_1_0};
    struct err_info e = {0};
    for (size_t i = 0; i < n; i++)
        service_head_add(&h, fields[i].name, fields[i].value);
    const bool is_fine = service_head_check(&h, &e) == OK;
    FUZZ_CHECK(is_fine == has_one_end(fields, n, is_http_1_0), "it is %s: %s", is_fine ? "fine" : "refused", e.message);
    FUZZ_CHECK(is_fine || e.code == ERR_INVALID, "the code is %d", (int)e.code);
    if (is_fine && h.n_transfer_encoding > 0)
        FUZZ_CHECK(service_head_has_body(&h), "what is chunked has no body");
    if (service_head_is_request_id(h.request_id))
        FUZZ_CHECK(h.request_id.len > 0 && h.request_id.len <= SERVICE_REQUEST_ID_MAX && fuzz_is_clean(h.request_id), "no id");
    (void)service_head_expects_continue(&h);
}

/* A token is part of what was sent. */
static void check_token(struct str authorization)
{
    const struct str token = api_bearer_token(authorization);
    if (token.len > 0)
        FUZZ_CHECK(authorization.len >= 7 && strncasecmp(authorization.ptr, "Bearer ", 7) == 0 && token.ptr >= authorization.ptr + 7 &&
                   token.ptr + token.len <= authorization.ptr + authorization.len, "the token is not of the header");
}

/* What a file of keys says is told when it is taken, and never when it is not. */
static void check_keys(struct str file)
{
    AUTO(api_keyring) struct api_keyring *ring = NULL;
    struct err_info e = {0};
    const enum err code = api_keyring_parse(file, &ring, &e);
    FUZZ_CHECK(code == OK || (code == ERR_INVALID && e.message[0] != '\0'), "the code is %d", (int)code);
    FUZZ_CHECK(strstr(e.message, "s3cr3t") == NULL, "a word of the file is told");
    for (size_t i = 0; ring != NULL && i < ring->n; i++) {
        const struct str name = str_of(ring->keys[i].name);
        FUZZ_CHECK(name.len > 0 && str_contains(file, name) && ring->keys[i].scopes != 0, "key %zu", i);
    }
    if (ring != NULL)
        FUZZ_CHECK(ring->n > 0 && ring->n <= API_KEYS_MAX && api_keyring_find(ring, file) == NULL, "%zu keys", ring->n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = fuzz_input_of(data, size);
    struct field fields[FIELDS_MAX];
    size_t n = 0;
    const uint8_t way = fuzz_byte(&in);
    if ((way & 2) != 0) {
        check_keys(in.rest);
        return 0;
    }
    while (n < FIELDS_MAX && in.rest.len > 0) {
        fields[n].name = str_split(fuzz_line(&in), ':', &fields[n].value);
        n++;
    }
    check_head(fields, n, (way & 1) != 0);
    for (size_t i = 0; i < n; i++)
        check_token(fields[i].value);
    return 0;
}
