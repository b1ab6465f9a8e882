#include "core/mask.h"

enum { HEX_RUN_MIN = 8, HEX_LETTERS_MIN = 16, UUID_LEN = 36, CORRELATION_ID_MIN = 8 };
/* Bounds that keep the whole linear: a longer address or number is no such thing. */
enum { IPV6_MAX = 39, NUMBER_PARTS_MAX = 8 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Every byte of a multi-byte UTF-8 character counts as a letter. */
static bool is_word(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || ((unsigned char)c & 0x80) != 0;
}

/* How many leading bytes, at most max, a predicate holds for. */
static size_t run(struct str s, size_t from, size_t max, bool (*holds)(char))
{
    size_t n = 0;
    while (n < max && from + n < s.len && holds(s.ptr[from + n]))
        n++;
    return n;
}

static bool has(struct str s, size_t at, char c)
{
    return at < s.len && s.ptr[at] == c;
}

static bool has_any(struct str s, size_t at, const char *chars)
{
    return at < s.len && s.ptr[at] != '\0' && strchr(chars, s.ptr[at]) != NULL;
}

static struct str tail(struct str s, size_t from)
{
    return (struct str){s.ptr + from, s.len - from};
}

/* A matcher returns the length of what it knows at the start of s, or 0. */

static size_t match_uuid(struct str s)
{
    if (s.len < UUID_LEN)
        return 0;
    for (size_t i = 0; i < UUID_LEN; i++) {
        const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_dash ? s.ptr[i] != '-' : !is_hex(s.ptr[i]))
            return 0;
    }
    return run(s, UUID_LEN, 1, is_word) == 0 ? UUID_LEN : 0;
}

static size_t match_date(struct str s)
{
    const size_t first = run(s, 0, 5, is_digit);
    if (first == 0 || first == 3 || first > 4 || !has_any(s, first, first == 4 ? "-/" : "/"))
        return 0;
    const char separator = s.ptr[first];
    const size_t second = run(s, first + 1, 3, is_digit);
    const size_t third_at = first + 1 + second + 1;
    if (second == 0 || second > 2 || !has(s, third_at - 1, separator))
        return 0;
    const size_t third = run(s, third_at, 5, is_digit);
    const bool is_date = first == 4 ? third >= 1 && third <= 2 : third == 4;
    return is_date ? third_at + third : 0;
}

static size_t match_zone(struct str s)
{
    if (has_any(s, 0, "Zz") && run(s, 1, 1, is_word) == 0)
        return 1;
    const size_t sign = has(s, 0, ' ') ? 1 : 0;
    if (!has_any(s, sign, "+-") || run(s, sign + 1, 2, is_digit) != 2)
        return 0;
    const size_t minute = sign + 3 + (has(s, sign + 3, ':') ? 1 : 0);
    return run(s, minute, 3, is_digit) == 2 ? minute + 2 : 0;
}

/* Without seconds, "12:34" is as likely a line and a column: it counts only after a date. */
static size_t match_clock(struct str s, bool needs_seconds)
{
    const size_t hour = run(s, 0, 3, is_digit);
    if (hour == 0 || hour > 2 || !has(s, hour, ':') || run(s, hour + 1, 3, is_digit) != 2)
        return 0;
    size_t at = hour + 3;
    if (has(s, at, ':') && run(s, at + 1, 3, is_digit) == 2)
        at += 3;
    else if (needs_seconds)
        return 0;
    if (has_any(s, at, ".,") && run(s, at + 1, 1, is_digit) == 1)
        at += 1 + run(s, at + 1, s.len, is_digit);
    return at + match_zone(tail(s, at));
}

static size_t match_time(struct str s)
{
    size_t at = match_date(s);
    if (at == 0)
        at = match_clock(s, true);
    else if (has_any(s, at, "Tt _")) {
        const size_t clock = match_clock(tail(s, at + 1), false);
        at += clock == 0 ? 0 : clock + 1;
    }
    return run(s, at, 1, is_word) == 0 ? at : 0;
}

static size_t match_ipv4(struct str s)
{
    size_t at = 0;
    for (int i = 0; i < 4; i++) {
        if (i > 0 && !has(s, at++, '.'))
            return 0;
        const size_t digits = run(s, at, 4, is_digit);
        if (digits == 0 || digits > 3)
            return 0;
        at += digits;
    }
    if (run(s, at, 1, is_word) == 1 || (has(s, at, '.') && run(s, at + 1, 1, is_digit) == 1))
        return 0;
    const size_t port = has_any(s, at, ":/") ? run(s, at + 1, 6, is_digit) : 0;
    return port > 0 && port <= 5 ? at + 1 + port : at;
}

