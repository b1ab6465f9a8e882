#include "api/request/syntax.h"

#include "api/request/body.h"

/* What jansson takes exception to though it may be JSON; of the rest it is true that it is none. Only the code tells: the
 * text quotes the body, and may say anything. */
static const struct {
    enum json_error_code code;
    const char *fault;
} faults[] = {
    {json_error_invalid_utf8, "the body is not UTF-8"},
    {json_error_null_character, "a text of the body holds NUL (\\u0000), which cannot be stored; leave it out"},
    {json_error_null_byte_in_key, "a key in the body holds NUL (\\u0000), which cannot be stored; leave it out"},
    {json_error_duplicate_key, "an object of the body has a key twice; give it once"},
    {json_error_numeric_overflow, "a number of the body is out of range: integers have 64 bits, others are less than 1.8e308"},
    {json_error_stack_overflow, "the body is nested too deep"},
};

static const char *fault_of(const json_error_t *at)
{
    for (size_t i = 0; i < ARRAY_LEN(faults); i++)
        if (json_error_code(at) == faults[i].code)
            return faults[i].fault;
    /* The one fault that has no code of its own; jansson's words come first, the quotation after them. */
    if (str_starts_with(str_of(at->text), STR("invalid Unicode ")))
        return "a text of the body has half a surrogate pair (\\ud800 to \\udfff)";
    return "the body must be a JSON object; it stops being JSON";
}

static bool is_one_of(char c, struct str set)
{
    return memchr(set.ptr, c, set.len) != NULL;
}

static bool is_of_token(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_one_of(c, STR("+-."));
}

/* What stands in the place of a number where jansson stopped, in it or at its end. */
static struct str token_at(struct str body, size_t place)
{
    size_t start = place, end = place;
    while (start > 0 && is_of_token(body.ptr[start - 1]))
        start--;
    while (end < body.len && is_of_token(body.ptr[end]))
        end++;
    return (struct str){body.ptr + start, end - start};
}

/* As some languages write what JSON has no number for. */
static bool is_no_number(struct str token)
{
    static const struct str names[] = {{"nan", 3}, {"inf", 3}, {"infinity", 8}};
    if (token.len > 0 && is_one_of(token.ptr[0], STR("+-")))
        token = (struct str){token.ptr + 1, token.len - 1};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_equal_nocase(token, names[i]))
            return true;
    return false;
}

/* Takes c off the end, and the space around it. */
static bool take_last(struct str *s, char c)
{
    if (s->len == 0 || s->ptr[s->len - 1] != c)
        return false;
    *s = str_trim((struct str){s->ptr, s->len - 1});
    return true;
}

/* Whether before ends in "embedding":[ and numbers. It is JSON, or jansson would have stopped in it. */
static bool is_in_embedding(struct str before)
{
    const struct str key = STR("\"embedding\"");
    while (before.len > 0 && is_one_of(before.ptr[before.len - 1], STR("0123456789+-.eE, \t\r\n")))
        before.len--;
    if (!take_last(&before, '[') || !take_last(&before, ':') || before.len <= key.len)
        return false;
    const char *const start = before.ptr + before.len - key.len;
    return memcmp(start, key.ptr, key.len) == 0 && start[-1] != '\\';
}

static bool is_about_an_embedding(struct str body, const json_error_t *at)
{
    if (at->position < 0 || (size_t)at->position > body.len)
        return false;
    const struct str token = token_at(body, (size_t)at->position);
    return (json_error_code(at) == json_error_numeric_overflow || is_no_number(token)) &&
           is_in_embedding((struct str){body.ptr, (size_t)(token.ptr - body.ptr)});
}

enum err api_syntax_err(struct str body, const json_error_t *at, struct err_info *e)
{
    /* A value that could not be allocated leaves no more trace than a NULL. */
    if (json_error_code(at) == json_error_out_of_memory || (at->line < 0 && at->text[0] == '\0'))
        return ERR_SET_NOMEM(e);
    if (is_about_an_embedding(body, at))
        return ERR_PARAM(e, "embedding", "embedding must be " API_EMBEDDING_FORM "; JSON has none else (line %d, column %d)",
                         at->line, at->column);
    return ERR_PARAM(e, "body", "%s (line %d, column %d)", fault_of(at), at->line, at->column);
}
