#include "service/http/head.h"

#include <stddef.h>

struct field {
    const char *name;
    size_t text;  /* offset of where its value goes */
    size_t count; /* offset of its counter; NO_COUNT when repeating it is harmless */
};

enum { NO_COUNT = 0 };
enum { FIELD_EXTRA_BYTES = 4 }; /* a colon, a space, the end of the line */

#define AT(member) offsetof(struct service_head, member)

static const struct field fields[] = {
    {"Host", 0, AT(n_host)},
    {"Content-Length", AT(content_length), AT(n_content_length)},
    {"Transfer-Encoding", AT(transfer_encoding), AT(n_transfer_encoding)},
    {"Content-Type", AT(content_type), AT(n_content_type)},
    {"Content-Encoding", AT(content_encoding), AT(n_content_encoding)},
    {"Authorization", AT(authorization), AT(n_authorization)},
    {"X-API-Key", AT(api_key), AT(n_api_key)},
    {"Accept", AT(accept), NO_COUNT},
    {"Expect", AT(expect), NO_COUNT},
    {"X-Request-Id", AT(request_id), NO_COUNT},
    {"Origin", AT(origin), NO_COUNT},
    {"Access-Control-Request-Method", AT(preflight_method), NO_COUNT},
};

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* RFC 9110 section 5.6.2. */
static bool is_token(struct str name)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < name.len; i++)
        if (!is_alphanumeric(name.ptr[i]) && memchr(others, name.ptr[i], sizeof others - 1) == NULL)
            return false;
    return name.len > 0;
}

/* libmicrohttpd 0.9.75 takes the space of "Content-Length : 5" for a part of the name, so that the body it announces would be
 * read as the next request, and leaves a lone CR in a value, where others see the end of a line. */
static bool is_well_formed(struct str name, struct str value)
{
    return is_token(name) && (value.len == 0 || memchr(value.ptr, '\r', value.len) == NULL);
}

/* A line ends at CR LF, which its reader has made two zeros. */
static void head_pass_line(struct service_head *h, struct str last)
{
    const char *const end = last.ptr + last.len;
    h->is_malformed = h->is_malformed || end[0] != '\0' || end[1] != '\0';
    h->at = end + 2;
}

void service_head_begin(struct service_head *h, struct str method, struct str target, struct str version)
{
    h->is_malformed = h->is_malformed || method.ptr + method.len + 1 != target.ptr || target.ptr + target.len + 1 != version.ptr;
    head_pass_line(h, version);
}

void service_head_end(struct service_head *h, const char *end)
{
    h->is_malformed = h->is_malformed || h->at + 2 != end || h->at[0] != '\0' || h->at[1] != '\0';
}

/* Where a target ends is another place for who takes the first space for its end than for who takes the last (RFC 9112 section 3.2). */
void service_head_set_target(struct service_head *h, struct str target)
{
    h->target_bytes = target.len;
    for (size_t i = 0; i < target.len; i++)
        h->is_target_malformed = h->is_target_malformed || (unsigned char)target.ptr[i] <= ' ' || target.ptr[i] == 0x7f;
}

void service_head_add(struct service_head *h, struct str name, struct str value)
{
    if (h->at != NULL) {
        h->is_malformed = h->is_malformed || name.ptr != h->at;
        head_pass_line(h, value);
    }
    h->n_bytes += name.len + value.len + FIELD_EXTRA_BYTES;
    h->is_malformed = h->is_malformed || !is_well_formed(name, value);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (!str_equal_nocase(name, str_of(fields[i].name)))
            continue;
        if (fields[i].count != NO_COUNT)
            ++*(size_t *)(void *)((char *)h + fields[i].count);
        if (fields[i].text != 0)
            *(struct str *)(void *)((char *)h + fields[i].text) = str_trim(value);
    }
    if (str_equal_nocase(name, STR("X-Forwarded-For")))
        h->forwarded[h->n_forwarded++ % SERVICE_FORWARDED_MAX] = str_trim(value);
}

