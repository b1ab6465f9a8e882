#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"
#include "service/serve/check.h"
#include "service/setting/config.h"
#include "tests/check_main.h"

enum { ARGUMENTS_MAX = 8, TEXT_MAX = 16384 };

static void forget_environment(void)
{
    for (char **v = environ; *v != NULL;) {
        struct str rest;
        const struct str name = str_split(str_of(*v), '=', &rest);
        char text[128];
        (void)snprintf(text, sizeof text, "%.*s", STR_ARG(name));
        if (!str_starts_with(name, STR("TRACEKIN_")))
            v++;
        else
            ck_assert_int_eq(unsetenv(text), 0);
    }
}

static char storage[ARGUMENTS_MAX][128]; /* of the arguments */

/* Reads a command line of at most ARGUMENTS_MAX words, up to a NULL, into what was read into before or is zeroed. */
static enum err read_line(struct service_config *c, const char *const *words, int *n_operands, struct err_info *e)
{
    char *argv[ARGUMENTS_MAX + 1];
    int argc = 0;
    for (; words[argc] != NULL; argc++) {
        (void)snprintf(storage[argc], sizeof storage[argc], "%s", words[argc]);
        argv[argc] = storage[argc];
    }
    service_config_close(c);
    *c = (struct service_config){0};
    const enum err code = service_config_read(c, argc, argv, n_operands, e);
    if (code == OK && n_operands != NULL && *n_operands > 0)
        ck_assert_str_eq(argv[0], "first");
    return code;
}

static const char *const no_words[] = {NULL};

START_TEST(test_defaults)
{
    AUTO(service_config) struct service_config c = {0};
    struct err_info e = {0};
    ck_assert_msg(read_line(&c, no_words, NULL, &e) == OK, "%s", e.message);
    char listen[SERVICE_ADDRESS_TEXT_MAX];
    service_address_print(&c.listen, listen);
    ck_assert_str_eq(listen, "127.0.0.1:4318");
    ck_assert_int_eq(c.retention_ns, 0);
    ck_assert_int_eq(c.body_max_bytes, 64 << 20);
    ck_assert_int_eq(c.request_timeout_ns, 10 * NS_PER_S);
    ck_assert_int_eq(c.log_level, LOG_INFO);
    ck_assert_int_ge(c.n_http_threads, 2);
    ck_assert_int_ge(c.n_read_workers, 4);
    ck_assert_int_eq(c.is_insecure, false);
}
END_TEST

START_TEST(test_flag_beats_variable_beats_default)
{
    AUTO(service_config) struct service_config c = {0};
    ck_assert_int_eq(setenv("TRACEKIN_QUEUE_MAX", "7", 1), 0);
    ck_assert_int_eq(setenv("TRACEKIN_LOG_LEVEL", "", 1), 0);
    ck_assert_int_eq(read_line(&c, no_words, NULL, NULL), OK);
    ck_assert_int_eq(c.n_queue_max, 7);
    ck_assert_int_eq(c.log_level, LOG_INFO);
    ck_assert_int_eq(read_line(&c, (const char *const[]){"--queue-max=8", NULL}, NULL, NULL), OK);
    ck_assert_int_eq(c.n_queue_max, 8);
    ck_assert_int_eq(read_line(&c, (const char *const[]){"--queue-max", "9", NULL}, NULL, NULL), OK);
    ck_assert_int_eq(c.n_queue_max, 9);
}
END_TEST

START_TEST(test_values)
{
    AUTO(service_config) struct service_config c = {0};
    ck_assert_int_eq(read_line(&c, (const char *const[]){"--retention", "30d", "--body-max-bytes", "2MiB", "--insecure", NULL},
                               NULL, NULL), OK);
    ck_assert_int_eq(c.retention_ns, 30 * NS_PER_DAY);
    ck_assert_int_eq(c.body_max_bytes, 2 << 20);
    ck_assert_int_eq(c.is_insecure, true);
    ck_assert_int_eq(read_line(&c, (const char *const[]){"--retention=0", "--insecure=0", "--http-threads=auto", NULL}, NULL, NULL), OK);
    ck_assert_int_eq(c.retention_ns, 0);
    ck_assert_int_eq(c.is_insecure, false);
    ck_assert_int_ge(c.n_http_threads, 2);
    ck_assert_int_eq(read_line(&c, (const char *const[]){"--retention=off", "--drain-timeout=0", NULL}, NULL, NULL), OK);
    ck_assert_int_eq(c.drain_timeout_ns, 0);
}
END_TEST

