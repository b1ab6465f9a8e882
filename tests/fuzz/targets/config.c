/* service/setting/config.c, service/setting/setting.c, service/setting/address.c, db/session/url.c, api/embed/embeddings_wire.c:
 * the flags of a command line, one a line. What is shown of settings that were taken gives the same settings again, and holds no
 * secret, even one in place of the file that it should be in; nor does what is said of an argument that is no setting. */
#include "service/setting/config.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "api/embed/embeddings_wire.h"
#include "tests/fuzz/fuzz.h"

enum { ARGUMENTS_MAX = 64 };
#define SECRET "s3cr3t"

struct arguments {
    int n;
    char *items[ARGUMENTS_MAX];
};

static void add(struct arguments *a, struct str text)
{
    if (a->n == ARGUMENTS_MAX || (text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL))
        return;
    char *const copy = malloc(text.len + 1);
    FUZZ_CHECK(copy != NULL, "out of memory");
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    a->items[a->n++] = copy;
}

static void close_arguments(struct arguments *a)
{
    while (a->n > 0)
        free(a->items[--a->n]);
}

/* A copy of the array is read, since reading moves what is no flag. */
static enum err read_arguments(const struct arguments *a, struct service_config *c, struct err_info *e)
{
    char *items[ARGUMENTS_MAX] = {NULL};
    int n_operands = 0;
    memcpy(items, a->items, sizeof items);
    return service_config_read(c, a->n, items, &n_operands, e);
}

/* Reads again what was taken, as a command that has no operands: it refuses them without a word of them. */
static void check_operands(const struct arguments *a)
{
    char *items[ARGUMENTS_MAX] = {NULL};
    struct service_config c = {0};
    struct err_info e = {0};
    memcpy(items, a->items, sizeof items);
    const enum err code = service_config_read(&c, a->n, items, NULL, &e);
    FUZZ_CHECK(code == OK || (code == ERR_INVALID && str_starts_with(str_of(e.message), STR("argument "))), "%s", e.message);
    FUZZ_CHECK(strstr(e.message, SECRET) == NULL, "a secret is told");
    service_config_close(&c);
}

static char *print(const struct service_config *c)
{
    char *text = NULL;
    size_t len = 0;
    FILE *const out = open_memstream(&text, &len);
    FUZZ_CHECK(out != NULL, "out of memory");
    service_config_print(c, out);
    (void)fclose(out);
    FUZZ_CHECK(text != NULL, "out of memory");
    return text;
}

/* Whether the setting is a text, which is not shown as it was given. */
static bool is_text(struct str range)
{
    return str_contains(range, STR("; a path.")) || str_contains(range, STR("; a name.")) || str_contains(range, STR("; a text.")) ||
           str_contains(range, STR("; a PostgreSQL")) || str_contains(range, STR("; an http"));
}

/* "TRACEKIN_X=value", a line on, "    --x; default ...": --x=value. */
static void add_shown(struct arguments *a, struct str value_line, struct str flag_line)
{
    struct str value, rest;
    (void)str_split(value_line, '=', &value);
    const struct str flag = str_trim(str_split(flag_line, ';', &rest));
    if (is_text(flag_line))
        return;
    AUTO(buf) struct buf argument;
    buf_init(&argument, SIZE_MAX);
    buf_puts(&argument, flag);
    buf_putc(&argument, '=');
    buf_puts(&argument, value);
    FUZZ_CHECK(buf_is_ok(&argument), "out of memory");
    add(a, buf_str(&argument));
}

static void check_again(const char *shown)
{
    struct arguments again = {.n = 0};
    struct fuzz_input in = {str_of(shown)};
    struct service_config c = {0};
    struct err_info e = {0};
    while (in.rest.len > 0) {
        const struct str value_line = fuzz_line(&in), flag_line = fuzz_line(&in);
        (void)fuzz_line(&in);
        add_shown(&again, value_line, flag_line);
    }
    FUZZ_CHECK(read_arguments(&again, &c, &e) == OK, "what is shown is refused: %s", e.message);
    char *const twice = print(&c);
    struct fuzz_input one = {str_of(shown)}, two = {str_of(twice)};
    while (one.rest.len > 0) {
        const struct str value = fuzz_line(&one), flag = fuzz_line(&one), value_again = fuzz_line(&two);
        (void)fuzz_line(&two);
        (void)fuzz_line(&one);
        (void)fuzz_line(&two);
        FUZZ_CHECK(is_text(flag) || str_equal(value, value_again), "%.*s is shown as %.*s", STR_ARG(value), STR_ARG(value_again));
    }
    service_config_close(&c);
    free(twice);
    close_arguments(&again);
}

