/* The language of q in log search, as conditions on a message.
 *
 * word: the whole word occurs; word*: a word begins so; "a phrase": the text occurs; each in any case, each with '-' before
 * it to exclude. All conditions must hold. A word is what stands between spaces; a backslash within quotes takes the next
 * character as it is. Pure; everything is in the arena. */
#ifndef TRACEKIN_DB_LOG_QUERY_H
#define TRACEKIN_DB_LOG_QUERY_H

#include "core/arena.h"
#include "core/err.h"

enum { DB_LOG_QUERY_TERMS_MAX = 32 };

/* What occurs in a message that a term matches: it begins, or ends, where a word of the message does. */
struct db_log_text {
    struct str text;
    bool begins, ends;
};

/* Every part (an ILIKE pattern) and every regex (of a word: its part alone would match within a word too) must match, and
 * no excluded regex may; regular expressions match in any case. */
struct db_log_query {
    struct str parts[DB_LOG_QUERY_TERMS_MAX];
    struct db_log_text texts[DB_LOG_QUERY_TERMS_MAX]; /* of the parts */
    struct str regexes[DB_LOG_QUERY_TERMS_MAX];
    struct str excluded[DB_LOG_QUERY_TERMS_MAX];
    size_t n_parts, n_regexes, n_excluded;
};

/* ERR_INVALID for parameter "q": no term, too many terms, an open quote, an empty phrase, a lone '-' or '*'. */
enum err db_log_query_parse(struct str q, struct arena *arena, struct db_log_query *out, struct err_info *e) MUST_USE;

#endif
