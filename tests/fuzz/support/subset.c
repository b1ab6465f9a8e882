#include "tests/fuzz/support/subset.h"

/* The sets themselves: counting them by what grams.h offers takes a hundred times as long. */
#include "core/grams.c" /* NOLINT: white box */
#include "tests/fuzz/fuzz.h"

struct subset *subset_begin(void)
{
    static struct subset s;
    if (s.wanted == NULL) {
        s.wanted = grams_new();
        s.had = grams_new();
        FUZZ_CHECK(s.wanted != NULL && s.had != NULL, "out of memory");
    }
    grams_clear(s.wanted);
    grams_clear(s.had);
    return &s;
}

void subset_check(struct subset *s, struct str wanted, struct str had)
{
    uint64_t missing = 0;
    FUZZ_CHECK(grams_is_ok(s->wanted) && grams_is_ok(s->had), "out of memory");
    for (size_t i = 0; i < N_WORDS; i++)
        missing |= s->wanted->bits[i] & ~s->had->bits[i];
    FUZZ_CHECK(missing == 0, "not all grams of '%.*s' are in '%.*s'", STR_ARG(wanted), STR_ARG(had));
}
