/* What varies from one occurrence of a message to the next: ids, numbers, addresses, times; found at the start of a text.
 * Pure functions. Each token_* matcher returns the length of what it knows at the start of s, or 0; s begins where a word
 * may begin. */
#ifndef TRACEKIN_CORE_TOKEN_H
#define TRACEKIN_CORE_TOKEN_H

#include "core/str.h"

bool token_is_digit(char c);
bool token_is_space(char c);
/* ASCII letters and digits; every byte of a multi-byte UTF-8 character counts as a letter. */
bool token_is_word(char c);

/* How many bytes of s, from an offset on and at most max, a predicate holds for. */
size_t token_run(struct str s, size_t from, size_t max, bool (*holds)(char));
bool token_has(struct str s, size_t at, char c);
/* Whether the byte at an offset is one of chars. */
bool token_has_any(struct str s, size_t at, const char *chars);
/* s without its first bytes, of which there are as many. */
struct str token_tail(struct str s, size_t from);

size_t token_uuid(struct str s);
/* A date, a date and time, or a time with seconds; with its fraction and zone. */
size_t token_time(struct str s);
/* With its port or prefix length. */
size_t token_ipv4(struct str s);
/* Hardware addresses too: eight or six groups, or fewer around one "::". */
size_t token_ipv6(struct str s);
/* A word of eight or more hexadecimal digits, letters among them. */
size_t token_hex(struct str s);
/* 32 or more characters of base64's URL alphabet that look random, such as a part of a token. */
size_t token_base64(struct str s);
/* With sign, fraction, version parts or thousands, and exponent; a unit that follows is left. */
size_t token_number(struct str s);
/* A word that begins with a digit or has at least so many of them. */
size_t token_word_with_digits(struct str s, size_t n_digits_min);
/* "TraceID: 6f3c...", "span_id=..." and the like, with the space after it. */
size_t token_correlation(struct str s);

#endif
