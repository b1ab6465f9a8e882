#include "tests/fuzz/support/http.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "tests/fuzz/fuzz.h"

enum { LENGTH_DIGITS_MAX = 9, CHUNK_DIGITS_MAX = 6, STATUS_DIGITS = 3, STATUS_FINAL = 200, STATUS_NO_CONTENT = 204, STATUS_NOT_MODIFIED = 304 };

/* What a step found: one thing, the empty line at an end, a stream that ends too early, or what only a lenient reader takes. */
enum step { STEP_ONE, STEP_END, STEP_LACKING, STEP_LOOSE };

static struct str after(struct str s, size_t n)
{
    return (struct str){s.ptr + n, s.len - n};
}

/* Takes a line that ends in CRLF, without it. A bare CR or LF is loose. */
static enum step take_line(struct str *s, struct str *line)
{
    for (size_t i = 0; i < s->len; i++) {
        if (s->ptr[i] == '\n' || s->ptr[i] == '\0')
            return STEP_LOOSE;
        if (s->ptr[i] != '\r')
            continue;
        if (i + 1 == s->len)
            return STEP_LACKING;
        if (s->ptr[i + 1] != '\n')
            return STEP_LOOSE;
        *line = (struct str){s->ptr, i};
        *s = after(*s, i + 2);
        return i == 0 ? STEP_END : STEP_ONE;
    }
    return STEP_LACKING;
}

static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!isalnum((unsigned char)s.ptr[i]) && strchr("!#$%&'*+-.^_`|~", s.ptr[i]) == NULL)
            return false;
    return s.len > 0;
}

static bool is_named(struct str s, const char *name)
{
    return s.len == strlen(name) && strncasecmp(s.ptr, name, s.len) == 0;
}

/* --- requests */

struct head {
    size_t n_host, n_length, n_encoding;
    bool is_http_1_0;
    struct str length, encoding;
    size_t n_type, n_content_encoding, n_authorization, n_api_key;
};

static bool read_request_line(struct str line, struct head *h)
{
    struct str rest, version;
    const struct str method = str_split(line, ' ', &rest), target = str_split(rest, ' ', &version);
    for (size_t i = 0; i < target.len; i++)
        if (target.ptr[i] <= ' ' || target.ptr[i] == 0x7f)
            return false;
    h->is_http_1_0 = str_equal(version, STR("HTTP/1.0"));
    return is_token(method) && target.len > 0 && (h->is_http_1_0 || str_equal(version, STR("HTTP/1.1")));
}

static bool read_field(struct str line, struct head *h)
{
    struct str value;
    const struct str name = str_split(line, ':', &value);
    for (size_t i = 0; i < value.len; i++)
        if ((unsigned char)value.ptr[i] < ' ' && value.ptr[i] != '\t')
            return false;
    if (!is_token(name) || value.ptr == NULL)
        return false;
    value = str_trim(value);
    h->n_host += is_named(name, "Host");
    h->n_type += is_named(name, "Content-Type");
    h->n_content_encoding += is_named(name, "Content-Encoding");
    h->n_authorization += is_named(name, "Authorization");
    h->n_api_key += is_named(name, "X-API-Key");
    if (is_named(name, "Content-Length")) {
        h->n_length++;
        h->length = value;
    } else if (is_named(name, "Transfer-Encoding")) {
        h->n_encoding++;
        h->encoding = value;
    }
    return true;
}

static bool has_digits_only(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!isdigit((unsigned char)s.ptr[i]))
            return false;
    return s.len > 0;
}

static bool is_ambiguous(const struct head *h)
{
    if (h->n_host > 1 || h->n_length > 1 || h->n_encoding > 1 || h->n_type > 1 || h->n_content_encoding > 1 || h->n_authorization > 1 ||
        h->n_api_key > 1)
        return true;
    if (h->n_host == 0 && !h->is_http_1_0)
        return true;
    if (h->n_length > 0 && !has_digits_only(h->length))
        return true;
    return h->n_encoding > 0 && (h->n_length > 0 || h->is_http_1_0 || !is_named(h->encoding, "chunked"));
}

static enum step read_head(struct str *s, struct head *h)
{
    struct str line;
    enum step step = take_line(s, &line);
    if (step == STEP_END) /* one empty line before a request is nothing */
        step = take_line(s, &line);
    if (step != STEP_ONE)
        return step == STEP_END ? STEP_LOOSE : step;
    if (!read_request_line(line, h))
        return STEP_LOOSE;
    while ((step = take_line(s, &line)) == STEP_ONE)
        if (!read_field(line, h))
            return STEP_LOOSE;
    return step == STEP_END ? STEP_ONE : step;
}

static enum step skip_bytes(struct str *s, struct str digits, int base, size_t digits_max)
{
    char text[LENGTH_DIGITS_MAX + 1] = "";
    if (digits.len > digits_max)
        return STEP_LOOSE;
    memcpy(text, digits.ptr, digits.len);
    const size_t n = strtoul(text, NULL, base);
    if (n > s->len)
        return STEP_LACKING;
    *s = after(*s, n);
    return STEP_ONE;
}