static enum err head_check_repeats(const struct service_head *h, struct err_info *e)
{
    const struct { const char *name; size_t n; } once[] = {
        {"Host", h->n_host}, {"Content-Length", h->n_content_length}, {"Transfer-Encoding", h->n_transfer_encoding},
        {"Content-Type", h->n_content_type}, {"Content-Encoding", h->n_content_encoding},
        {"Authorization", h->n_authorization}, {"X-API-Key", h->n_api_key}};
    for (size_t i = 0; i < ARRAY_LEN(once); i++)
        if (once[i].n > 1)
            return ERR_PARAM(e, once[i].name, "the header %s came %zu times; send it once", once[i].name, once[i].n);
    return OK;
}

enum err service_head_check(const struct service_head *h, struct err_info *e)
{
    if (h->is_target_malformed)
        return ERR_SET(e, ERR_INVALID, "the request line is malformed: its target holds no space, which is written %%20");
    if (h->is_malformed)
        return ERR_SET(e, ERR_INVALID, "a header is malformed: its name ends at the colon and holds no space, its value is one line, which ends in CR LF");
    TRY(head_check_repeats(h, e));
    if (h->n_host == 0 && !h->is_http_1_0)
        return ERR_PARAM(e, "Host", "the header Host is missing; HTTP/1.1 requires it");
    uint64_t length = 0;
    if (h->n_content_length > 0 && !str_to_u64(h->content_length, &length))
        return ERR_PARAM(e, "Content-Length", "the header Content-Length is not a number of bytes");
    if (h->n_transfer_encoding == 0)
        return OK;
    if (h->n_content_length > 0)
        return ERR_PARAM(e, "Transfer-Encoding", "the headers Content-Length and Transfer-Encoding exclude each other; send one");
    if (h->is_http_1_0)
        return ERR_PARAM(e, "Transfer-Encoding", "HTTP/1.0 has no Transfer-Encoding; send Content-Length");
    if (!str_equal_nocase(h->transfer_encoding, STR("chunked")))
        return ERR_PARAM(e, "Transfer-Encoding", "the header Transfer-Encoding may only be chunked");
    return OK;
}

/* The parameter says which status it is. */
static enum err head_refuse_size(const char *parameter, const char *what, int max, struct err_info *e)
{
    (void)ERR_PARAM(e, parameter, "%s, and may be at most %d", what, max);
    e->code = ERR_TOO_LARGE;
    return ERR_TOO_LARGE;
}

enum err service_head_check_size(const struct service_head *h, struct err_info *e)
{
    if (h->target_bytes > SERVICE_TARGET_MAX_BYTES)
        return head_refuse_size("target", "the path and the query have too many bytes", SERVICE_TARGET_MAX_BYTES, e);
    if (h->n_bytes > SERVICE_FIELDS_MAX_BYTES)
        return head_refuse_size("headers", "the header fields have too many bytes", SERVICE_FIELDS_MAX_BYTES, e);
    if (h->n_values > SERVICE_VALUES_MAX)
        return head_refuse_size("headers", "the header fields, cookies and parameters are too many", SERVICE_VALUES_MAX, e);
    return OK;
}

uint64_t service_head_content_length(const struct service_head *h)
{
    uint64_t length = 0;
    return str_to_u64(h->content_length, &length) ? length : 0;
}

bool service_head_has_body(const struct service_head *h)
{
    return h->n_transfer_encoding > 0 || service_head_content_length(h) > 0;
}

size_t service_head_forwarded(const struct service_head *h, struct str out[SERVICE_FORWARDED_MAX])
{
    const size_t n = h->n_forwarded < SERVICE_FORWARDED_MAX ? h->n_forwarded : SERVICE_FORWARDED_MAX;
    for (size_t i = 0; i < n; i++)
        out[i] = h->forwarded[(h->n_forwarded - n + i) % SERVICE_FORWARDED_MAX];
    return n;
}

bool service_head_expects_continue(const struct service_head *h)
{
    return str_equal_nocase(h->expect, STR("100-continue"));
}

bool service_head_is_request_id(struct str id)
{
    if (id.len == 0 || id.len > SERVICE_REQUEST_ID_MAX)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        const char c = id.ptr[i];
        if (!is_alphanumeric(c) && c != '.' && c != '_' && c != '-')
            return false;
    }
    return true;
}
