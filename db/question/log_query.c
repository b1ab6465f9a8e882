#include "db/question/log_query.h"

#include "core/buf.h"
#include "db/question/like.h"

#define Q_FORMS                                                                       \
    "q takes words, \"phrases in quotes\", prefix* and each of them excluded by a '-', " \
    "such as: timeout \"connection refused\" -retry"

/* One condition as it was written. */
struct term {
    bool is_excluded, is_phrase, is_prefix;
    struct str text; /* without quotes, '-' and '*' */
};

/* Not between two characters of a word. Whether one beyond ASCII belongs to words is for PostgreSQL to say, by the locale:
 * beside one that does not, \m and \M never match. Constraints of one character cost no more than those do. */
#define EDGE "(?:(?<!\\w)|(?!\\w))"

static bool is_beyond_ascii(char c)
{
    return (unsigned char)c >= 0x80;
}

/* What PostgreSQL takes for part of a word in every locale. */
static bool is_word_byte(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Appends the boundary that belongs beside the byte: \m or \M (word) beside one of a word, none beside other ASCII. */
static void put_boundary(struct buf *out, char beside, const char *word)
{
    if (is_beyond_ascii(beside))
        BUF_LITERAL(out, EDGE);
    else if (is_word_byte(beside))
        buf_puts(out, str_of(word));
}

/* The text as a regular expression. */
static struct str regex_of(const struct term *t, struct arena *arena)
{
    const struct str s = t->text;
    AUTO(buf) struct buf regex;
    buf_init(&regex, 2 * s.len + 2 * sizeof EDGE);
    if (!t->is_phrase)
        put_boundary(&regex, s.ptr[0], "\\m");
    for (size_t i = 0; i < s.len; i++) {
        if (!is_word_byte(s.ptr[i]) && !is_beyond_ascii(s.ptr[i]))
            buf_putc(&regex, '\\');
        buf_putc(&regex, s.ptr[i]);
    }
    if (!t->is_phrase && !t->is_prefix)
        put_boundary(&regex, s.ptr[s.len - 1], "\\M");
    return buf_is_ok(&regex) ? arena_copy(arena, buf_str(&regex)) : (struct str){NULL, 0};
}

/* Reads from after the opening quote to the closing one. */
static enum err read_phrase(struct str *rest, struct arena *arena, struct str *out, struct err_info *e)
{
    char *text = arena_alloc(arena, rest->len);
    if (text == NULL)
        return ERR_SET_NOMEM(e);
    size_t n = 0;
    size_t i = 0;
    for (; i < rest->len && rest->ptr[i] != '"'; i++) {
        if (rest->ptr[i] == '\\' && i + 1 < rest->len)
            i++;
        text[n++] = rest->ptr[i];
    }
    if (i == rest->len)
        return ERR_PARAM(e, "q", "q has a quote that is not closed; " Q_FORMS);
    *rest = (struct str){rest->ptr + i + 1, rest->len - i - 1};
    *out = (struct str){text, n};
    return OK;
}

static void read_word(struct str *rest, struct term *t)
{
    size_t n = 0;
    while (n < rest->len && !is_space(rest->ptr[n]))
        n++;
    t->text = (struct str){rest->ptr, n};
    *rest = (struct str){rest->ptr + n, rest->len - n};
    t->is_prefix = n > 0 && t->text.ptr[n - 1] == '*';
    if (t->is_prefix)
        t->text.len--;
}

/* rest is not empty and does not begin with a space. */
static enum err read_term(struct str *rest, struct arena *arena, struct term *t, struct err_info *e)
{
    *t = (struct term){.is_excluded = rest->ptr[0] == '-'};
    if (t->is_excluded)
        *rest = (struct str){rest->ptr + 1, rest->len - 1};
    t->is_phrase = rest->len > 0 && rest->ptr[0] == '"';
    if (t->is_phrase) {
        *rest = (struct str){rest->ptr + 1, rest->len - 1};
        TRY(read_phrase(rest, arena, &t->text, e));
    } else {
        read_word(rest, t);
    }
    if (t->text.len == 0)
        return ERR_PARAM(e, "q", "q has a '-', '*' or pair of quotes with nothing to look for; " Q_FORMS);
    return OK;
}

/* Where the part stands beside the edge of a word; between any other character and the rest there is one anyway. */
static struct db_log_text text_of(const struct term *t)
{
    return (struct db_log_text){t->text, .begins = !t->is_phrase && is_word_byte(t->text.ptr[0]),
                                .ends = !t->is_phrase && !t->is_prefix && is_word_byte(t->text.ptr[t->text.len - 1])};
}

static bool add_term(struct db_log_query *q, const struct term *t, struct arena *arena)
{
    struct str regex = {"", 0};
    if (t->is_excluded || !t->is_phrase) {
        regex = regex_of(t, arena);
        if (regex.ptr == NULL)
            return false;
    }
    if (t->is_excluded) {
        q->excluded[q->n_excluded++] = regex;
        return true;
    }
    if (!t->is_phrase)
        q->regexes[q->n_regexes++] = regex;
    const struct str part = db_like_contains(t->text, arena);
    q->texts[q->n_parts] = text_of(t);
    q->parts[q->n_parts++] = part;
    return part.ptr != NULL;
}

enum err db_log_query_parse(struct str q, struct arena *arena, struct db_log_query *out, struct err_info *e)
{
    struct db_log_query query = {.n_parts = 0};
    struct str rest = str_trim(q);
    if (rest.len == 0)
        return ERR_PARAM(e, "q", "q is empty; " Q_FORMS);
    for (; rest.len > 0; rest = str_trim(rest)) {
        struct term t;
        TRY(read_term(&rest, arena, &t, e));
        if (query.n_parts + query.n_excluded == DB_LOG_QUERY_TERMS_MAX)
            return ERR_PARAM(e, "q", "q has more than %d words and phrases; leave some out", DB_LOG_QUERY_TERMS_MAX);
        if (!add_term(&query, &t, arena))
            return ERR_SET_NOMEM(e);
    }
    *out = query;
    return OK;
}
