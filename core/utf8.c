#include "core/utf8.h"

#define ONES UINT64_C(0x0101010101010101)
#define HIGHS UINT64_C(0x8080808080808080)

enum { UTF8_CHARACTER_MAX = 4, UTF8_REPLACEMENT_BYTES = 3 };

/* RFC 3629 section 4: by range of the first byte, the length and the range of the second byte. */
struct lead {
    uint8_t first, last;
    uint8_t n_bytes;
    uint8_t second_min, second_max;
};

static const struct lead leads[] = {
    {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf}, {0xe1, 0xec, 3, 0x80, 0xbf},
    {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf}, {0xf0, 0xf0, 4, 0x90, 0xbf},
    {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

static const struct lead *lead_of(uint8_t byte)
{
    for (size_t i = 0; i < ARRAY_LEN(leads); i++)
        if (byte >= leads[i].first && byte <= leads[i].last)
            return &leads[i];
    return NULL;
}

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

/* How many of the n bytes at p (n > 0) make one character, or, with *is_good false, one maximal ill-formed part. */
static size_t scan_character(const uint8_t *p, size_t n, bool *is_good)
{
    const struct lead *lead = p[0] < 0x80 ? NULL : lead_of(p[0]);
    *is_good = lead == NULL && p[0] < 0x80 && p[0] != 0;
    if (lead == NULL || n < 2 || p[1] < lead->second_min || p[1] > lead->second_max)
        return 1;
    size_t len = 2;
    while (len < lead->n_bytes && len < n && is_continuation(p[len]))
        len++;
    *is_good = len == lead->n_bytes;
    return len;
}

/* How many bytes at p hold ASCII without NUL, in steps of eight. */
static size_t skip_ascii(const uint8_t *p, size_t n)
{
    size_t i = 0;
    for (; n - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, p + i, sizeof word);
        /* A zero byte borrows, which sets its high bit. */
        if (((word | (word - ONES)) & HIGHS) != 0)
            break;
    }
    return i;
}

/* How many bytes s begins with that are clean. */
static size_t clean_prefix(struct str s)
{
    const uint8_t *p = (const uint8_t *)s.ptr;
    size_t i = 0;
    while (i < s.len) {
        i += skip_ascii(p + i, s.len - i);
        /* At least the word that stopped the skip, before trying words again. */
        const size_t stop = s.len - i < sizeof(uint64_t) ? s.len : i + sizeof(uint64_t);
        while (i < stop) {
            bool is_good = true;
            const size_t len = scan_character(p + i, s.len - i, &is_good);
            if (!is_good)
                return i;
            i += len;
        }
    }
    return i;
}

bool utf8_is_clean(struct str s)
{
    return clean_prefix(s) == s.len;
}

void utf8_put_repaired(struct buf *b, struct str s)
{
    while (s.len > 0) {
        const size_t n_clean = clean_prefix(s);
        buf_put(b, s.ptr, n_clean);
        s = (struct str){s.ptr + n_clean, s.len - n_clean};
        if (s.len == 0)
            return;
        bool is_good = true;
        const size_t n_bad = scan_character((const uint8_t *)s.ptr, s.len, &is_good);
        BUF_LITERAL(b, "\xef\xbf\xbd");
        s = (struct str){s.ptr + n_bad, s.len - n_bad};
    }
}

struct str utf8_repair(struct arena *a, struct str s)
{
    if (utf8_is_clean(s))
        return s;
    AUTO(buf) struct buf repaired;
    buf_init(&repaired, s.len > SIZE_MAX / UTF8_REPLACEMENT_BYTES ? SIZE_MAX : s.len * UTF8_REPLACEMENT_BYTES);
    utf8_put_repaired(&repaired, s);
    return buf_is_ok(&repaired) ? arena_copy(a, buf_str(&repaired)) : (struct str){NULL, 0};
}

struct str utf8_cut(struct str s, size_t max_bytes)
{
    if (s.len <= max_bytes)
        return s;
    size_t len = max_bytes;
    while (len > 0 && max_bytes - len < UTF8_CHARACTER_MAX - 1 && is_continuation((uint8_t)s.ptr[len]))
        len--;
    /* More continuation bytes than a character has: there is no character to save. */
    if (is_continuation((uint8_t)s.ptr[len]))
        len = max_bytes;
    return (struct str){s.ptr, len};
}
