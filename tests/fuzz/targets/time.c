/* core/clock.c, api/request/values.c, api/request/window.c: a line with a time or a duration, then three with start, end and since
 * of a window. Times are those of timegm, durations those of exact arithmetic, a window begins before it ends. */
#include <ctype.h>
#include <stdlib.h>
#include <time.h>

#include "api/request/params.h"
#include "api/request/values.h"
#include "api/request/window.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/support/stub_db.h"

enum { ARENA_BYTES = 1 << 20, TEXT_MAX = 256, LEVEL_MAX = 24, SECONDS_PER_DAY = 86400 };

/* --- RFC 3339, once more */

static bool has_digits(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isdigit((unsigned char)text[i]))
            return false;
    return true;
}

static int number(const char *text, size_t n)
{
    int value = 0;
    for (size_t i = 0; i < n; i++)
        value = value * 10 + (text[i] - '0');
    return value;
}

/* The offset in seconds; false when text is neither Z nor one. */
static bool offset_of(const char *text, int *offset_s)
{
    *offset_s = 0;
    if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0)
        return true;
    if (strlen(text) != 6 || (text[0] != '+' && text[0] != '-') || !has_digits(text + 1, 2) || text[3] != ':' || !has_digits(text + 4, 2))
        return false;
    *offset_s = (number(text + 1, 2) * 60 + number(text + 4, 2)) * 60 * (text[0] == '-' ? -1 : 1);
    return number(text + 1, 2) <= 23 && number(text + 4, 2) <= 59;
}

/* Seconds since 1970 of "YYYY-MM-DDThh:mm:ss"; false for what is no date and time. */
static bool seconds_of(const char *text, int64_t *seconds, bool *is_leap)
{
    static const char form[] = "dddd-dd-ddTdd:dd:dd";
    for (size_t i = 0; i < sizeof form - 1; i++)
        if (form[i] == 'd' ? !isdigit((unsigned char)text[i])
                           : form[i] == 'T' ? text[i] == '\0' || strchr("Tt ", text[i]) == NULL : text[i] != form[i])
            return false;
    struct tm tm = {.tm_year = number(text, 4) - 1900, .tm_mon = number(text + 5, 2) - 1, .tm_mday = number(text + 8, 2),
                    .tm_hour = number(text + 11, 2), .tm_min = number(text + 14, 2), .tm_sec = number(text + 17, 2)};
    const struct tm sent = tm;
    *is_leap = sent.tm_sec == 60;
    if (sent.tm_hour > 23 || sent.tm_min > 59 || sent.tm_sec > 60)
        return false;
    tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
    *seconds = timegm(&tm) + sent.tm_hour * 3600 + sent.tm_min * 60 + sent.tm_sec;
    return tm.tm_mon == sent.tm_mon && tm.tm_mday == sent.tm_mday && sent.tm_mon >= 0 && sent.tm_mday > 0;
}

static bool rfc3339(struct str text, int64_t *out)
{
    char copy[TEXT_MAX] = "";
    int64_t seconds = 0, fraction = 0;
    int offset_s = 0;
    bool is_leap = false;
    if (text.len < 20 || text.len >= sizeof copy || memchr(text.ptr, '\0', text.len) != NULL)
        return false;
    memcpy(copy, text.ptr, text.len);
    if (!seconds_of(copy, &seconds, &is_leap))
        return false;
    const char *rest = copy + 19;
    if (*rest == '.') {
        size_t n = 0;
        for (rest++; n < 9 && isdigit((unsigned char)rest[n]); n++)
            fraction = fraction * 10 + (rest[n] - '0');
        rest += n;
        for (size_t i = n; i < 9; i++)
            fraction *= 10;
        if (n == 0)
            return false;
    }
    if (!offset_of(rest, &offset_s) || (is_leap && (seconds - offset_s) % SECONDS_PER_DAY != 0))
        return false;
    const __int128 ns = (__int128)(seconds - offset_s) * NS_PER_S + fraction;
    *out = (int64_t)ns;
    return ns >= INT64_MIN && ns <= INT64_MAX;
}

static void check_rfc3339(struct str text)
{
    int64_t have = 0, want = 0, back = 0;
    const bool is_one = clock_parse_rfc3339(text, &have);
    FUZZ_CHECK(is_one == rfc3339(text, &want), "'%.*s' is%s a time", STR_ARG(text), is_one ? "" : " not");
    if (!is_one)
        return;
    FUZZ_CHECK(have == want, "'%.*s' is %lld, not %lld", STR_ARG(text), (long long)have, (long long)want);
    AUTO(buf) struct buf again;
    buf_init(&again, CLOCK_RFC3339_MAX);
    clock_put_rfc3339(&again, have);
    FUZZ_CHECK(clock_parse_rfc3339(buf_str(&again), &back) && back == have, "%.*s", STR_ARG(buf_str(&again)));
}

/* --- durations, once more */

