#include "service/setting/setting.h"

#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"
#include "db/session/url.h"
#include "db/vector/vector_use.h"
#include "service/setting/address.h"

enum { TEXT_MAX = 64, RANGE_MAX = 160, URL_MAX = 1024, THOUSAND = 1000 };

static const char *const level_names[] = {"debug", "info", "warn", "error"};

struct unit {
    const char *name;
    int64_t size;
};

/* Largest first: a value is shown in the largest unit that divides it. */
static const struct unit byte_units[] = {
    {"GiB", INT64_C(1) << 30}, {"MiB", INT64_C(1) << 20}, {"KiB", INT64_C(1) << 10}, {"", 1}};
static const struct unit time_units[] = {
    {"d", NS_PER_DAY}, {"h", 3600 * NS_PER_S}, {"m", 60 * NS_PER_S}, {"s", NS_PER_S}, {"ms", NS_PER_MS},
    {"us", NS_PER_US}, {"ns", 1}};

static bool parse_bool(struct str text, int64_t *out)
{
    static const struct { const char *name; bool value; } names[] = {
        {"true", true}, {"1", true}, {"yes", true}, {"on", true}, {"false", false}, {"0", false}, {"no", false}, {"off", false}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (!str_equal_nocase(text, str_of(names[i].name)))
            continue;
        *out = names[i].value;
        return true;
    }
    return false;
}

static bool parse_bytes(struct str text, int64_t *out)
{
    for (size_t i = 0; i < ARRAY_LEN(byte_units); i++) {
        const struct str suffix = str_of(byte_units[i].name);
        if (text.len <= suffix.len || !str_equal_nocase((struct str){text.ptr + text.len - suffix.len, suffix.len}, suffix))
            continue;
        int64_t number = 0;
        return str_to_i64(str_trim((struct str){text.ptr, text.len - suffix.len}), &number) &&
               !__builtin_mul_overflow(number, byte_units[i].size, out);
    }
    return false;
}

static bool parse_duration(struct str text, int64_t *out)
{
    if (!str_equal(text, STR("0")))
        return clock_parse_duration(text, out);
    *out = 0;
    return true;
}

static bool parse_level(struct str text, int64_t *out)
{
    enum log_level level = LOG_INFO;
    if (!log_parse_level(text, &level))
        return false;
    *out = level;
    return true;
}

static bool parse_method(struct str text, int64_t *out)
{
    enum db_vector_method method = DB_VECTOR_NONE;
    if (!db_vector_method_parse(text, &method))
        return false;
    *out = method;
    return true;
}

static bool parse_ratio(struct str text, int64_t *out)
{
    double ratio = 0;
    if (!str_to_double(text, &ratio) || fabs(ratio) > THOUSAND)
        return false;
    *out = llround(ratio * THOUSAND);
    return true;
}

/* Whether text is the word that stands for 0 outside the range. */
static bool is_word_for_none(const struct service_setting *s, struct str text)
{
    return (s->type == SETTING_COUNT_OR_AUTO && str_equal_nocase(text, STR("auto"))) ||
           ((s->type == SETTING_DURATION_OR_OFF || s->type == SETTING_COUNT_OR_OFF) &&
            (str_equal_nocase(text, STR("off")) || str_equal(text, STR("0"))));
}

static bool parse_number(const struct service_setting *s, struct str text, int64_t *out)
{
    switch (s->type) {
    case SETTING_BOOL:
        return parse_bool(text, out);
    case SETTING_BYTES:
        return parse_bytes(text, out);
    case SETTING_DURATION:
    case SETTING_DURATION_OR_OFF:
        return parse_duration(text, out);
    case SETTING_LOG_LEVEL:
        return parse_level(text, out);
    case SETTING_VECTOR_METHOD:
        return parse_method(text, out);
    case SETTING_RATIO:
        return parse_ratio(text, out);
    case SETTING_COUNT:
    case SETTING_COUNT_OR_AUTO:
    case SETTING_COUNT_OR_OFF:
        return str_to_i64(text, out);
    case SETTING_ADDRESS:
    case SETTING_URL:
    case SETTING_ENDPOINT:
    case SETTING_NAME:
    case SETTING_PATH:
    case SETTING_NETWORKS:
    case SETTING_ORIGINS:
    case SETTING_SECRET:
        break;
    }
    return false;
}

bool service_setting_is_secret(enum service_setting_type type)
{
    return type == SETTING_URL || type == SETTING_ENDPOINT || type == SETTING_SECRET;
}