/* Whether libpq takes the secret of the URL for a password, and for nothing else. */
static bool is_password(struct str url)
{
    PQconninfoOption *const options = PQconninfoParse(url.ptr, NULL);
    bool is_hidden = options != NULL;
    for (const PQconninfoOption *o = options; o != NULL && o->keyword != NULL; o++)
        if (o->val != NULL && strstr(o->val, SECRET) != NULL && strcmp(o->keyword, "password") != 0)
            is_hidden = false;
    PQconninfoFree(options);
    return is_hidden;
}

/* Whether it, or a folder with a name that it lies in, is there: what is so is no secret. */
static bool is_there(const char *path)
{
    struct stat status;
    bool has_name = false;
    char *const folder = strdup(path);
    FUZZ_CHECK(folder != NULL, "out of memory");
    char *const slash = strrchr(folder, '/'), *rest = NULL;
    if (slash != NULL)
        *slash = '\0';
    const bool is_folder = slash != NULL && stat(folder, &status) == 0 && S_ISDIR(status.st_mode);
    for (char *name = strtok_r(folder, "/", &rest); name != NULL; name = strtok_r(NULL, "/", &rest))
        has_name = has_name || (strcmp(name, ".") != 0 && strcmp(name, "..") != 0);
    free(folder);
    return stat(path, &status) == 0 || (is_folder && has_name);
}

/* A secret is in what is shown only when it was given as something else too, which is told as it is; in place of a file it is none of
 * that. */
static void check_secrets(const struct service_config *c, const char *shown)
{
    const struct str open[] = {c->embeddings_model, c->embeddings_url, c->trusted_proxies, c->cors_origins};
    const struct str files[] = {c->embeddings_key_file, c->api_keys_file, c->database_url_file,
                                c->owner_url_file,      c->tls_cert_file, c->tls_key_file};
    const struct str urls[] = {c->database_url, c->owner_url};
    for (size_t i = 0; i < ARRAY_LEN(open); i++)
        if (str_contains(open[i], STR(SECRET)))
            return;
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        if (str_contains(files[i], STR(SECRET)) && is_there(files[i].ptr))
            return;
    for (size_t i = 0; i < ARRAY_LEN(urls); i++)
        if (str_contains(urls[i], STR(SECRET)) && !is_password(urls[i]))
            return;
    FUZZ_CHECK(strstr(shown, SECRET) == NULL, "a secret is shown");
}

/* What is wrong with a URL is told without a word of it. No file is read: the fuzzer would name any. */
static void check_urls(struct service_config *c)
{
    AUTO(buf) struct buf url;
    struct err_info e = {0};
    buf_init(&url, SIZE_MAX);
    if (c->database_url_file.len == 0 && c->owner_url_file.len == 0)
        FUZZ_CHECK(service_config_check_database(c, &e) == OK || e.code == ERR_INVALID, "%s", e.message);
    FUZZ_CHECK(strstr(e.message, SECRET) == NULL, "a secret is told");
    if (api_embeddings_url(c->embeddings_url, &url, NULL) == OK)
        FUZZ_CHECK(str_starts_with(buf_str(&url), (struct str){c->embeddings_url.ptr, 4}), "no URL: %.*s", STR_ARG(buf_str(&url)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = fuzz_input_of(data, size);
    struct arguments a = {.n = 0};
    struct service_config c = {0};
    struct err_info e = {0};
    while (in.rest.len > 0)
        add(&a, fuzz_line(&in));
    if (read_arguments(&a, &c, &e) == OK) {
        char *const shown = print(&c);
        check_secrets(&c, shown);
        check_urls(&c);
        check_again(shown);
        check_operands(&a);
        free(shown);
    }
    service_config_close(&c);
    FUZZ_CHECK(e.code == OK || e.message[0] != '\0', "nobody says what is wrong");
    FUZZ_CHECK(!str_starts_with(str_of(e.message), STR("there is no setting")) || strstr(e.message, SECRET) == NULL, "a secret is told");
    close_arguments(&a);
    return 0;
}
