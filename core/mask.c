#include "core/mask.h"

#include "core/token.h"

/* The head of a log line, element by element. */

static size_t match_level(struct str s)
{
    static const char *const LEVELS[] = {"TRACE",   "DEBUG", "INFO",  "NOTICE",  "WARN",
                                         "WARNING", "ERROR", "FATAL", "CRITICAL"};
    const size_t bracket = token_has(s, 0, '[') ? 1 : 0;
    const size_t len = token_run(s, bracket, 9, token_is_word);
    for (size_t i = 0; i < ARRAY_LEN(LEVELS); i++)
        if (str_equal((struct str){s.ptr + bracket, len}, str_of(LEVELS[i])))
            return bracket + len + (token_has(s, bracket + len, ']') ? 1 : 0);
    return 0;
}

static bool is_logger(char c)
{
    return token_is_word(c) || c == '.' || c == '_' || c == '$';
}

/* "t.c.Travel2Controller#115", or a name set off by " - " or " : ": else it may be the message. */
static size_t match_logger(struct str s)
{
    const size_t name = token_run(s, 0, s.len, is_logger);
    const size_t line = token_has(s, name, '#') ? token_run(s, name + 1, s.len, token_is_digit) : 0;
    if (name > 0 && line > 0)
        return name + 1 + line;
    const size_t mark = name + token_run(s, name, s.len, token_is_space);
    return name > 0 && mark > name && token_has_any(s, mark, "-:") && token_has(s, mark + 1, ' ') ? mark + 1 : 0;
}

/* "[main]" before a level or a logger. */
static size_t match_thread(struct str s)
{
    if (!token_has(s, 0, '['))
        return 0;
    const char *close = memchr(s.ptr, ']', s.len);
    if (close == NULL)
        return 0;
    const size_t len = (size_t)(close - s.ptr) + 1;
    const struct str next = token_tail(s, len + token_run(s, len, s.len, token_is_space));
    return match_level(next) > 0 || match_logger(next) > 0 ? len : 0;
}

static size_t match_bracketed_time(struct str s)
{
    const size_t bracket = token_has(s, 0, '[') ? 1 : 0;
    const size_t time = token_time(token_tail(s, bracket));
    return time == 0 ? 0 : bracket + time + (bracket == 1 && token_has(s, 1 + time, ']') ? 1 : 0);
}

/* "1 ---", as Spring Boot writes its process id. */
static size_t match_process(struct str s)
{
    const size_t digits = token_run(s, 0, 8, token_is_digit);
    return digits > 0 && str_starts_with(token_tail(s, digits), STR(" --- ")) ? digits + 4 : 0;
}

/* Each element once, in any order; a head has a time, else what looks like one belongs to the message. */
static size_t match_head(struct str s)
{
    static size_t (*const ELEMENTS[])(struct str) = {match_bracketed_time, match_level, match_process, match_thread,
                                                     match_logger};
    bool is_seen[ARRAY_LEN(ELEMENTS)] = {false};
    size_t at = 0;
    for (size_t i = 0; i < ARRAY_LEN(ELEMENTS);) {
        const size_t len = is_seen[i] ? 0 : ELEMENTS[i](token_tail(s, at));
        is_seen[i] |= len > 0;
        at += len + (len > 0 ? token_run(s, at + len, s.len, token_is_space) : 0);
        i = len > 0 ? 0 : i + 1;
    }
    return is_seen[0] ? at : 0;
}

struct scan {
    struct buf *out;
    struct str rest;
    bool is_space_due; /* before the next thing put */
    bool is_in_word;   /* the last byte taken was part of a word */
    bool is_started;   /* something was put */
    char quote;        /* the open quote, or 0 */
};

static void scan_put(struct scan *scan, struct str text)
{
    if (text.len == 0)
        return;
    if (scan->is_space_due && scan->is_started)
        buf_putc(scan->out, ' ');
    scan->is_space_due = false;
    scan->is_started = true;
    buf_puts(scan->out, text);
}

static void scan_advance(struct scan *scan, size_t n)
{
    if (n > 0)
        scan->is_in_word = token_is_word(scan->rest.ptr[n - 1]);
    scan->rest = token_tail(scan->rest, n);
}

static bool scan_placeholder(struct scan *scan)
{
    static const struct {
        size_t (*match)(struct str);
        const char *placeholder;
    } MATCHERS[] = {
        {token_correlation, ""}, {token_uuid, "<id>"}, {token_time, "<time>"}, {token_ipv4, "<ip>"},
        {token_ipv6, "<ip>"},    {token_hex, "<id>"},  {token_base64, "<id>"}, {token_number, "<n>"},
    };
    for (size_t i = 0; i < ARRAY_LEN(MATCHERS); i++) {
        const size_t len = MATCHERS[i].match(scan->rest);
        if (len == 0)
            continue;
        scan_put(scan, str_of(MATCHERS[i].placeholder));
        scan_advance(scan, len);
        return true;
    }
    return false;
}

/* An apostrophe within a word opens nothing. */
static void scan_quote(struct scan *scan, char c)
{
    if (scan->quote == c)
        scan->quote = 0;
    else if (scan->quote == 0 && !scan->is_in_word && (c == '"' || c == '\'' || c == '`'))
        scan->quote = c;
}

static void scan_word(struct scan *scan)
{
    const size_t len = token_run(scan->rest, 0, scan->rest.len, token_is_word);
    const bool is_id = token_word_with_digits(scan->rest, scan->quote == 0 ? 2 : 1) > 0;
    scan_put(scan, is_id ? STR("<id>") : (struct str){scan->rest.ptr, len});
    scan_advance(scan, len);
}

static void scan_step(struct scan *scan)
{
    const char c = scan->rest.ptr[0];
    if (token_is_space(c)) {
        scan->is_space_due = true;
        scan_advance(scan, 1);
    } else if (!scan->is_in_word && scan_placeholder(scan)) {
        return;
    } else if (token_is_word(c)) {
        scan_word(scan);
    } else {
        scan_quote(scan, c);
        scan_put(scan, (struct str){scan->rest.ptr, 1});
        scan_advance(scan, 1);
    }
}

void mask_put(struct buf *out, struct str text)
{
    const struct str trimmed = str_trim(text);
    struct scan scan = {.out = out, .rest = trimmed};
    if (trimmed.len > 0)
        scan.rest = token_tail(trimmed, match_head(trimmed));
    while (scan.rest.len > 0)
        scan_step(&scan);
}

size_t mask_placeholder_at(struct str masked)
{
    static const char *const PLACEHOLDERS[] = {"<n>", "<id>", "<ip>", "<time>"};
    for (size_t i = 0; i < ARRAY_LEN(PLACEHOLDERS); i++)
        if (str_starts_with(masked, str_of(PLACEHOLDERS[i])))
            return strlen(PLACEHOLDERS[i]);
    return 0;
}
