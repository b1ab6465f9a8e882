/* Pulls values out of JSON text (RFC 8259), without a tree and without copying.
 *
 * The caller owns the struct; one thread. Failure is sticky: after it nothing more is read, every call returns false or an
 * absent string, and why and at say what is wrong and where. Bytes above 0x7f are not looked at: strings may hold ill-formed
 * UTF-8. Nesting is bounded by API_JSONREAD_DEPTH_MAX; nothing here recurses.
 *
 * The way through an object: if open(r, '{') then while member(r, &key) read or skip one value. An array: open(r, '['),
 * element(r). */
#ifndef TRACEKIN_API_JSONREAD_H
#define TRACEKIN_API_JSONREAD_H

#include "core/arena.h"
#include "core/str.h"

enum { API_JSONREAD_DEPTH_MAX = 4096 };

struct api_jsonread {
    const char *start, *at, *end;
    unsigned depth;
    bool is_first;   /* the innermost bracket has no member yet */
    const char *why; /* NULL: all is well */
};

/* What stands between the quotes, as it was sent. */
struct api_json_string {
    struct str raw;
    bool has_escape;
    bool has_high; /* bytes above 0x7f */
};

/* An absent text is an empty one. */
void api_jsonread_init(struct api_jsonread *r, struct str text);
/* The first byte of the next value: one of { [ " - 0..9 t f n; 0 when there is no value. Reads only white space. */
char api_jsonread_peek(struct api_jsonread *r);
bool api_jsonread_open(struct api_jsonread *r, char bracket);
/* The next key, as it was sent (escapes are left alone), or false past the last member, the bracket being closed. */
bool api_jsonread_member(struct api_jsonread *r, struct str *key);
bool api_jsonread_element(struct api_jsonread *r);
bool api_jsonread_string(struct api_jsonread *r, struct api_json_string *out);
/* The text of a number. */
bool api_jsonread_number(struct api_jsonread *r, struct str *out);
bool api_jsonread_bool(struct api_jsonread *r, bool *out);
bool api_jsonread_null(struct api_jsonread *r);
/* Reads past any value and gives its text; absent on failure. */
struct str api_jsonread_skip(struct api_jsonread *r);
/* Whether only white space is left; fails otherwise. */
bool api_jsonread_end(struct api_jsonread *r);
/* Fails here; why is static text that follows "the JSON is wrong at byte N: ". Returns false. */
bool api_jsonread_fail(struct api_jsonread *r, const char *why);

/* The string's text: raw itself when it has no escapes, else decoded into the arena. NUL and lone surrogates become U+FFFD;
 * ill-formed bytes stay. Absent when the arena is full. */
struct str api_json_decode(struct arena *arena, const struct api_json_string *s);

#endif
