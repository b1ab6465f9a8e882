/* Whether what a search wants of a text is in what the text has (core/grams.h). */
#ifndef TRACEKIN_TESTS_SUBSET_H
#define TRACEKIN_TESTS_SUBSET_H

#include "core/grams.h"

/* The two sets of grams, of which both are used again by the next input. */
struct subset {
    struct grams *wanted, *had;
};

/* Empty sets; they stay. */
struct subset *subset_begin(void);
/* Fails when a wanted gram is not had. */
void subset_check(struct subset *s, struct str wanted, struct str had);

#endif
