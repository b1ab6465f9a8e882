#include "api/request/keyring.h"

#include <nettle/sha2.h>
#include <sys/random.h>

#include "core/hex.h"
#include "core/mem.h"

enum { SECRET_BYTES = 32, WORD_BYTES = sizeof(uint64_t) };

_Static_assert(API_KEY_DIGEST_BYTES == SHA256_DIGEST_SIZE && API_KEY_DIGEST_BYTES % WORD_BYTES == 0, "a digest is whole words");

#define PREFIX "tk_"
#define HOW_TO "`tracekin api-key NAME SCOPES` makes such lines"

/* --- a line */

static bool is_name(struct str name)
{
    static const char others[] = "._-";
    for (size_t i = 0; i < name.len; i++) {
        const char c = name.ptr[i];
        const bool is_alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_alphanumeric && memchr(others, c, sizeof others - 1) == NULL)
            return false;
    }
    return name.len > 0 && name.len <= API_KEY_NAME_MAX;
}

/* The next word of a line, empty at its end. */
static struct str next_word(struct str *line)
{
    size_t from = 0;
    while (from < line->len && (line->ptr[from] == ' ' || line->ptr[from] == '\t'))
        from++;
    size_t to = from;
    while (to < line->len && line->ptr[to] != ' ' && line->ptr[to] != '\t')
        to++;
    const struct str word = {line->ptr + from, to - from};
    *line = (struct str){line->ptr + to, line->len - to};
    return word;
}

static bool parse_count(struct str text, int64_t most, int64_t *out)
{
    int64_t value = 0;
    if (!str_to_i64(text, &value) || value < 1 || value > most)
        return false;
    *out = value;
    return true;
}

static bool parse_limit(struct str word, struct api_key *key)
{
    struct str value = {0};
    const struct str name = str_split(word, '=', &value);
    if (str_equal(name, STR("burst")) && key->rate.burst == 0)
        return parse_count(value, BUCKET_BURST_MAX, &key->rate.burst);
    if (!str_equal(name, STR("rate")) || key->has_rate)
        return false;
    key->has_rate = true;
    return str_equal(value, STR("off")) || parse_count(value, BUCKET_RATE_MAX, &key->rate.per_s);
}

static enum err parse_limits(struct str words, struct api_key *key, struct err_info *e)
{
    for (struct str word = next_word(&words); word.len > 0; word = next_word(&words))
        if (!parse_limit(word, key))
            return ERR_SET(e, ERR_INVALID, "after the scopes there may be rate=N (requests a second, 1 to %d, or off) and burst=N (1 to %d)",
                           BUCKET_RATE_MAX, BUCKET_BURST_MAX);
    if (key->rate.burst > 0 && key->rate.per_s == 0)
        return ERR_SET(e, ERR_INVALID, "burst=N needs rate=N beside it");
    key->rate = bucket_rate_of(key->rate.per_s, key->rate.burst);
    return OK;
}

static enum err check_name(struct str name, struct err_info *e)
{
    if (is_name(name))
        return OK;
    return ERR_SET(e, ERR_INVALID, "a line begins with the key's name, 1 to %d of A-Z a-z 0-9 . _ -; " HOW_TO, API_KEY_NAME_MAX);
}

static enum err parse_line(struct str line, struct api_key *out, struct err_info *e)
{
    struct api_key key = {0};
    const struct str name = next_word(&line), digest = next_word(&line), scopes = next_word(&line);
    TRY(check_name(name, e));
    if (!hex_parse(digest, key.digest, sizeof key.digest))
        return ERR_SET(e, ERR_INVALID, "after the name comes the SHA-256 of the key, 64 hexadecimal digits, not the key itself; " HOW_TO);
    if (!api_scopes_parse(scopes, &key.scopes))
        return ERR_SET(e, ERR_INVALID, "after the SHA-256 come the scopes: read, ingest and admin, or some of them, with commas between; " HOW_TO);
    TRY(parse_limits(line, &key, e));
    memcpy(key.name, name.ptr, name.len);
    *out = key;
    return OK;
}

/* --- the file */

/* A ring that grows, and the line that each of its keys came from. */
struct reading {
    struct api_keyring *ring;
    size_t n_room;
    size_t n_lines;
    size_t of_line[API_KEYS_MAX];
};

static void reading_auto(struct reading *r)
{
    api_keyring_free(r->ring);
}

static enum err reading_grow(struct reading *r, struct err_info *e)
{
    const size_t n_room = r->n_room == 0 ? 8 : r->n_room * 2;
    struct api_keyring *const ring = mem_resize(r->ring, 1, sizeof *ring + n_room * sizeof ring->keys[0]);
    if (ring == NULL)
        return ERR_SET_NOMEM(e);
    if (r->ring == NULL)
        ring->n = 0;
    r->ring = ring;
    r->n_room = n_room;
    return OK;
}

static enum err check_new(const struct reading *r, const struct api_key *key, struct err_info *e)
{
    for (size_t i = 0; r->ring != NULL && i < r->ring->n; i++) {
        if (strcmp(r->ring->keys[i].name, key->name) == 0)
            return ERR_SET(e, ERR_INVALID, "it has the name of line %zu", r->of_line[i]);
        if (memcmp(r->ring->keys[i].digest, key->digest, sizeof key->digest) == 0)
            return ERR_SET(e, ERR_INVALID, "it has the key of line %zu", r->of_line[i]);
    }
    return OK;
}