START_TEST(test_operands_keep_their_order)
{
    AUTO(service_config) struct service_config c = {0};
    int n = 0;
    ck_assert_int_eq(read_line(&c, (const char *const[]){"first", "--queue-max=3", "second", "--", "--third", NULL}, &n, NULL), OK);
    ck_assert_int_eq(n, 3);
    ck_assert_int_eq(c.n_queue_max, 3);
    ck_assert_int_eq(read_line(&c, (const char *const[]){"first", NULL}, NULL, NULL), ERR_INVALID);
}
END_TEST

/* Each line is refused by a message that has all of: what is wrong, and what it may be. */
START_TEST(test_refuses)
{
    static const struct { const char *words[3]; const char *names, *allows; } cases[] = {
        {{"--nothing=1"}, "--nothing", "check-config"},
        {{"--queue-max"}, "--queue-max", "needs a value"},
        {{"--queue-max=0"}, "--queue-max", "1 to 1024"},
        {{"--queue-max=1025"}, "--queue-max", "1 to 1024"},
        {{"--queue-max=many"}, "many", "1 to 1024"},
        {{"--http-threads=1"}, "--http-threads", "2 to 64, or auto"},
        {{"--retention=1h"}, "--retention", "1d to 36500d, or off"},
        {{"--retention=-1d"}, "--retention", "1d to 36500d, or off"},
        {{"--body-max-bytes=1"}, "--body-max-bytes", "1KiB to 1GiB"},
        {{"--body-max-bytes=8EiB"}, "8EiB", "1KiB to 1GiB"},
        {{"--body-max-bytes=9999999999GiB"}, "GiB", "1KiB to 1GiB"},
        {{"--request-timeout=10"}, "--request-timeout", "100ms to 10m"},
        {{"--insecure=maybe"}, "--insecure", "true or false"},
        {{"--log-level=loud"}, "--log-level", "debug, info, warn or error"},
        {{"--listen", "somewhere"}, "somewhere", "[IPv6]:PORT"},
        {{"--memory-max-bytes=511MiB"}, "TRACEKIN_MEMORY_MAX_BYTES", "8 times TRACEKIN_BODY_MAX_BYTES"},
        {{"--memory-max-bytes=63MiB"}, "--memory-max-bytes", "64MiB to 1024GiB"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO(service_config) struct service_config c = {0};
        struct err_info e = {0};
        ck_assert_msg(read_line(&c, cases[i].words, NULL, &e) == ERR_INVALID, "took %s", cases[i].words[0]);
        ck_assert_msg(strstr(e.message, cases[i].names) != NULL, "%s", e.message);
        ck_assert_msg(strstr(e.message, cases[i].allows) != NULL, "%s", e.message);
    }
}
END_TEST

START_TEST(test_a_wrong_variable_is_named)
{
    AUTO(service_config) struct service_config c = {0};
    struct err_info e = {0};
    ck_assert_int_eq(setenv("TRACEKIN_WRITER_THREADS", "17", 1), 0);
    ck_assert_int_eq(read_line(&c, no_words, NULL, &e), ERR_INVALID);
    ck_assert_str_eq(e.message, "TRACEKIN_WRITER_THREADS is '17'; it may be 1 to 16");
}
END_TEST

START_TEST(test_serving_needs_a_database_and_a_decision)
{
    AUTO(service_config) struct service_config c = {0};
    struct err_info e = {0};
    ck_assert_int_eq(read_line(&c, no_words, NULL, NULL), OK);
    ck_assert_int_eq(service_check_serve(&c, &e), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(e.message, "TRACEKIN_DATABASE_URL"));
    ck_assert_int_eq(read_line(&c, (const char *const[]){"--database-url=postgresql://x", "--listen=0.0.0.0:1", NULL}, NULL, NULL), OK);
    e = (struct err_info){0};
    ck_assert_int_eq(service_check_serve(&c, &e), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(e.message, "TRACEKIN_INSECURE"));
    ck_assert_ptr_nonnull(strstr(e.message, "TRACEKIN_API_KEYS_FILE"));
    ck_assert_int_eq(read_line(&c, (const char *const[]){"--database-url=postgresql://x", "--listen=[::]:1", "--insecure", NULL}, NULL, NULL), OK);
    ck_assert_int_eq(service_check_serve(&c, NULL), OK);
}
END_TEST

START_TEST(test_a_database_url_with_a_fault_is_refused)
{
    AUTO(service_config) struct service_config c = {0};
    struct err_info e = {0};
    ck_assert_int_eq(read_line(&c, (const char *const[]){"--database-url=postgresql://u:pw@host:badport/db", NULL}, NULL, NULL), OK);
    ck_assert_int_eq(service_check_serve(&c, &e), ERR_INVALID);
    ck_assert_str_eq(e.message, "TRACEKIN_DATABASE_URL has a port that is not a number from 1 to 65535");
}
END_TEST

/* Of a secret an argument keeps only that it is there: every user of a machine may read the arguments of all. */
START_TEST(test_secrets_are_hidden_in_the_arguments)
{
    static const char *const flags[] = {"database-url", "database-owner-url", "embeddings-key", "embeddings-url"};
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        AUTO(service_config) struct service_config c = {0};
        char one[64], name[64];
        (void)snprintf(one, sizeof one, "--%s=postgresql://u:hush@h/db", flags[i]);
        (void)snprintf(name, sizeof name, "--%s", flags[i]);
        ck_assert_int_eq(read_line(&c, (const char *const[]){one, name, "postgresql://u:hush@h/db", NULL}, NULL, NULL), OK);
        ck_assert_int_eq(strncmp(storage[0], name, strlen(name)), 0);
        ck_assert_int_eq(storage[0][strlen(name)], '=');
        ck_assert_uint_eq(strspn(storage[0] + strlen(name) + 1, "*"), strlen("postgresql://u:hush@h/db"));
        ck_assert_str_eq(storage[1], name);
        ck_assert_uint_eq(strspn(storage[2], "*"), strlen("postgresql://u:hush@h/db"));
    }
    AUTO(service_config) struct service_config c = {0};
    ck_assert_int_eq(read_line(&c, (const char *const[]){"--database-url=postgresql://u:hush@h/db", NULL}, NULL, NULL), OK);
    ck_assert_int_eq(service_config_check_database(&c, NULL), OK);
    ck_assert_str_eq(c.urls.serving, "postgresql://u:hush@h/db");
    ck_assert_str_eq(c.urls.owner, c.urls.serving);
    ck_assert(!service_config_has_owner(&c));
}
END_TEST

