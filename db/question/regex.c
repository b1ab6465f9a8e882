#include "db/question/regex.h"

#include "core/buf.h"

/* Literal characters in a row, as read so far. */
struct reader {
    struct grams *grams; /* NULL: only to see whether the expression can be read to its end */
    struct str rest;
    struct buf literals;
};

static void reader_auto(struct reader *r)
{
    buf_close(&r->literals);
}

static bool has(const struct reader *r, const char *chars)
{
    return r->rest.len > 0 && r->rest.ptr[0] != '\0' && strchr(chars, r->rest.ptr[0]) != NULL;
}

static void skip(struct reader *r, size_t n)
{
    r->rest = n < r->rest.len ? (struct str){r->rest.ptr + n, r->rest.len - n} : (struct str){"", 0};
}

static void end_literals(struct reader *r)
{
    if (r->grams != NULL && buf_is_ok(&r->literals))
        grams_add_part(r->grams, buf_str(&r->literals), false, false);
    buf_clear(&r->literals);
}

/* From '[' to its ']', which stands for itself at the beginning; a class, [:alpha:], has one of its own. */
static bool skip_bracket(struct reader *r)
{
    skip(r, 1);
    if (has(r, "^"))
        skip(r, 1);
    if (has(r, "]"))
        skip(r, 1);
    while (r->rest.len > 0 && !has(r, "]")) {
        if (has(r, "[\\")) /* a class, or an escape: seldom, and not worth a doubt */
            return false;
        skip(r, 1);
    }
    skip(r, 1);
    return true;
}

/* From a '(' to its ')': what is within may not occur, or in one of several ways. */
static bool skip_group(struct reader *r)
{
    size_t depth = 0;
    do {
        if (has(r, "[")) {
            if (!skip_bracket(r))
                return false;
            continue;
        }
        depth += has(r, "(");
        depth -= has(r, ")");
        skip(r, has(r, "\\") ? 2 : 1);
    } while (depth > 0 && r->rest.len > 0);
    return depth == 0;
}

/* Those that stand for one character or a place; others have parameters, which are not literals. */
static bool is_plain_escape(char c)
{
    return c != '\0' && strchr("dwsDWSmMyYAZntr", c) != NULL;
}

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* From a backslash. */
static bool read_escape(struct reader *r)
{
    if (r->rest.len < 2)
        return false;
    const char c = r->rest.ptr[1];
    if (is_alphanumeric(c) && !is_plain_escape(c))
        return false;
    if (is_alphanumeric(c))
        end_literals(r);
    else
        buf_putc(&r->literals, c);
    skip(r, 2);
    return true;
}

/* The character before '*', '?' or a bound may be left out, or come more than once. */
static bool read_quantifier(struct reader *r)
{
    if (r->literals.len > 0)
        r->literals.len--;
    end_literals(r);
    if (!has(r, "{")) {
        skip(r, 1);
        return true;
    }
    while (r->rest.len > 0 && !has(r, "}"))
        skip(r, 1);
    skip(r, 1);
    return true;
}

/* Reads one thing; false when it is not plain what must occur. */
static bool read_one(struct reader *r)
{
    if (has(r, "\\"))
        return read_escape(r);
    if (has(r, "*?{"))
        return read_quantifier(r);
    if (has(r, "[.(+^$")) {
        end_literals(r);
        if (has(r, "["))
            return skip_bracket(r);
        if (has(r, "("))
            return skip_group(r);
        skip(r, 1);
        return true;
    }
    if (has(r, "|)"))
        return false;
    buf_putc(&r->literals, r->rest.ptr[0]);
    skip(r, 1);
    return true;
}

static bool read_all(struct grams *g, struct str regex)
{
    AUTO(reader) struct reader r = {.grams = g, .rest = regex};
    buf_init(&r.literals, regex.len);
    while (r.rest.len > 0)
        if (!read_one(&r))
            return false;
    end_literals(&r);
    return true;
}

/* Directors (***) and options (?i) at the beginning change what all the rest means. */
void db_regex_want(struct grams *g, struct str regex)
{
    if (str_starts_with(regex, STR("***")) || str_starts_with(regex, STR("(?")))
        return;
    if (read_all(NULL, regex))
        (void)read_all(g, regex);
}