static enum err read_line(struct reading *r, struct str line, struct err_info *e)
{
    struct str comment;
    struct api_key key;
    const struct str content = str_trim(str_split(line, '#', &comment));
    if (memchr(line.ptr, '\0', line.len) != NULL)
        return ERR_SET(e, ERR_INVALID, "there is a NUL byte in it: this is no text");
    if (content.len == 0)
        return OK;
    TRY(parse_line(content, &key, e));
    TRY(check_new(r, &key, e));
    const size_t n = r->ring == NULL ? 0 : r->ring->n;
    if (n == API_KEYS_MAX)
        return ERR_SET(e, ERR_INVALID, "there may be at most %d keys", API_KEYS_MAX);
    if (n == r->n_room)
        TRY(reading_grow(r, e));
    r->of_line[n] = r->n_lines;
    r->ring->keys[n] = key;
    r->ring->n = n + 1;
    return OK;
}

enum err api_keyring_parse(struct str text, struct api_keyring **out, struct err_info *e)
{
    AUTO(reading) struct reading r = {0};
    if (text.len > API_KEYS_FILE_MAX_BYTES)
        return ERR_SET(e, ERR_INVALID, "it may have at most %d bytes", API_KEYS_FILE_MAX_BYTES);
    while (text.len > 0) {
        struct err_info fault = {0};
        const struct str line = str_split(text, '\n', &text);
        r.n_lines++;
        const enum err code = line.len == 0 ? OK : read_line(&r, line, &fault);
        if (code == ERR_INVALID)
            return ERR_SET(e, code, "line %zu: %s", r.n_lines, fault.message);
        if (code != OK)
            return ERR_SET(e, code, "%s", fault.message);
    }
    if (r.ring == NULL)
        return ERR_SET(e, ERR_INVALID, "there is no key in it; " HOW_TO);
    *out = TAKE(r.ring);
    return OK;
}

void api_keyring_free(struct api_keyring *ring)
{
    mem_free(ring);
}

/* --- keys */

static void digest_of(struct str text, uint8_t out[API_KEY_DIGEST_BYTES])
{
    struct sha256_ctx sha256;
    sha256_init(&sha256);
    if (text.len > 0)
        sha256_update(&sha256, text.len, (const uint8_t *)text.ptr);
    sha256_digest(&sha256, API_KEY_DIGEST_BYTES, out);
}

/* 0 when they are equal. */
static uint64_t difference(const uint8_t a[API_KEY_DIGEST_BYTES], const uint8_t b[API_KEY_DIGEST_BYTES])
{
    uint64_t all = 0;
    for (size_t i = 0; i < API_KEY_DIGEST_BYTES; i += WORD_BYTES) {
        uint64_t of_a, of_b;
        memcpy(&of_a, a + i, WORD_BYTES);
        memcpy(&of_b, b + i, WORD_BYTES);
        all |= of_a ^ of_b;
    }
    return all;
}

/* All ones when x is 0, else 0, without a branch. */
static size_t mask_of_zero(uint64_t x)
{
    return (size_t)0 - (size_t)(1 ^ ((x | (0 - x)) >> 63));
}

/* What time could tell is little: how the SHA-256 of a guess begins is no step towards 256 random bits. But a keyring may also hold
 * keys that somebody made up. */
size_t api_keyring_place(const struct api_keyring *ring, struct str text)
{
    uint8_t digest[API_KEY_DIGEST_BYTES];
    size_t place = 0;
    digest_of(text, digest);
    for (size_t i = 0; i < ring->n; i++)
        place |= mask_of_zero(difference(ring->keys[i].digest, digest)) & (i + 1);
    return place;
}

const struct api_key *api_keyring_find(const struct api_keyring *ring, struct str text)
{
    const size_t place = api_keyring_place(ring, text);
    return place == 0 ? NULL : &ring->keys[place - 1];
}

enum err api_key_make(char text[API_KEY_TEXT_MAX], struct err_info *e)
{
    uint8_t secret[SECRET_BYTES];
    AUTO(buf) struct buf b;
    buf_init(&b, API_KEY_TEXT_MAX - 1);
    if (getrandom(secret, sizeof secret, 0) != (ssize_t)sizeof secret)
        return ERR_SET(e, ERR_INTERNAL, "the system gives no random bytes");
    BUF_LITERAL(&b, PREFIX);
    base64_put_url(&b, secret, sizeof secret);
    if (!buf_is_ok(&b))
        return ERR_SET_NOMEM(e);
    memcpy(text, b.data, b.len);
    text[b.len] = '\0';
    return OK;
}

enum err api_key_put_line(struct buf *line, struct str text, struct str name, struct str scopes, struct str rest, struct err_info *e)
{
    struct api_key unused;
    uint8_t digest[API_KEY_DIGEST_BYTES];
    const size_t start = line->len;
    TRY(check_name(name, e));
    digest_of(text, digest);
    buf_puts(line, name);
    buf_putc(line, ' ');
    hex_put(line, digest, sizeof digest);
    buf_putc(line, ' ');
    buf_puts(line, scopes);
    if (rest.len > 0)
        buf_putc(line, ' ');
    buf_puts(line, rest);
    if (!buf_is_ok(line))
        return ERR_SET_NOMEM(e);
    return parse_line((struct str){line->data + start, line->len - start}, &unused, e);
}