static void write_file(char path[64], struct str text)
{
    (void)snprintf(path, 64, "/tmp/tracekin-config-XXXXXX");
    const int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text.ptr, text.len), (ssize_t)text.len);
    ck_assert_int_eq(close(fd), 0);
}

START_TEST(test_urls_come_from_files)
{
    AUTO(service_config) struct service_config c = {0};
    struct err_info e = {0};
    char serving[64], owner[64], flag[128], owner_flag[128];
    write_file(serving, STR("postgresql://serving:hush@h/db\n"));
    write_file(owner, STR("\n postgresql://owner:hush@h/db \n"));
    (void)snprintf(flag, sizeof flag, "--database-url-file=%s", serving);
    (void)snprintf(owner_flag, sizeof owner_flag, "--database-owner-url-file=%s", owner);
    ck_assert_int_eq(read_line(&c, (const char *const[]){flag, owner_flag, NULL}, NULL, NULL), OK);
    ck_assert_msg(service_config_check_database(&c, &e) == OK, "%s", e.message);
    ck_assert_str_eq(c.urls.serving, "postgresql://serving:hush@h/db");
    ck_assert_str_eq(c.urls.owner, "postgresql://owner:hush@h/db");
    ck_assert(service_config_has_owner(&c));
    ck_assert_int_eq(read_line(&c, (const char *const[]){flag, "--database-url=postgresql://x", NULL}, NULL, NULL), OK);
    ck_assert_int_eq(service_config_check_database(&c, &e), ERR_INVALID);
    ck_assert_str_eq(e.message, "TRACEKIN_DATABASE_URL and TRACEKIN_DATABASE_URL_FILE are both set: give one of them");
    ck_assert_int_eq(unlink(serving), 0);
    ck_assert_int_eq(unlink(owner), 0);
}
END_TEST

