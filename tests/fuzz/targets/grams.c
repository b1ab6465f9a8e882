/* core/grams.c: where a part of a text begins and how long it is, then the text. The text has every gram that is wanted of the
 * part, in whatever case; also where a locale takes another character for an ASCII letter. */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/support/subset.h"

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static void check(struct str text, struct str part)
{
    struct subset *const s = subset_begin();
    const bool begins = part.len > 0 && is_word(part.ptr[0]) && (part.ptr == text.ptr || !is_word(part.ptr[-1]));
    const char *const end = part.ptr + part.len;
    const bool ends = part.len > 0 && is_word(end[-1]) && (end == text.ptr + text.len || !is_word(*end));
    grams_add_part(s->wanted, part, begins, ends);
    grams_add_text(s->had, text);
    subset_check(s, part, text);
}

/* The same text with its letters in the other case, some by characters that a locale takes for the same. */
static void put_other_case(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.ptr[i];
        if (c == 'K')
            buf_puts(out, STR("\xe2\x84\xaa")); /* the Kelvin sign */
        else if (c == 'S')
            buf_puts(out, STR("\xc5\xbf")); /* the long s */
        else
            buf_putc(out, (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ? (char)(c ^ 0x20) : c);
    }
}

static void check_other_case(struct str text, struct str part)
{
    AUTO(buf) struct buf other;
    struct subset *const s = subset_begin();
    buf_init(&other, 3 * part.len);
    put_other_case(&other, part);
    grams_add_part(s->wanted, buf_str(&other), false, false);
    grams_add_text(s->had, text);
    subset_check(s, buf_str(&other), text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = fuzz_input_of(data, size);
    const size_t at = fuzz_byte(&in), len = fuzz_byte(&in);
    const struct str text = in.rest;
    const size_t from = at < text.len ? at : text.len;
    const struct str part = {text.ptr + from, len < text.len - from ? len : text.len - from};
    check(text, part);
    check_other_case(text, part);
    return 0;
}