/* Whether the folder it lies in is there, which is to be another than / and . and what is above: any text lies in these. */
static bool is_in_folder(const char *path)
{
    char folder[PATH_MAX];
    const char *const slash = strrchr(path, '/');
    if (slash == NULL || (size_t)(slash + 1 - path) >= sizeof folder)
        return false;
    (void)snprintf(folder, sizeof folder, "%.*s", (int)(slash + 1 - path), path);
    return folder[strspn(folder, "./")] != '\0' && access(folder, F_OK) == 0;
}

const char *service_setting_shown_path(const char *path)
{
    return path[0] == '\0' || access(path, F_OK) == 0 || is_in_folder(path) ? path : "***";
}

/* What a text is, NULL for what is none. */
static const char *kind_of_text(enum service_setting_type type)
{
    static const char *const kinds[] = {
        [SETTING_URL] = "a PostgreSQL connection URI or string", [SETTING_ENDPOINT] = "an http or https URL",
        [SETTING_NAME] = "a name", [SETTING_PATH] = "a path", [SETTING_NETWORKS] = "addresses and networks (10.0.0.0/8), commas between",
        [SETTING_ORIGINS] = "origins (https://host:port), commas between, or *", [SETTING_SECRET] = "a text"};
    return (size_t)type < ARRAY_LEN(kinds) ? kinds[type] : NULL;
}

static bool is_text(enum service_setting_type type)
{
    return kind_of_text(type) != NULL;
}

static void print_in_units(const struct unit *units, int64_t value, char out[TEXT_MAX])
{
    if (value == 0) {
        (void)snprintf(out, TEXT_MAX, "0");
        return;
    }
    while (value % units->size != 0)
        units++;
    (void)snprintf(out, TEXT_MAX, "%lld%s", (long long)(value / units->size), units->name);
}

static void print_number(enum service_setting_type type, int64_t value, char out[TEXT_MAX])
{
    if (type == SETTING_BYTES)
        print_in_units(byte_units, value, out);
    else if (type == SETTING_DURATION || type == SETTING_DURATION_OR_OFF)
        print_in_units(time_units, value, out);
    else if (type == SETTING_RATIO)
        (void)snprintf(out, TEXT_MAX, "%g", (double)value / THOUSAND);
    else
        (void)snprintf(out, TEXT_MAX, "%lld", (long long)value);
}

static void print_range(const struct service_setting *s, char out[RANGE_MAX])
{
    char least[TEXT_MAX], most[TEXT_MAX];
    print_number(s->type, s->least, least);
    print_number(s->type, s->most, most);
    const char *or_none = s->type == SETTING_COUNT_OR_AUTO     ? ", or auto"
                          : s->type == SETTING_DURATION_OR_OFF ? ", or off"
                          : s->type == SETTING_COUNT_OR_OFF    ? ", or off"
                                                               : "";
    if (s->type == SETTING_BOOL)
        (void)snprintf(out, RANGE_MAX, "true or false");
    else if (s->type == SETTING_LOG_LEVEL)
        (void)snprintf(out, RANGE_MAX, "debug, info, warn or error");
    else if (s->type == SETTING_VECTOR_METHOD)
        (void)snprintf(out, RANGE_MAX, "ivfflat, hnsw or none");
    else if (s->type == SETTING_ADDRESS)
        (void)snprintf(out, RANGE_MAX, "IPv4:PORT, [IPv6]:PORT or localhost:PORT");
    else if (is_text(s->type))
        (void)snprintf(out, RANGE_MAX, "%s", kind_of_text(s->type));
    else
        (void)snprintf(out, RANGE_MAX, "%s to %s%s", least, most, or_none);
}

static enum err setting_refuse(const struct service_setting *s, const char *source, const char *name, struct str text,
                               struct err_info *e)
{
    char range[RANGE_MAX];
    print_range(s, range);
    return ERR_SET(e, ERR_INVALID, "%s%s is '%.*s'; it may be %s", source, name, STR_ARG(text), range);
}

enum err service_setting_parse(const struct service_setting *s, const char *source, const char *name, struct str text,
                               void *field, struct err_info *e)
{
    if (is_text(s->type)) {
        *(struct str *)field = text;
        return OK;
    }
    if (s->type == SETTING_ADDRESS)
        return service_address_parse(text, field, NULL) == OK ? OK : setting_refuse(s, source, name, text, e);
    int64_t value = 0;
    if (!is_word_for_none(s, text) && (!parse_number(s, text, &value) || value < s->least || value > s->most))
        return setting_refuse(s, source, name, text, e);
    *(int64_t *)field = value;
    return OK;
}

/* Where the value of password= begins, or of another of libpq's words that ends so; in its "word = value" form there may be
 * spaces. NULL when there is none. */