static bool is_chunk_size(struct str line)
{
    for (size_t i = 0; i < line.len; i++)
        if (!isxdigit((unsigned char)line.ptr[i]))
            return false;
    return line.len > 0;
}

static enum step skip_trailer(struct str *s)
{
    struct head ignored = {0};
    struct str line;
    enum step step;
    while ((step = take_line(s, &line)) == STEP_ONE)
        if (!read_field(line, &ignored))
            return STEP_LOOSE;
    return step == STEP_END ? STEP_ONE : step;
}

static enum step skip_chunks(struct str *s)
{
    for (;;) {
        struct str line, end;
        enum step step = take_line(s, &line);
        if (step != STEP_ONE)
            return step == STEP_END ? STEP_LOOSE : step;
        if (!is_chunk_size(line))
            return STEP_LOOSE;
        if (str_equal(line, STR("0")))
            return skip_trailer(s);
        step = skip_bytes(s, line, 16, CHUNK_DIGITS_MAX);
        if (step == STEP_ONE)
            step = take_line(s, &end);
        if (step != STEP_END)
            return step == STEP_ONE ? STEP_LOOSE : step;
    }
}

static enum step skip_body(struct str *s, const struct head *h)
{
    if (h->n_encoding > 0)
        return skip_chunks(s);
    return h->n_length > 0 ? skip_bytes(s, h->length, 10, LENGTH_DIGITS_MAX) : STEP_ONE;
}

struct http_stream http_read_requests(struct str stream)
{
    struct http_stream found = {0, HTTP_WHOLE};
    while (stream.len > 0) {
        struct head h = {0};
        enum step step = read_head(&stream, &h);
        if (step == STEP_ONE && is_ambiguous(&h)) {
            found.end = HTTP_AMBIGUOUS;
            return found;
        }
        if (step == STEP_ONE)
            step = skip_body(&stream, &h);
        if (step != STEP_ONE) {
            found.end = step == STEP_LOOSE ? HTTP_LOOSE : HTTP_INCOMPLETE;
            return found;
        }
        found.n++;
    }
    return found;
}

/* --- responses */

static struct str take_whole_line(struct str *s)
{
    struct str line = {"", 0};
    const enum step step = take_line(s, &line);
    FUZZ_CHECK(step == STEP_ONE || step == STEP_END, "the reply is cut, or no HTTP: %.*s", STR_ARG(*s));
    return line;
}

static int read_status(struct str line)
{
    FUZZ_CHECK(line.len > 12 && (str_starts_with(line, STR("HTTP/1.1 ")) || str_starts_with(line, STR("HTTP/1.0 "))) &&
               has_digits_only((struct str){line.ptr + 9, STATUS_DIGITS}) && line.ptr[12] == ' ', "no status: %.*s", STR_ARG(line));
    return atoi(line.ptr + 9);
}

static void read_reply_field(struct str line, struct http_response *r, size_t *length, size_t *n_lengths)
{
    struct str value;
    const struct str name = str_split(line, ':', &value);
    FUZZ_CHECK(is_token(name) && value.ptr != NULL, "no header: %.*s", STR_ARG(line));
    for (size_t i = 0; i < value.len; i++)
        FUZZ_CHECK((unsigned char)value.ptr[i] >= ' ', "a header with control characters: %.*s", STR_ARG(line));
    value = str_trim(value);
    if (is_named(name, "Content-Length")) {
        FUZZ_CHECK(has_digits_only(value) && value.len <= LENGTH_DIGITS_MAX, "no length: %.*s", STR_ARG(line));
        *length = strtoul(value.ptr, NULL, 10);
        ++*n_lengths;
    } else if (is_named(name, "Content-Type")) {
        r->content_type = value;
    } else if (is_named(name, "Connection")) {
        r->closes = r->closes || is_named(value, "close");
    } else if (is_named(name, "X-Request-Id")) {
        r->is_ours = true;
    }
}

static void take_reply_head(struct str *s, struct http_response *r, size_t *length, size_t *n_lengths)
{
    *r = (struct http_response){.status = read_status(take_whole_line(s)), .content_type = {"", 0}};
    for (struct str line = take_whole_line(s); line.len > 0; line = take_whole_line(s))
        read_reply_field(line, r, length, n_lengths);
}

bool http_take_response(struct str *stream, struct http_response *out)
{
    size_t length = 0, n_lengths = 0;
    do {
        if (stream->len == 0)
            return false;
        take_reply_head(stream, out, &length, &n_lengths);
    } while (out->status < STATUS_FINAL);
    const bool has_length = out->status != STATUS_NO_CONTENT && out->status != STATUS_NOT_MODIFIED;
    FUZZ_CHECK(!has_length || n_lengths == 1, "a reply of status %d has %zu lengths", out->status, n_lengths);
    if (stream->len == 0 || str_starts_with(*stream, STR("HTTP/1.")))
        length = 0;
    FUZZ_CHECK(length <= stream->len, "a reply of %zu bytes is cut after %zu", length, stream->len);
    out->body = (struct str){stream->ptr, length};
    *stream = after(*stream, length);
    return true;
}