static bool is_hex_or_colon(char c)
{
    return is_hex(c) || c == ':';
}

/* IPv6, and hardware addresses: eight or six groups, or fewer around one "::". */
static size_t match_ipv6(struct str s)
{
    const size_t len = run(s, 0, IPV6_MAX + 1, is_hex_or_colon);
    size_t n_groups = 0;
    size_t n_gaps = 0;
    size_t n_digits = 0;
    for (size_t i = 0; i < len; i++) {
        n_digits += is_digit(s.ptr[i]);
        n_groups += s.ptr[i] != ':' && (i == 0 || s.ptr[i - 1] == ':');
        n_gaps += s.ptr[i] == ':' && i > 0 && s.ptr[i - 1] == ':';
        if (run(s, i, 5, is_hex) == 5)
            return 0;
    }
    const bool is_address = n_gaps == 1 ? n_groups >= 1 && n_groups < 8 : n_gaps == 0 && (n_groups == 8 || n_groups == 6);
    return is_address && n_digits > 0 && run(s, len, 1, is_word) == 0 ? len : 0;
}

static size_t match_hex(struct str s)
{
    const size_t len = run(s, 0, s.len, is_word);
    const size_t n_digits = run(s, 0, len, is_digit);
    if (len < HEX_RUN_MIN || n_digits == len || run(s, 0, len, is_hex) != len)
        return 0;
    for (size_t i = 0; i < len; i++)
        if (is_digit(s.ptr[i]))
            return len;
    return len >= HEX_LETTERS_MIN ? len : 0;
}

static bool is_unit(struct str word)
{
    static const char *const UNITS[] = {"ns", "us", "ms", "s",  "m",  "h",   "d",   "min", "sec",
                                        "b",  "k",  "kb", "mb", "gb", "kib", "mib", "gib"};
    for (size_t i = 0; i < ARRAY_LEN(UNITS); i++)
        if (str_equal_nocase(word, str_of(UNITS[i])))
            return true;
    return false;
}

/* Digits with fractions, version parts or thousands, and an exponent; a unit is left for the next word. */
static size_t match_number(struct str s)
{
    const size_t sign = has_any(s, 0, "+-") ? 1 : 0;
    size_t at = sign + run(s, sign, s.len, is_digit);
    if (at == sign)
        return 0;
    for (int i = 0; i < NUMBER_PARTS_MAX && has_any(s, at, ".,"); i++) {
        const size_t digits = run(s, at + 1, s.len, is_digit);
        if (digits == 0 || (s.ptr[at] == ',' && digits != 3))
            break;
        at += 1 + digits;
    }
    if (has_any(s, at, "eE")) {
        const size_t exponent = at + 1 + (has_any(s, at + 1, "+-") ? 1 : 0);
        const size_t digits = run(s, exponent, 4, is_digit);
        at = digits > 0 && digits < 4 ? exponent + digits : at;
    }
    const size_t word = run(s, at, s.len, is_word);
    return word == 0 || is_unit((struct str){s.ptr + at, word}) ? at : 0;
}

static size_t match_digits_in_word(struct str s, size_t n_digits_min)
{
    const size_t len = run(s, 0, s.len, is_word);
    size_t n_digits = 0;
    for (size_t i = 0; i < len; i++)
        n_digits += is_digit(s.ptr[i]);
    return n_digits >= n_digits_min || (len > 0 && is_digit(s.ptr[0])) ? len : 0;
}

static size_t match_mixed(struct str s)
{
    return match_digits_in_word(s, 2);
}

/* "TraceID: 6f3c..." in its usual spellings, with the space after it. */
static size_t match_correlation(struct str s)
{
    static const char *const NAMES[] = {"trace", "span"};
    size_t at = 0;
    for (size_t i = 0; i < ARRAY_LEN(NAMES) && at == 0; i++) {
        const struct str name = str_of(NAMES[i]);
        if (s.len > name.len && str_equal_nocase((struct str){s.ptr, name.len}, name))
            at = name.len;
    }
    if (at == 0)
        return 0;
    at += has_any(s, at, "_- .") ? 1 : 0;
    if (s.len - at < 2 || !str_equal_nocase((struct str){s.ptr + at, 2}, STR("id")))
        return 0;
    at += 2;
    while (has_any(s, at, ":= \""))
        at++;
    const size_t digits = run(s, at, s.len, is_hex);
    if (digits < CORRELATION_ID_MIN || run(s, at + digits, 1, is_word) == 1)
        return 0;
    at += digits;
    at += has(s, at, '"') ? 1 : 0;
    return at + run(s, at, s.len, is_space);
}

