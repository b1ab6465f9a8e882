#include "core/clock.h"

#include <limits.h>
#include <time.h>

enum { SECONDS_PER_DAY = 86400, FRACTION_DIGITS_MAX = 18 };

struct date {
    int64_t year;
    int64_t month; /* 1..12 */
    int64_t day;   /* 1..31 */
};

static int64_t read_ns(clockid_t id)
{
    struct timespec now = {0};
    (void)clock_gettime(id, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t clock_wall_ns(void)
{
    return read_ns(CLOCK_REALTIME);
}

int64_t clock_mono_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

int clock_left_ms(int64_t deadline_ns)
{
    const int64_t now_ns = clock_mono_ns();
    if (deadline_ns <= now_ns)
        return 0;
    const int64_t left_ns = deadline_ns - now_ns;
    const int64_t left_ms = left_ns / NS_PER_MS + (left_ns % NS_PER_MS != 0);
    return left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Years that begin in March put the leap day last, which makes months a straight line: (153 * m + 2) / 5 days lie before
 * month m. Eras of 400 years have 146,097 days; 1970-01-01 is day 719,468 of that calendar. */
static int64_t day_of_date(struct date d)
{
    const int64_t year = d.month <= 2 ? d.year - 1 : d.year;
    const int64_t era = floor_div(year, 400);
    const int64_t year_of_era = year - era * 400;
    const int64_t month = (d.month + 9) % 12;
    const int64_t day_of_year = (153 * month + 2) / 5 + d.day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static struct date date_of_day(int64_t day)
{
    const int64_t shifted = day + 719468;
    const int64_t era = floor_div(shifted, 146097);
    const int64_t day_of_era = shifted - era * 146097;
    const int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t month = (5 * day_of_year + 2) / 153;
    const int64_t first_months = month >= 10; /* January and February */
    return (struct date){.year = year_of_era + era * 400 + first_months,
                         .month = first_months ? month - 9 : month + 3,
                         .day = day_of_year - (153 * month + 2) / 5 + 1};
}

static int64_t days_in_month(int64_t year, int64_t month)
{
    const struct date next = month == 12 ? (struct date){year + 1, 1, 1} : (struct date){year, month + 1, 1};
    return day_of_date(next) - day_of_date((struct date){year, month, 1});
}

int64_t clock_day(int64_t wall_ns)
{
    return floor_div(wall_ns, NS_PER_DAY);
}

void clock_put_day(struct buf *b, int64_t day)
{
    const struct date d = date_of_day(day);
    buf_printf(b, "%04lld%02lld%02lld", (long long)d.year, (long long)d.month, (long long)d.day);
}

/* Writes value, which is of at most nine digits, in exactly width digits. */
static char *put_digits(char *out, int64_t value, size_t width)
{
    uint32_t rest = (uint32_t)value; /* divided twice as fast as 64 bits */
    for (size_t i = width; i > 0; i--, rest /= 10)
        out[i - 1] = (char)('0' + rest % 10);
    return out + width;
}

static char *put_fraction(char *out, int64_t fraction_ns)
{
    if (fraction_ns == 0)
        return out;
    *out++ = '.';
    if (fraction_ns % NS_PER_MS == 0)
        return put_digits(out, fraction_ns / NS_PER_MS, 3);
    if (fraction_ns % NS_PER_US == 0)
        return put_digits(out, fraction_ns / NS_PER_US, 6);
    return put_digits(out, fraction_ns, 9);
}

void clock_put_rfc3339(struct buf *b, int64_t wall_ns)
{
    const int64_t day = clock_day(wall_ns);
    const int64_t seconds = floor_div(wall_ns, NS_PER_S);
    const int64_t second_of_day = seconds - day * SECONDS_PER_DAY;
    const struct date d = date_of_day(day);
    const struct {
        int64_t value;
        size_t width;
        char after;
    } parts[] = {{d.year, 4, '-'},
                 {d.month, 2, '-'},
                 {d.day, 2, 'T'},
                 {second_of_day / 3600, 2, ':'},
                 {second_of_day / 60 % 60, 2, ':'},
                 {second_of_day % 60, 2, '\0'}};
    char text[CLOCK_RFC3339_MAX];
    char *out = text;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        out = put_digits(out, parts[i].value, parts[i].width);
        *out++ = parts[i].after;
    }
    /* Subtracting the whole seconds could overflow near INT64_MIN. */
    const int64_t remainder = wall_ns % NS_PER_S;
    out = put_fraction(out - 1, remainder < 0 ? remainder + NS_PER_S : remainder);
    *out++ = 'Z';
    buf_put(b, text, (size_t)(out - text));
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool take_char(struct str *text, const char *allowed)
{
    if (text->len == 0 || text->ptr[0] == '\0' || strchr(allowed, text->ptr[0]) == NULL)
        return false;
    *text = (struct str){text->ptr + 1, text->len - 1};
    return true;
}

/* Takes exactly width digits whose value is in min..max. */
static bool take_number(struct str *text, size_t width, int64_t min, int64_t max, int64_t *out)
{
    int64_t value = 0;
    if (text->len < width)
        return false;
    for (size_t i = 0; i < width; i++) {
        if (!is_digit(text->ptr[i]))
            return false;
        value = value * 10 + (text->ptr[i] - '0');
    }
    *text = (struct str){text->ptr + width, text->len - width};
    *out = value;
    return value >= min && value <= max;
}

static bool take_date(struct str *text, struct date *d)
{
    return take_number(text, 4, 0, 9999, &d->year) && take_char(text, "-") &&
           take_number(text, 2, 1, 12, &d->month) && take_char(text, "-") &&
           take_number(text, 2, 1, days_in_month(d->year, d->month), &d->day);
}

/* Whether a leap second may stand there is known only with the offset. */
static bool take_time(struct str *text, int64_t *second_of_day, bool *is_leap_second)
{
    int64_t hour = 0, minute = 0, second = 0;
    if (!take_number(text, 2, 0, 23, &hour) || !take_char(text, ":") || !take_number(text, 2, 0, 59, &minute) ||
        !take_char(text, ":") || !take_number(text, 2, 0, 60, &second))
        return false;
    *second_of_day = hour * 3600 + minute * 60 + second;
    *is_leap_second = second == 60;
    return true;
}

static bool take_fraction(struct str *text, int64_t *fraction_ns)
{
    *fraction_ns = 0;
    if (!take_char(text, "."))
        return true;
    int64_t unit_ns = NS_PER_S;
    for (; text->len > 0 && is_digit(text->ptr[0]) && unit_ns > 1; text->ptr++, text->len--) {
        unit_ns /= 10;
        *fraction_ns += unit_ns * (text->ptr[0] - '0');
    }
    return unit_ns < NS_PER_S;
}

static bool take_offset(struct str *text, int64_t *offset_s)
{
    int64_t hours = 0, minutes = 0;
    *offset_s = 0;
    if (take_char(text, "Zz"))
        return true;
    const int64_t sign = text->len > 0 && text->ptr[0] == '-' ? -1 : 1;
    if (!take_char(text, "+-") || !take_number(text, 2, 0, 23, &hours) || !take_char(text, ":") ||
        !take_number(text, 2, 0, 59, &minutes))
        return false;
    *offset_s = sign * (hours * 3600 + minutes * 60);
    return true;
}

bool clock_parse_rfc3339(struct str text, int64_t *wall_ns)
{
    struct date d = {0};
    int64_t second_of_day = 0, fraction_ns = 0, offset_s = 0;
    bool is_leap_second = false;
    if (!take_date(&text, &d) || !take_char(&text, "Tt ") || !take_time(&text, &second_of_day, &is_leap_second) ||
        !take_fraction(&text, &fraction_ns) || !take_offset(&text, &offset_s) || text.len > 0)
        return false;
    const int64_t seconds = day_of_date(d) * SECONDS_PER_DAY + second_of_day - offset_s;
    /* RFC 3339 section 5.7: leap seconds end a UTC day. */
    if (is_leap_second && seconds % SECONDS_PER_DAY != 0)
        return false;
    const __int128 ns = (__int128)seconds * NS_PER_S + fraction_ns;
    if (ns < INT64_MIN || ns > INT64_MAX)
        return false;
    *wall_ns = (int64_t)ns;
    return true;
}

static int64_t unit_of(struct str name)
{
    static const struct {
        struct str name;
        int64_t unit_ns;
    } units[] = {{STR("ns"), 1},
                 {STR("us"), NS_PER_US},
                 {STR("\xc2\xb5s"), NS_PER_US}, /* the micro sign */
                 {STR("\xce\xbcs"), NS_PER_US}, /* the Greek letter */
                 {STR("ms"), NS_PER_MS},
                 {STR("s"), NS_PER_S},
                 {STR("m"), 60 * NS_PER_S},
                 {STR("h"), 3600 * NS_PER_S},
                 {STR("d"), NS_PER_DAY}};
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (str_equal(units[i].name, name))
            return units[i].unit_ns;
    return 0;
}

/* Digits and what they are counted in: value / scale. Digits of a fraction past FRACTION_DIGITS_MAX are below a
 * nanosecond in every unit and are skipped. */
struct decimal {
    uint64_t whole;
    uint64_t fraction;
    uint64_t scale;
};

static bool take_decimal(struct str *text, struct decimal *out)
{
    size_t n_digits = 0;
    *out = (struct decimal){.scale = 1};
    for (; text->len > 0 && is_digit(text->ptr[0]); text->ptr++, text->len--, n_digits++)
        if (__builtin_mul_overflow(out->whole, UINT64_C(10), &out->whole) ||
            __builtin_add_overflow(out->whole, (uint64_t)(text->ptr[0] - '0'), &out->whole))
            return false;
    if (!take_char(text, "."))
        return n_digits > 0;
    for (size_t i = 0; text->len > 0 && is_digit(text->ptr[0]); text->ptr++, text->len--, n_digits++, i++)
        if (i < FRACTION_DIGITS_MAX) {
            out->fraction = out->fraction * 10 + (uint64_t)(text->ptr[0] - '0');
            out->scale *= 10;
        }
    return n_digits > 0;
}

static struct str take_unit(struct str *text)
{
    struct str unit = {text->ptr, 0};
    while (unit.len < text->len && !is_digit(text->ptr[unit.len]) && text->ptr[unit.len] != '.')
        unit.len++;
    *text = (struct str){text->ptr + unit.len, text->len - unit.len};
    return unit;
}

bool clock_parse_duration(struct str text, int64_t *duration_ns)
{
    int64_t total_ns = 0;
    if (text.len == 0)
        return false;
    if (str_equal(text, STR("0")))
        text.len = 0;
    while (text.len > 0) {
        struct decimal number;
        if (!take_decimal(&text, &number))
            return false;
        const int64_t unit_ns = unit_of(take_unit(&text));
        int64_t part_ns = 0;
        if (unit_ns == 0 || __builtin_mul_overflow(number.whole, unit_ns, &part_ns) ||
            __builtin_add_overflow(total_ns, part_ns, &total_ns))
            return false;
        const unsigned __int128 fraction = (unsigned __int128)number.fraction * (uint64_t)unit_ns / number.scale;
        if (__builtin_add_overflow(total_ns, (int64_t)fraction, &total_ns))
            return false;
    }
    *duration_ns = total_ns;
    return true;
}
