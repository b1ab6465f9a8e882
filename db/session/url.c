#include "db/session/url.h"

#include <libpq-fe.h>

#include "core/attr.h"
#include "core/str.h"

enum { PORT_MAX = 65535 };

static const char unescaped[] = "has an @ or a / in its user or password: they are written %40 and %2F";

static const char broken[] = "has a line break or another control character";

/* What libpq says of a text that it cannot take apart begins so; the last row is for all else. */
static const struct {
    const char *libpq, *fault;
} parse_faults[] = {
    {"invalid percent-encoded token", "has a % that no two hexadecimal digits follow: a % itself is written %25"},
    {"forbidden value %00", "has a %00, which no part of it may hold"},
    {"missing \"=\"", "is neither postgresql://user:password@host:port/database nor keyword=value pairs"},
    {"unterminated quoted string", "has a quote that is not closed"},
    {"invalid connection option", "has a keyword that libpq does not know"},
    {"invalid URI query parameter", "has a parameter that libpq does not know"},
    {"", "is not one that libpq can read: it is postgresql://user:password@host:port/database, or keyword=value pairs"},
};

static const struct {
    const char *keyword, *values, *fault;
} choices[] = {
    {"sslmode", "disable,allow,prefer,require,verify-ca,verify-full",
     "has an sslmode other than disable, allow, prefer, require, verify-ca and verify-full"},
    {"target_session_attrs", "any,read-write,read-only,primary,standby,prefer-standby",
     "has target_session_attrs other than any, read-write, read-only, primary, standby and prefer-standby"},
};

static void options_auto(PQconninfoOption **options) { PQconninfoFree(*options); }
static void libpq_text_auto(char **text) { PQfreemem(*text); }

static const char *fault_of_parse(const char *said)
{
    size_t i = 0;
    while (strncmp(said, parse_faults[i].libpq, strlen(parse_faults[i].libpq)) != 0)
        i++;
    return parse_faults[i].fault;
}

/* Of several hosts each may have its own port, or none. */
static bool is_ports(struct str ports)
{
    while (ports.ptr != NULL) {
        const struct str port = str_trim(str_split(ports, ',', &ports));
        int64_t number = 0;
        if (port.len > 0 && (!str_to_i64(port, &number) || number < 1 || number > PORT_MAX))
            return false;
    }
    return true;
}

static bool is_among(struct str value, struct str values)
{
    while (values.ptr != NULL)
        if (str_equal(value, str_split(values, ',', &values)))
            return true;
    return false;
}

static const char *fault_of_option(const PQconninfoOption *o)
{
    if (o->val == NULL || o->val[0] == '\0')
        return NULL;
    if (strcmp(o->keyword, "port") == 0 && !is_ports(str_of(o->val)))
        return "has a port that is not a number from 1 to 65535";
    for (size_t i = 0; i < ARRAY_LEN(choices); i++)
        if (strcmp(o->keyword, choices[i].keyword) == 0 && !is_among(str_of(o->val), str_of(choices[i].values)))
            return choices[i].fault;
    return NULL;
}

/* libpq ends the account at the first @, and has none where a / comes before it. So a password with one of them is read as a
 * part of the host, the port or the database, of which errors tell. */
static bool has_unescaped(const char *url)
{
    const char *const scheme = strstr(url, "://");
    if (strncmp(url, "postgres", strlen("postgres")) != 0 || scheme == NULL)
        return false;
    const char *const account = scheme + strlen("://");
    const char *const end = account + strcspn(account, "@/");
    const char *const rest = *end == '@' ? end + 1 : account;
    return rest[strcspn(rest, "@?")] == '@';
}

/* Between keyword=value pairs any white space may stand. */
static bool is_broken(const char *url)
{
    if (strstr(url, "://") == NULL)
        return false;
    for (const char *at = url; *at != '\0'; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            return true;
    return false;
}

static const char *fault_of_options(const PQconninfoOption *options)
{
    const char *fault = NULL;
    for (const PQconninfoOption *o = options; fault == NULL && o->keyword != NULL; o++)
        fault = fault_of_option(o);
    return fault;
}

enum err db_url_check(const char *url, const char **fault, struct err_info *e)
{
    AUTO(libpq_text) char *said = NULL;
    if (is_broken(url) || has_unescaped(url)) {
        *fault = is_broken(url) ? broken : unescaped;
        return OK;
    }
    AUTO(options) PQconninfoOption *options = PQconninfoParse(url, &said);
    if (options == NULL && (said == NULL || str_starts_with(str_of(said), STR("out of memory"))))
        return ERR_SET_NOMEM(e);
    *fault = options == NULL ? fault_of_parse(said) : fault_of_options(options);
    return OK;
}
