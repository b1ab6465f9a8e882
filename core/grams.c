#include "core/grams.h"

#include "core/buf.h"
#include "core/hash.h"
#include "core/mem.h"

/* A trigram is its number: three codes of six bits. Words, pieces and tags share what is left of the bitmap by their hash. */
enum { CODE_BITS = 6, TRIGRAM_LEN = 3, TRIGRAMS = 1 << (CODE_BITS * TRIGRAM_LEN), BITS = 64, N_WORDS = GRAMS_END / BITS };
/* Of PIECE_WINDOW pieces in a row, PIECE_LEN characters each, the one of the least hash is kept: whoever has the whole window,
 * PIECE_RUN_MIN characters, has that one too. */
enum { WORD_MIN = 3, PIECE_LEN = 6, PIECE_WINDOW = 6, PIECE_RUN_MIN = PIECE_LEN + PIECE_WINDOW - 1 };
enum { SEED_PIECE = 1, SEED_TAG };
enum { N_BYTES = 256 };

struct grams {
    uint64_t bits[N_WORDS];
    uint8_t code[N_BYTES];   /* of a byte in trigrams; 0: in none */
    uint8_t letter[N_BYTES]; /* of a byte in words, in lower case; 0: in none */
    struct buf folded;       /* a text with its doubtful characters as ASCII letters; grows with the longest */
};

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static int lower(int c)
{
    return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

/* Letters count in any case, digits alike, control characters alike, the others each for itself. */
static uint8_t code_of(int c)
{
    static const char others[] = " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
    enum { CONTROL = 1, LETTER_A, DIGIT = LETTER_A + 26, OTHER };
    if (c >= 0x80)
        return 0;
    if (is_digit(c))
        return DIGIT;
    if (lower(c) >= 'a' && lower(c) <= 'z')
        return (uint8_t)(LETTER_A + lower(c) - 'a');
    const char *const other = c == '\0' ? NULL : strchr(others, c);
    return (uint8_t)(other == NULL ? CONTROL : OTHER + (other - others));
}

/* A word ends at every character that is not ASCII, whether the locale takes that for part of it or not. */
static uint8_t letter_of(int c)
{
    return is_digit(c) || c == '_' || (lower(c) >= 'a' && lower(c) <= 'z') ? (uint8_t)lower(c) : 0;
}

struct grams *grams_new(void)
{
    struct grams *const g = mem_calloc(1, sizeof *g);
    if (g == NULL)
        return NULL;
    for (int c = 0; c < N_BYTES; c++) {
        g->code[c] = code_of(c);
        g->letter[c] = letter_of(c);
    }
    buf_init(&g->folded, SIZE_MAX);
    return g;
}

void grams_free(struct grams *g)
{
    if (g == NULL)
        return;
    buf_close(&g->folded);
    mem_free(g);
}

void grams_clear(struct grams *g)
{
    memset(g->bits, 0, sizeof g->bits);
    buf_clear(&g->folded);
}

bool grams_is_ok(const struct grams *g)
{
    return buf_is_ok(&g->folded);
}

static void set(struct grams *g, uint32_t gram)
{
    g->bits[gram / BITS] |= UINT64_C(1) << (gram % BITS);
}

static void set_hash(struct grams *g, uint64_t hash)
{
    set(g, TRIGRAMS + (uint32_t)(hash % (GRAMS_END - TRIGRAMS)));
}

/* --- what a text has */

static void add_trigrams(struct grams *g, struct str text)
{
    uint32_t trigram = 0;
    int n = 0;
    for (size_t i = 0; i < text.len; i++) {
        const uint8_t code = g->code[(uint8_t)text.ptr[i]];
        n = code == 0 ? 0 : n + 1;
        trigram = (trigram << CODE_BITS | code) % TRIGRAMS;
        if (n >= TRIGRAM_LEN)
            set(g, trigram);
    }
}

/* FNV-1a: made byte by byte, as words are short. */
static void add_word(struct grams *g, struct str word)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    if (word.len < WORD_MIN)
        return;
    for (size_t i = 0; i < word.len; i++)
        hash = (hash ^ g->letter[(uint8_t)word.ptr[i]]) * UINT64_C(0x100000001b3);
    set_hash(g, hash);
}

static bool has_digit(struct str word)
{
    for (size_t i = 0; i < word.len; i++)
        if (is_digit(word.ptr[i]))
            return true;
    return false;
}

static uint64_t least(const uint64_t hashes[PIECE_WINDOW])
{
    uint64_t hash = hashes[0];
    for (size_t i = 1; i < PIECE_WINDOW; i++)
        hash = hashes[i] < hash ? hashes[i] : hash;
    return hash;
}