static const char *find_password(struct str text)
{
    static const char word[] = "password";
    const char *end = text.ptr + text.len;
    for (const char *at = text.ptr; at < end && (at = memmem(at, (size_t)(end - at), word, sizeof word - 1)) != NULL;) {
        at += sizeof word - 1;
        const char *value = at;
        while (value < end && isspace((unsigned char)*value))
            value++;
        if (value < end && *value == '=')
            return value + 1;
    }
    return NULL;
}

/* Masks what follows "user:" before '@' of a URI, even of one whose scheme is missing or misspelt, and all from the value of
 * password= on, which may hold both marks itself. */
static void print_url(struct str url, char out[URL_MAX])
{
    if (url.len == 0) {
        out[0] = '\0';
        return;
    }
    const char *end = url.ptr + url.len;
    const char *scheme = memchr(url.ptr, ':', url.len);
    const char *from = scheme != NULL && str_starts_with((struct str){scheme, (size_t)(end - scheme)}, STR("://")) ? scheme + 3 : url.ptr;
    const char *at = memrchr(from, '@', (size_t)(end - from));
    const char *colon = at == NULL ? NULL : memchr(from, ':', (size_t)(at - from));
    const char *password = find_password(url);
    if (password != NULL && colon != NULL && password <= colon)
        colon = NULL;
    const struct str head = colon != NULL ? (struct str){url.ptr, (size_t)(colon - url.ptr)} : (struct str){0};
    const struct str rest = colon == NULL ? url : (struct str){at, (size_t)(end - at)};
    password = find_password(rest);
    const struct str shown = {rest.ptr, password == NULL ? rest.len : (size_t)(password - rest.ptr)};
    (void)snprintf(out, URL_MAX, "%.*s%s%.*s%s", STR_ARG(head), colon == NULL ? "" : ":***", STR_ARG(shown),
                   password == NULL ? "" : "***");
}

/* Without a URL's marks, a text with a fault may be the password alone, or have that under a misspelt keyword. */
static bool is_unclear(struct str url)
{
    const char *fault = NULL;
    if (url.len == 0 || str_contains(url, STR("://")) || str_contains(url, STR("@")))
        return false;
    return db_url_check(url.ptr, &fault, NULL) != OK || fault != NULL;
}

/* A query may hold a key too. */
static void print_text(enum service_setting_type type, struct str text, char out[URL_MAX])
{
    struct str query;
    const struct str base = str_split(text, '?', &query);
    if (type == SETTING_SECRET || (type == SETTING_URL && is_unclear(text)))
        (void)snprintf(out, URL_MAX, "%s", text.len == 0 ? "" : "***");
    else if (type == SETTING_NAME)
        (void)snprintf(out, URL_MAX, "%.*s", STR_ARG(text));
    else if (type == SETTING_PATH)
        (void)snprintf(out, URL_MAX, "%s", service_setting_shown_path(text.ptr));
    else
        print_url(type == SETTING_ENDPOINT ? base : text, out);
    if (type == SETTING_ENDPOINT && query.ptr != NULL)
        (void)snprintf(out + strlen(out), URL_MAX - strlen(out), "?***");
}

static void print_value(const struct service_setting *s, const void *field, char out[URL_MAX])
{
    if (is_text(s->type)) {
        print_text(s->type, *(const struct str *)field, out);
        return;
    }
    if (s->type == SETTING_ADDRESS) {
        service_address_print(field, out);
        return;
    }
    const int64_t value = *(const int64_t *)field;
    if (s->type == SETTING_BOOL)
        (void)snprintf(out, URL_MAX, "%s", value != 0 ? "true" : "false");
    else if (s->type == SETTING_LOG_LEVEL)
        (void)snprintf(out, URL_MAX, "%s", level_names[value]);
    else if (s->type == SETTING_VECTOR_METHOD)
        (void)snprintf(out, URL_MAX, "%s", db_vector_method_name((enum db_vector_method)value));
    else if ((s->type == SETTING_DURATION_OR_OFF || s->type == SETTING_COUNT_OR_OFF) && value == 0)
        (void)snprintf(out, URL_MAX, "off");
    else if (s->type == SETTING_COUNT_OR_AUTO && value == 0)
        (void)snprintf(out, URL_MAX, "auto");
    else
        print_number(s->type, value, out);
}

void service_setting_print(const struct service_setting *s, const void *field, FILE *out)
{
    char value[URL_MAX], range[RANGE_MAX];
    print_value(s, field, value);
    print_range(s, range);
    (void)fprintf(out, "%s=%s\n    --%s; default %s; %s.\n    %s\n", s->env, value, s->flag,
                  s->standard[0] == '\0' ? "none" : s->standard, range, s->help);
}
