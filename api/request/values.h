/* Texts of parameters as values: times, ids, levels, percent-encoding. Pure functions; false means "not one", and leaves
 * the out-parameters untouched. */
#ifndef TRACEKIN_API_VALUES_H
#define TRACEKIN_API_VALUES_H

#include "core/arena.h"

/* What each may be, for messages. */
#define API_TIME_FORMS                                                                                             \
    "an RFC 3339 time (2023-01-29T08:42:09Z, a '+' in it written %2B), a Unix time in s, ms, us or ns by its "   \
    "number of digits (10, 13, 16, 19), or now-15m"
#define API_DURATION_FORMS "a duration such as 250ms, 1.5s, 15m, 1h30m or 7d"
#define API_TRACE_ID_FORMS "1 to 32 hexadecimal digits"
#define API_SPAN_ID_FORMS "1 to 16 hexadecimal digits"
#define API_PATTERN_ID_FORMS API_SPAN_ID_FORMS
#define API_LEVEL_FORMS "trace, debug, info, warn, error, fatal, or a severity number from 1 to 24"

bool api_time_parse(struct str text, int64_t now_ns, int64_t *wall_ns);
/* The least OpenTelemetry severity number of a level's name or number. */
bool api_level_parse(struct str text, int64_t *severity);

/* Decodes %XX, and '+' as a space when is_query; text without either is returned as it is, else *out is in the arena.
 * False for a broken '%', for NUL in any form, for what is not UTF-8, and when the arena is full. */
bool api_url_decode(struct str text, bool is_query, struct arena *arena, struct str *out);

#endif