/* The head of a log line, element by element. */

static size_t match_level(struct str s)
{
    static const char *const LEVELS[] = {"TRACE", "DEBUG", "INFO", "NOTICE", "WARN", "WARNING", "ERROR", "FATAL", "CRITICAL"};
    const size_t bracket = has(s, 0, '[') ? 1 : 0;
    const size_t len = run(s, bracket, 9, is_word);
    for (size_t i = 0; i < ARRAY_LEN(LEVELS); i++)
        if (str_equal((struct str){s.ptr + bracket, len}, str_of(LEVELS[i])))
            return bracket + len + (has(s, bracket + len, ']') ? 1 : 0);
    return 0;
}

static bool is_logger(char c)
{
    return is_word(c) || c == '.' || c == '_' || c == '$';
}

/* "t.c.Travel2Controller#115", or a name set off by " - " or " : ": else it may be the message. */
static size_t match_logger(struct str s)
{
    const size_t name = run(s, 0, s.len, is_logger);
    const size_t line = has(s, name, '#') ? run(s, name + 1, s.len, is_digit) : 0;
    if (name > 0 && line > 0)
        return name + 1 + line;
    const size_t mark = name + run(s, name, s.len, is_space);
    return name > 0 && mark > name && has_any(s, mark, "-:") && has(s, mark + 1, ' ') ? mark + 1 : 0;
}

/* "[main]" before a level or a logger. */
static size_t match_thread(struct str s)
{
    if (!has(s, 0, '['))
        return 0;
    const char *close = memchr(s.ptr, ']', s.len);
    if (close == NULL)
        return 0;
    const size_t len = (size_t)(close - s.ptr) + 1;
    const struct str next = tail(s, len + run(s, len, s.len, is_space));
    return match_level(next) > 0 || match_logger(next) > 0 ? len : 0;
}

static size_t match_bracketed_time(struct str s)
{
    const size_t bracket = has(s, 0, '[') ? 1 : 0;
    const size_t time = match_time(tail(s, bracket));
    return time == 0 ? 0 : bracket + time + (bracket == 1 && has(s, 1 + time, ']') ? 1 : 0);
}

/* "1 ---", as Spring Boot writes its process id. */
static size_t match_process(struct str s)
{
    const size_t digits = run(s, 0, 8, is_digit);
    return digits > 0 && str_starts_with(tail(s, digits), STR(" --- ")) ? digits + 4 : 0;
}

/* Each element once, in any order; a head has a time, else what looks like one belongs to the message. */
static size_t match_head(struct str s)
{
    static size_t (*const ELEMENTS[])(struct str) = {match_bracketed_time, match_level, match_process, match_thread,
                                                     match_logger};
    bool is_seen[ARRAY_LEN(ELEMENTS)] = {false};
    size_t at = 0;
    for (size_t i = 0; i < ARRAY_LEN(ELEMENTS);) {
        const size_t len = is_seen[i] ? 0 : ELEMENTS[i](tail(s, at));
        is_seen[i] |= len > 0;
        at += len + (len > 0 ? run(s, at + len, s.len, is_space) : 0);
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
        scan->is_in_word = is_word(scan->rest.ptr[n - 1]);
    scan->rest = tail(scan->rest, n);
}

static bool scan_placeholder(struct scan *scan)
{
    static const struct {
        size_t (*match)(struct str);
        const char *placeholder;
    } MATCHERS[] = {
        {match_correlation, ""}, {match_uuid, "<id>"}, {match_time, "<time>"},  {match_ipv4, "<ip>"},
        {match_ipv6, "<ip>"},    {match_hex, "<id>"},  {match_number, "<n>"}, {match_mixed, "<id>"},
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
    const size_t len = run(scan->rest, 0, scan->rest.len, is_word);
    const bool is_id = scan->quote != 0 && match_digits_in_word(scan->rest, 1) > 0;
    scan_put(scan, is_id ? STR("<id>") : (struct str){scan->rest.ptr, len});
    scan_advance(scan, len);
}

static void scan_step(struct scan *scan)
{
    const char c = scan->rest.ptr[0];
    if (is_space(c)) {
        scan->is_space_due = true;
        scan_advance(scan, 1);
    } else if (!scan->is_in_word && scan_placeholder(scan)) {
        return;
    } else if (is_word(c)) {
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
        scan.rest = tail(trimmed, match_head(trimmed));
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