/* None of them repeats what is in the file, or a secret given in the place of its path. */
START_TEST(test_files_with_a_fault)
{
    static const struct { struct str text; const char *says; } cases[] = {
        {STR(""), "must hold a secret"}, {STR(" \n"), "must hold a secret"}, {STR("postgresql://u:hush@h/d\0x"), "must hold a secret"},
        {STR("postgresql://u:hush@h/db\npostgresql://"), "a line break"}, {STR("postgresql://u:hush@h:port/db"), "a port"},
        {STR("hush"), "neither postgresql://"}};
    static const char *const no_paths[] = {"postgresql://u:hush@h/db", "hush"};
    for (size_t i = 0; i < ARRAY_LEN(cases) + ARRAY_LEN(no_paths); i++) {
        const bool has_file = i < ARRAY_LEN(cases);
        AUTO(service_config) struct service_config c = {0};
        struct err_info e = {0};
        char path[64] = "", flag[128];
        if (has_file)
            write_file(path, cases[i].text);
        (void)snprintf(flag, sizeof flag, "--database-url-file=%s", has_file ? path : no_paths[i - ARRAY_LEN(cases)]);
        ck_assert_int_eq(read_line(&c, (const char *const[]){flag, NULL}, NULL, NULL), OK);
        ck_assert_int_eq(service_config_check_database(&c, &e), ERR_INVALID);
        ck_assert_msg(strstr(e.message, has_file ? cases[i].says : "cannot be opened") != NULL, "%s", e.message);
        ck_assert_msg(strstr(e.message, "hush") == NULL && strstr(e.message, "TRACEKIN_DATABASE_URL") != NULL, "%s", e.message);
        if (has_file)
            ck_assert_int_eq(unlink(path), 0);
    }
}
END_TEST