static int64_t unit_of(const char **at)
{
    static const struct {
        const char *name;
        int64_t ns;
    } units[] = {{"ns", 1}, {"us", 1000}, {"\xc2\xb5s", 1000}, {"\xce\xbcs", 1000}, {"ms", 1000000},
                 {"s", NS_PER_S}, {"m", 60 * NS_PER_S}, {"h", 3600 * NS_PER_S}, {"d", NS_PER_DAY}};
    size_t n = 0;
    while ((*at)[n] != '\0' && !isdigit((unsigned char)(*at)[n]) && (*at)[n] != '.')
        n++;
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (strlen(units[i].name) == n && memcmp(units[i].name, *at, n) == 0) {
            *at += n;
            return units[i].ns;
        }
    return 0;
}

/* Adds one number with its unit; false when there is none. */
static bool add_part(const char **at, long double *total)
{
    char digits[TEXT_MAX];
    size_t n = 0, n_digits = 0;
    for (; isdigit((unsigned char)(*at)[n]) || (*at)[n] == '.'; n++) {
        if ((*at)[n] == '.' && memchr(digits, '.', n) != NULL)
            break;
        n_digits += (*at)[n] != '.';
        digits[n] = (*at)[n];
    }
    digits[n] = '\0';
    *at += n;
    const int64_t unit = n_digits == 0 ? 0 : unit_of(at);
    *total += strtold(digits, NULL) * (long double)unit;
    return unit != 0;
}

static bool duration(struct str text, long double *out)
{
    char copy[TEXT_MAX] = "";
    memcpy(copy, text.ptr, text.len);
    const char *at = copy;
    *out = 0;
    if (strcmp(copy, "0") == 0)
        return true;
    while (*at != '\0')
        if (!add_part(&at, out))
            return false;
    return text.len > 0;
}

/* A nanosecond of each part may be cut; beyond 2^63 it is refused. */
static void check_duration(struct str text)
{
    int64_t have = 0;
    long double want = 0;
    if (text.len >= TEXT_MAX || (text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL))
        return;
    const bool is_one = clock_parse_duration(text, &have), is_wanted = duration(text, &want);
    FUZZ_CHECK(!is_one || is_wanted, "'%.*s' is taken for a duration", STR_ARG(text));
    FUZZ_CHECK(is_one || !is_wanted || want > 9.2e18L, "'%.*s' is a duration", STR_ARG(text));
    if (is_one)
        FUZZ_CHECK(have >= 0 && want - (long double)have > -2 && want - (long double)have < TEXT_MAX,
                   "'%.*s' is %lld, not %Lf", STR_ARG(text), (long long)have, want);
}

static void check_time(struct str text)
{
    int64_t time_ns = 0, rfc_ns = 0, level = 0;
    const bool is_one = api_time_parse(text, FUZZ_NOW_NS, &time_ns);
    if (clock_parse_rfc3339(text, &rfc_ns))
        FUZZ_CHECK(is_one && time_ns == rfc_ns, "'%.*s' is two times", STR_ARG(text));
    if (api_level_parse(text, &level))
        FUZZ_CHECK(level >= 1 && level <= LEVEL_MAX, "'%.*s' is level %lld", STR_ARG(text), (long long)level);
}

/* --- windows */

static const struct api_param_spec window_params[] = {API_PARAMS_WINDOW, {0}};

static void check_window(struct fuzz_input *in)
{
    AUTO(arena) struct arena arena;
    arena_init(&arena, ARENA_BYTES);
    struct api_params params = {.specs = window_params};
    const struct api_req req = {.world = stub_world(), .params = &params, .arena = &arena};
    struct api_window window;
    for (size_t i = 0; window_params[i].name != NULL; i++) {
        const struct str text = fuzz_line(in);
        if (text.len > 0 && api_params_put(&params, str_of(window_params[i].name), text, FUZZ_NOW_NS, &arena, NULL) != OK)
            return;
    }
    const bool is_both = params.values[0].is_given && params.values[2].is_given;
    static const int64_t defaults[] = {API_WINDOW_DAY, API_WINDOW_ALL};
    for (size_t i = 0; i < ARRAY_LEN(defaults); i++) {
        struct err_info e = {0};
        if (api_window_read(&req, defaults[i], &window, &e) != OK) {
            FUZZ_CHECK(e.code == ERR_INVALID, "%s", e.message);
            continue;
        }
        FUZZ_CHECK(!is_both && window.range.start_ns <= window.range.end_ns, "a window ends before it begins");
        FUZZ_CHECK(!params.values[1].is_given || window.range.end_ns == params.values[1].number, "the end is another");
        FUZZ_CHECK(!params.values[0].is_given || window.range.start_ns == params.values[0].number, "the start is another");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = fuzz_input_of(data, size);
    const struct str text = fuzz_line(&in);
    check_rfc3339(text);
    check_duration(text);
    check_time(text);
    check_window(&in);
    return 0;
}