/* Ids have digits; pieces of all words would be too many. */
static void add_pieces(struct grams *g, struct str word)
{
    uint64_t hashes[PIECE_WINDOW] = {0};
    uint64_t piece = 0;
    if (word.len < PIECE_RUN_MIN || !has_digit(word))
        return;
    for (size_t i = 0; i < word.len; i++) {
        piece = (piece << 8 | g->letter[(uint8_t)word.ptr[i]]) & ((UINT64_C(1) << 8 * PIECE_LEN) - 1);
        hashes[i % PIECE_WINDOW] = (piece + SEED_PIECE) * UINT64_C(0x9e3779b97f4a7c15);
        if (i + 1 >= PIECE_RUN_MIN)
            set_hash(g, least(hashes) >> 20);
    }
}

/* The word that begins at an offset; empty where none does. */
static struct str word_at(const struct grams *g, struct str text, size_t from)
{
    size_t to = from;
    while (to < text.len && g->letter[(uint8_t)text.ptr[to]] != 0)
        to++;
    return (struct str){text.ptr + from, to - from};
}

static void add_as_it_is(struct grams *g, struct str text)
{
    add_trigrams(g, text);
    for (size_t i = 0; i < text.len;) {
        const struct str word = word_at(g, text, i);
        add_word(g, word);
        add_pieces(g, word);
        i += word.len + 1;
    }
}

/* --- characters that may be ASCII letters in disguise */

/* Those of which some locale's lower case has an ASCII letter or is the same as one's, and the dot that such a lower case
 * leaves out (Unicode's SpecialCasing.txt: Turkish, Azeri, Lithuanian; CaseFolding.txt: the long s and the Kelvin sign). */
struct disguise {
    const char *character;
    const char *letter;
};
static const struct disguise disguises[] = {
    {"\xc4\xb0", "i"}, {"\xc4\xb1", "i"}, {"\xc3\x8c", "i"},     {"\xc3\x8d", "i"},
    {"\xc4\xa8", "i"}, {"\xc5\xbf", "s"}, {"\xe2\x84\xaa", "k"}, {"\xcc\x87", ""},
};

static const struct disguise *disguise_at(struct str text, size_t at)
{
    const struct str rest = {text.ptr + at, text.len - at};
    if ((unsigned char)rest.ptr[0] < 0x80)
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(disguises); i++)
        if (str_starts_with(rest, str_of(disguises[i].character)))
            return &disguises[i];
    return NULL;
}

static bool has_disguise(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (disguise_at(text, i) != NULL)
            return true;
    return false;
}

static void fold(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        const struct disguise *const d = disguise_at(text, i);
        if (d == NULL) {
            buf_putc(out, text.ptr[i]);
            continue;
        }
        buf_puts(out, str_of(d->letter));
        i += strlen(d->character) - 1;
    }
}

/* A locale takes such characters for letters that end no word, or else none of them for a letter: so all as ASCII letters, or
 * all as themselves, is every way in which a part may be found. */
void grams_add_text(struct grams *g, struct str text)
{
    add_as_it_is(g, text);
    if (!has_disguise(text) || !grams_is_ok(g))
        return;
    buf_clear(&g->folded);
    fold(&g->folded, text);
    if (grams_is_ok(g))
        add_as_it_is(g, buf_str(&g->folded));
}

/* --- what a part wants */

/* Whether a word ends at an end of the part: at an ASCII character beside it, or, where there is none (an offset of -1 wraps to
 * beyond the end), as the caller says; another character may be
 * a letter of the text's word. */
static bool is_edge(struct str part, size_t beside, bool at_end)
{
    return beside < part.len ? (unsigned char)part.ptr[beside] < 0x80 : at_end;
}

void grams_add_part(struct grams *g, struct str part, bool begins, bool ends)
{
    add_trigrams(g, part);
    for (size_t i = 0; i < part.len;) {
        const struct str word = word_at(g, part, i);
        const size_t end = i + word.len;
        if (is_edge(part, i - 1, begins) && is_edge(part, end, ends))
            add_word(g, word);
        else
            add_pieces(g, word);
        i = end + 1;
    }
}

void grams_add_tag(struct grams *g, unsigned kind, struct str value)
{
    set_hash(g, hash64(value, SEED_TAG + kind));
}

/* --- the set */

size_t grams_count(const struct grams *g)
{
    size_t n = 0;
    for (size_t i = 0; i < N_WORDS; i++)
        n += (size_t)__builtin_popcountll(g->bits[i]);
    return n;
}

size_t grams_last(const struct grams *g, int32_t *out, size_t n_max)
{
    const size_t n_all = grams_count(g);
    size_t n_skipped = n_all > n_max ? n_all - n_max : 0;
    size_t n = 0;
    for (size_t i = 0; i < N_WORDS; i++)
        for (uint64_t left = g->bits[i]; left != 0; left &= left - 1)
            if (n_skipped > 0)
                n_skipped--;
            else
                out[n++] = (int32_t)(i * BITS + (size_t)__builtin_ctzll(left));
    return n;
}