START_TEST(test_keys_and_lists_are_checked)
{
    static const struct { const char *flag, *says; } cases[] = {
        {"--api-keys-file=/dev/nowhere", "TRACEKIN_API_KEYS_FILE is '/dev/nowhere': it cannot be opened"},
        {"--api-keys-file=/dev/null", "TRACEKIN_API_KEYS_FILE is '/dev/null': it is not a file"},
        {"--api-keys-file=/proc/self/comm", "line 1: after the name"},
        {"--trusted-proxies=proxy.example", "TRACEKIN_TRUSTED_PROXIES: 'proxy.example' is not an address"},
        {"--cors-origins=https://a.example/", "TRACEKIN_CORS_ORIGINS: 'https://a.example/' is not an origin"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO(service_config) struct service_config c = {0};
        struct err_info e = {0};
        ck_assert_int_eq(read_line(&c, (const char *const[]){"--database-url=postgresql://x", cases[i].flag, NULL}, NULL, NULL), OK);
        ck_assert_int_eq(service_check_serve(&c, &e), ERR_INVALID);
        ck_assert_msg(strstr(e.message, cases[i].says) != NULL, "%s", e.message);
    }
}
END_TEST

/* A secret that slipped there is not repeated, and where it is is told. */
START_TEST(test_arguments_in_no_place)
{
    static const struct { const char *words[4]; const char *says; } cases[] = {
        {{"hush"}, "argument 1 of the command"}, {{"tk_hush"}, "argument 1 of the command"},
        {{"postgresql://u:hush@h/db"}, "argument 1 of the command"}, {{"--queue-max", "3", "hush"}, "argument 3 of the command"},
        {{"--insecure", "hush"}, "argument 2 of the command"}, {{"--", "--hush"}, "argument 2 of the command"},
        {{"--database-url:postgresql://u:hush@h/db"}, "no setting --database-url***;"},
        {{"--data-url=postgresql://u:hush@h/db"}, "no setting --data-url;"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO(service_config) struct service_config c = {0};
        struct err_info e = {0};
        ck_assert_int_eq(read_line(&c, cases[i].words, NULL, &e), ERR_INVALID);
        ck_assert_msg(strstr(e.message, cases[i].says) != NULL && strstr(e.message, "hush") == NULL, "%s", e.message);
    }
}
END_TEST

START_TEST(test_rates)
{
    AUTO(service_config) struct service_config c = {0};
    struct err_info e = {0};
    ck_assert_int_eq(read_line(&c, no_words, NULL, NULL), OK);
    ck_assert_int_eq(c.rate_per_key, 0);
    ck_assert_int_eq(c.burst_per_key, 0);
    ck_assert_int_eq(read_line(&c, (const char *const[]){"--rate-per-key=7", "--rate-per-address", "OFF", NULL}, NULL, NULL), OK);
    ck_assert_int_eq(c.rate_per_key, 7);
    ck_assert_int_eq(c.rate_per_address, 0);
    ck_assert_int_eq(read_line(&c, (const char *const[]){"--rate-per-key=1000001", NULL}, NULL, &e), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(e.message, "1 to 1000000, or off"));
}
END_TEST

static const char *print(const struct service_config *c)
{
    static char text[TEXT_MAX];
    FILE *out = fmemopen(text, sizeof text, "w");
    ck_assert_ptr_nonnull(out);
    service_config_print(c, out);
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

static const char *printed(const char *url)
{
    AUTO(service_config) struct service_config c = {0};
    ck_assert_int_eq(read_line(&c, (const char *const[]){"--database-url", url, NULL}, NULL, NULL), OK);
    return print(&c);
}

/* Of each setting that names a file: neither what check-config lists nor why serve does not start has the secret that is there
 * in place of a path. */
START_TEST(test_secrets_in_place_of_their_files)
{
    static const struct { const char *flag, *env; const char *others[3]; } files[] = {
        {"database-url-file", "TRACEKIN_DATABASE_URL", {NULL}},
        {"database-owner-url-file", "TRACEKIN_DATABASE_OWNER_URL", {"--database-url=postgresql://x"}},
        {"api-keys-file", "TRACEKIN_API_KEYS_FILE", {"--database-url=postgresql://x"}},
        {"tls-cert-file", "TRACEKIN_TLS_CERT_FILE", {"--database-url=postgresql://x", "--tls-key-file=/proc/self/comm"}},
        {"tls-key-file", "TRACEKIN_TLS_KEY_FILE", {"--database-url=postgresql://x", "--tls-cert-file=/proc/self/comm"}},
        {"embeddings-key-file", "TRACEKIN_EMBEDDINGS_KEY",
         {"--database-url=postgresql://x", "--embeddings-url=http://x", "--embeddings-model=m"}}};
    static const char *const secrets[] = {"hush", "/hush", ".hush", "./hush", "../hush", "//hush+Kx/9w==", "/hush/dev", "/dev/null/hush",
                                          "postgresql://u:hush@h/db",
                                          "-----BEGIN PRIVATE KEY-----\nMIIE/hush\n-----END PRIVATE KEY-----\n"};
    for (size_t i = 0; i < ARRAY_LEN(files) * ARRAY_LEN(secrets); i++) {
        const size_t file = i / ARRAY_LEN(secrets);
        const char *const *others = files[file].others;
        AUTO(service_config) struct service_config c = {0};
        struct err_info e = {0};
        char flag[128];
        (void)snprintf(flag, sizeof flag, "--%s=%s", files[file].flag, secrets[i % ARRAY_LEN(secrets)]);
        ck_assert_int_eq(read_line(&c, (const char *const[]){flag, others[0], others[1], others[2], NULL}, NULL, NULL), OK);
        ck_assert_int_eq(service_check_serve(&c, &e), ERR_INVALID);
        ck_assert_msg(strstr(e.message, files[file].env) != NULL, "%s", e.message);
        ck_assert_msg(strstr(e.message, "is '***': it cannot be opened") != NULL, "%s", e.message);
        ck_assert_msg(strstr(e.message, "hush") == NULL && strstr(e.detail, "hush") == NULL, "%s", e.message);
        ck_assert_msg(strstr(print(&c), "hush") == NULL, "%s", flag);
    }
}
END_TEST

/* Of a path that is one, though nothing may be there, the operator sees what is wrong with it. */
START_TEST(test_paths_that_are_shown)
{
    static const char *const shown[] = {"/proc/self/comm", "/dev/nowhere", "/proc/self/../nowhere", "/", "."};
    for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
        AUTO(service_config) struct service_config c = {0};
        char flag[64], line[128];
        (void)snprintf(flag, sizeof flag, "--api-keys-file=%s", shown[i]);
        (void)snprintf(line, sizeof line, "TRACEKIN_API_KEYS_FILE=%s\n", shown[i]);
        ck_assert_int_eq(read_line(&c, (const char *const[]){flag, NULL}, NULL, NULL), OK);
        ck_assert_msg(strstr(print(&c), line) != NULL, "%s", line);
    }
}
END_TEST

START_TEST(test_passwords_are_not_printed)
{
    static const struct { const char *url, *shown; } cases[] = {
        {"postgresql://me:se%40cret@db:5432/tk?sslmode=require", "TRACEKIN_DATABASE_URL=postgresql://me:***@db:5432/tk?sslmode=require\n"},
        {"postgresql://me:a@b:c@db/tk", "TRACEKIN_DATABASE_URL=postgresql://me:***@db/tk\n"},
        {"postgresql://me@db/tk", "TRACEKIN_DATABASE_URL=postgresql://me@db/tk\n"},
        {"postgresql:///tk?user=me&password=secret", "TRACEKIN_DATABASE_URL=postgresql:///tk?user=me&password=***\n"},
        {"host=db password=secret user=me", "TRACEKIN_DATABASE_URL=host=db password=***\n"},
        {"host=db password = secret", "TRACEKIN_DATABASE_URL=host=db password =***\n"},
        {"host=db password=a:secret@b", "TRACEKIN_DATABASE_URL=host=db password=***\n"},
        {"postgresql://u:secretpassword=@db/t", "TRACEKIN_DATABASE_URL=postgresql://u:***@db/t\n"},
        {"postgresql://me:secret@db/tk?sslpassword=secret", "TRACEKIN_DATABASE_URL=postgresql://me:***@db/tk?sslpassword=***\n"},
        {"user=password password\t=secret", "TRACEKIN_DATABASE_URL=user=password password\t=***\n"},
        {"host=db user=me", "TRACEKIN_DATABASE_URL=host=db user=me\n"},
        {"postgresql:/me:secret@db/tk", "TRACEKIN_DATABASE_URL=postgresql:***@db/tk\n"},
        {"secret", "TRACEKIN_DATABASE_URL=***\n"},
        {"host=db passwort=secret", "TRACEKIN_DATABASE_URL=***\n"},
        {"me:secret@db/tk", "TRACEKIN_DATABASE_URL=me:***@db/tk\n"},
        {"me:secret@db/tk?options=a://b", "TRACEKIN_DATABASE_URL=me:***@db/tk?options=a://b\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        ck_assert_msg(strstr(printed(cases[i].url), cases[i].shown) != NULL, "%s", cases[i].url);
}
END_TEST

/* What is printed can be given back: a default is in its own range and in its own words. */
START_TEST(test_every_setting_is_listed)
{
    static const char *const names[] = {"LISTEN", "DATABASE_URL", "INSECURE", "RETENTION", "HTTP_THREADS", "READ_WORKERS",
                                        "SEARCH_WORKERS", "INGEST_WORKERS", "WRITER_THREADS", "CONNECTIONS_MAX", "QUEUE_MAX",
                                        "BODY_MAX_BYTES", "REQUEST_TIMEOUT", "DRAIN_TIMEOUT", "LOG_LEVEL"};
    const char *text = printed("postgresql://db/tk");
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char line[64];
        (void)snprintf(line, sizeof line, "TRACEKIN_%s=", names[i]);
        ck_assert_msg(strstr(text, line) != NULL, "%s", line);
    }
    ck_assert_ptr_nonnull(strstr(text, "TRACEKIN_BODY_MAX_BYTES=64MiB\n    --body-max-bytes; default 64MiB; 1KiB to 1GiB.\n"));
    ck_assert_ptr_nonnull(strstr(text, "TRACEKIN_RETENTION=off\n"));
    ck_assert_ptr_nonnull(strstr(text, "TRACEKIN_VECTOR_LISTS=auto\n"));
    ck_assert_ptr_nonnull(strstr(text, "TRACEKIN_IDLE_TIMEOUT=75s\n"));
}
END_TEST

static TCase *tcase_config(void)
{
    TCase *tc = tcase_create("config");
    tcase_add_checked_fixture(tc, forget_environment, forget_environment);
    tcase_add_test(tc, test_defaults);
    tcase_add_test(tc, test_flag_beats_variable_beats_default);
    tcase_add_test(tc, test_values);
    tcase_add_test(tc, test_operands_keep_their_order);
    tcase_add_test(tc, test_refuses);
    tcase_add_test(tc, test_a_wrong_variable_is_named);
    tcase_add_test(tc, test_serving_needs_a_database_and_a_decision);
    tcase_add_test(tc, test_a_database_url_with_a_fault_is_refused);
    tcase_add_test(tc, test_passwords_are_not_printed);
    tcase_add_test(tc, test_secrets_are_hidden_in_the_arguments);
    tcase_add_test(tc, test_urls_come_from_files);
    tcase_add_test(tc, test_files_with_a_fault);
    tcase_add_test(tc, test_arguments_in_no_place);
    tcase_add_test(tc, test_secrets_in_place_of_their_files);
    tcase_add_test(tc, test_paths_that_are_shown);
    tcase_add_test(tc, test_keys_and_lists_are_checked);
    tcase_add_test(tc, test_rates);
    tcase_add_test(tc, test_every_setting_is_listed);
    return tc;
}

CHECK_MAIN("config", tcase_config)
