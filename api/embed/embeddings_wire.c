#include "api/embed/embeddings_wire.h"

#include "api/json/jsonread.h"
#include "api/json/jsonwrite.h"

#define NEEDED TEXT_OF(NUMBERS)
#define NUMBERS 384
_Static_assert(NUMBERS == EMBEDDING_DIMENSIONS, "the size of all vectors");

/* --- the URL */

static struct str after_scheme(struct str url)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        const size_t len = strlen(schemes[i]);
        if (url.len > len && str_equal_nocase((struct str){url.ptr, len}, str_of(schemes[i])))
            return (struct str){url.ptr + len, url.len - len};
    }
    return (struct str){NULL, 0};
}

/* An account is at most one, as readers of URLs differ about which of two is the host's beginning. */
static bool is_authority(struct str rest)
{
    size_t len = 0;
    while (len < rest.len && strchr("/?", rest.ptr[len]) == NULL)
        len++;
    struct str host;
    const struct str account = str_split((struct str){rest.ptr, len}, '@', &host);
    if (host.ptr == NULL)
        host = account;
    return host.len > 0 && host.ptr[0] != ':' && memchr(host.ptr, '@', host.len) == NULL;
}

static bool is_url(struct str url)
{
    const struct str rest = after_scheme(url);
    for (size_t i = 0; i < url.len; i++)
        if ((unsigned char)url.ptr[i] <= ' ' || strchr("#\\", url.ptr[i]) != NULL || url.ptr[i] == 0x7f)
            return false;
    return rest.ptr != NULL && is_authority(rest);
}

static bool ends_with(struct str s, struct str suffix)
{
    return s.len >= suffix.len && str_equal((struct str){s.ptr + s.len - suffix.len, suffix.len}, suffix);
}

enum err api_embeddings_url(struct str setting, struct buf *out, struct err_info *e)
{
    struct str query;
    struct str base = str_split(setting, '?', &query);
    if (!is_url(setting))
        return ERR_SET(e, ERR_INVALID, "TRACEKIN_EMBEDDINGS_URL must be such as http://localhost:11434/v1 or https://host/v1/embeddings");
    while (ends_with(base, STR("/")))
        base.len--;
    const struct str rest = after_scheme(base);
    buf_puts(out, base);
    /* Never NULL in a URL. NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker) */
    if (memchr(rest.ptr, '/', rest.len) == NULL)
        BUF_LITERAL(out, "/v1");
    if (!ends_with(base, STR("/embeddings")))
        BUF_LITERAL(out, "/embeddings");
    if (query.ptr != NULL)
        buf_putc(out, '?');
    if (query.len > 0)
        buf_puts(out, query);
    return buf_is_ok(out) ? OK : ERR_SET_NOMEM(e);
}

/* --- the request */

void api_embeddings_put_request(struct buf *out, struct str model, bool asks_dimensions, const struct str *texts, size_t n)
{
    struct api_json w;
    api_json_init(&w, out);
    api_json_open(&w, '{');
    api_json_key(&w, "model");
    api_json_str(&w, model);
    api_json_key(&w, "input");
    api_json_open(&w, '[');
    for (size_t i = 0; i < n; i++)
        api_json_str(&w, texts[i]);
    api_json_close(&w, ']');
    if (asks_dimensions) {
        api_json_key(&w, "dimensions");
        api_json_i64(&w, EMBEDDING_DIMENSIONS);
    }
    api_json_close(&w, '}');
}

/* --- the reply */

struct reading {
    struct api_jsonread json;
    size_t n, n_read;
    float (*out)[EMBEDDING_DIMENSIONS];
    bool is_there[API_EMBEDDINGS_MAX];
};

static enum err no_json(const struct reading *r, struct err_info *e)
{
    if (r->json.why == NULL)
        return OK;
    return ERR_SET(e, ERR_INVALID, "the embeddings endpoint answered something else than embeddings: the JSON is wrong at byte %td: %s",
                   r->json.at - r->json.start, r->json.why);
}

/* Counts all numbers, keeps those of a good vector. */
static size_t read_numbers(struct api_jsonread *json, float v[EMBEDDING_DIMENSIONS])
{
    size_t n = 0;
    if (!api_jsonread_open(json, '['))
        return 0;
    while (api_jsonread_element(json)) {
        struct str text;
        double number = 0;
        if (api_jsonread_number(json, &text) && !str_to_double(text, &number))
            (void)api_jsonread_fail(json, "this number is not finite");
        if (n < EMBEDDING_DIMENSIONS)
            v[n] = (float)number;
        n++;
    }
    return n;
}

static enum err check_vector(const float v[EMBEDDING_DIMENSIONS], size_t n_numbers, struct err_info *e)
{
    if (n_numbers != EMBEDDING_DIMENSIONS)
        return ERR_SET(e, ERR_INVALID,
                       "the embeddings endpoint answered vectors of %zu numbers, and " NEEDED " are needed: choose a model of " NEEDED
                       " dimensions, or set TRACEKIN_EMBEDDINGS_DIMENSIONS=true if the model can make its vectors shorter", n_numbers);
    if (!embedding_has_direction(v))
        return ERR_SET(e, ERR_INVALID, "the embeddings endpoint answered a vector that points nowhere: all zero, or beyond single precision");
    return OK;
}

static enum err place(struct reading *r, const float *v, size_t index, struct err_info *e)
{
    if (index >= r->n || r->is_there[index])
        return ERR_SET(e, ERR_INVALID, "the embeddings endpoint answered a vector of index %zu, which is no text's or has been; %zu were asked for",
                       index, r->n);
    memcpy(r->out[index], v, sizeof *r->out);
    r->is_there[index] = true;
    r->n_read++;
    return OK;
}

static enum err read_item(struct reading *r, struct err_info *e)
{
    float v[EMBEDDING_DIMENSIONS] = {0};
    size_t n_numbers = 0;
    uint64_t index = r->n_read;
    struct str key, text;
    (void)api_jsonread_open(&r->json, '{');
    while (api_jsonread_member(&r->json, &key)) {
        if (str_equal(key, STR("embedding")))
            n_numbers = read_numbers(&r->json, v);
        else if (!str_equal(key, STR("index")))
            (void)api_jsonread_skip(&r->json);
        else if (api_jsonread_number(&r->json, &text) && !str_to_u64(text, &index))
            (void)api_jsonread_fail(&r->json, "this is no index");
    }
    TRY(no_json(r, e));
    TRY(check_vector(v, n_numbers, e));
    return place(r, v, index, e);
}

static enum err read_data(struct reading *r, struct err_info *e)
{
    (void)api_jsonread_open(&r->json, '[');
    while (api_jsonread_element(&r->json))
        TRY(read_item(r, e));
    return no_json(r, e);
}

enum err api_embeddings_read_reply(struct str json, size_t n, float (*out)[EMBEDDING_DIMENSIONS], struct err_info *e)
{
    struct reading r = {.n = n, .out = out};
    struct str key;
    api_jsonread_init(&r.json, json);
    (void)api_jsonread_open(&r.json, '{');
    while (api_jsonread_member(&r.json, &key)) {
        if (str_equal(key, STR("data")))
            TRY(read_data(&r, e));
        else
            (void)api_jsonread_skip(&r.json);
    }
    (void)api_jsonread_end(&r.json);
    TRY(no_json(&r, e));
    if (r.n_read != n)
        return ERR_SET(e, ERR_INVALID, "the embeddings endpoint answered %zu vectors for %zu texts", r.n_read, n);
    return OK;
}
