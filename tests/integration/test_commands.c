/* The subcommands of the binary: what they print and how they end. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "db/session/advisory.h"
#include "tests/integration/support/database.h"
#include "tests/integration/support/server.h"

enum { OUTPUT_MAX = 65536, URL_SETTING_MAX = DATABASE_URL_MAX + 32 };

static char output[OUTPUT_MAX];
static char url_setting[URL_SETTING_MAX];

static int run(const char *const *arguments, const char *const *settings)
{
    return server_command(arguments, settings, output, sizeof output);
}

static void set_url(void)
{
    (void)snprintf(url_setting, sizeof url_setting, "TRACEKIN_DATABASE_URL=%s", database_url());
}

START_TEST(test_wrong_command_lines)
{
    static const struct { const char *arguments[4]; const char *says; } cases[] = {
        {{NULL}, "usage: tracekin"}, {{"sing"}, "there is no such command"},
        {{"serve", "now"}, "argument 1 of the command is not understood"}, {{"serve", "--prot=1"}, "there is no setting --prot"},
        {{"serve"}, "TRACEKIN_DATABASE_URL is not set"}, {{"serve", "--database-url=postgresql://x", "--listen=0.0.0.0:0"}, "TRACEKIN_INSECURE"},
        {{"migrate"}, "TRACEKIN_DATABASE_URL is not set"}, {{"migrate", "back", "--database-url=postgresql://x"}, "migrate takes nothing, or status"},
        {{"import", "--database-url=postgresql://x"}, "import needs a file"}, {{"check-config", "--queue-max=0"}, "1 to 1024"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const int status = run(cases[i].arguments, NULL);
        ck_assert_msg(status == 2, "case %zu ends with %d: %s", i, status, output);
        ck_assert_msg(strstr(output, cases[i].says) != NULL, "case %zu says %s", i, output);
    }
}
END_TEST

START_TEST(test_version_and_help)
{
    ck_assert_int_eq(run((const char *const[]){"version", NULL}, NULL), 0);
    ck_assert_str_eq(output, "tracekin " TRACEKIN_VERSION "\n");
    ck_assert_int_eq(run((const char *const[]){"help", NULL}, NULL), 0);
    ck_assert_ptr_nonnull(strstr(output, "check-config"));
}
END_TEST

START_TEST(test_check_config_warns_of_what_it_does_not_know)
{
    const char *const settings[] = {url_setting, "TRACEKIN_LISTENN=1", "TRACEKIN_TEST_X=1", "TRACEKIN_CACHE=/x", NULL};
    ck_assert_int_eq(run((const char *const[]){"check-config", NULL}, settings), 0);
    ck_assert_msg(strstr(output, "\"variable\":\"TRACEKIN_LISTENN\"") != NULL, "%s", output);
    ck_assert_ptr_null(strstr(output, "TRACEKIN_TEST_X"));
    ck_assert_ptr_null(strstr(output, "\"TRACEKIN_CACHE"));
}
END_TEST

START_TEST(test_migrate)
{
    struct database d;
    char setting[URL_SETTING_MAX];
    database_create(&d);
    (void)snprintf(setting, sizeof setting, "TRACEKIN_DATABASE_URL=%s", d.url);
    const char *const settings[] = {setting, NULL};
    ck_assert_msg(run((const char *const[]){"migrate", "status", NULL}, settings) == 1, "%s", output);
    ck_assert_msg(strstr(output, "pending") != NULL, "%s", output);
    ck_assert_msg(run((const char *const[]){"migrate", NULL}, settings) == 0, "%s", output);
    ck_assert_msg(run((const char *const[]){"migrate", "status", NULL}, settings) == 0, "%s", output);
    ck_assert_ptr_null(strstr(output, "pending"));
    ck_assert_msg(run((const char *const[]){"migrate", NULL}, settings) == 0, "%s", output);
    ck_assert_ptr_nonnull(strstr(output, "0 migrations applied"));
    database_drop(&d);
}
END_TEST

START_TEST(test_a_database_that_never_answers_ends_the_start)
{
    static const char *const settings[] = {"TRACEKIN_DATABASE_URL=postgresql://nobody@127.0.0.1:1/none",
                                           "TRACEKIN_STARTUP_TIMEOUT=1s", "TRACEKIN_LISTEN=127.0.0.1:0", NULL};
    static const char *const commands[] = {"serve", "migrate"};
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        ck_assert_int_eq(run((const char *const[]){commands[i], NULL}, settings), 1);
        ck_assert_msg(strstr(output, "database") != NULL, "%s", output);
    }
}
END_TEST

/* At once, whatever it is started for, and without the password. */
START_TEST(test_a_database_url_with_a_fault_ends_every_command)
{
    static const char *const urls[] = {
        "TRACEKIN_DATABASE_URL=postgresql://u:secret@host:badport/db", "TRACEKIN_DATABASE_URL=garbage",
        "TRACEKIN_DATABASE_URL=postgresql://u:p%secret@host/db", "TRACEKIN_DATABASE_URL=postgresql://u:p@secret/w@host/db"};
    static const char *const commands[][3] = {{"check-config"}, {"serve"}, {"migrate"}, {"import", "-"}, {"index"}};
    for (size_t i = 0; i < ARRAY_LEN(urls) * ARRAY_LEN(commands); i++) {
        const char *const settings[] = {urls[i / ARRAY_LEN(commands)], NULL};
        const char *const *command = commands[i % ARRAY_LEN(commands)];
        const int status = run(command, settings);
        ck_assert_msg(status == 2, "%s ends with %d: %s", command[0], status, output);
        ck_assert_msg(strstr(output, "TRACEKIN_DATABASE_URL ") != NULL, "%s", output);
        ck_assert_msg(strstr(output, "secret") == NULL, "%s", output);
    }
}
END_TEST

/* Another process migrates, and takes its time. */
START_TEST(test_a_signal_ends_the_wait_for_the_schema)
{
    static const char *const commands[] = {"serve", "migrate"};
    const char *const settings[] = {url_setting, "TRACEKIN_LISTEN=127.0.0.1:0", NULL};
    const struct db_wait wait = database_wait(10000);
    struct db_conn *other = db_conn_new(database_url(), "tracekin test");
    ck_assert_int_eq(db_advisory_lock(other, &wait, DB_ADVISORY_MIGRATE, NULL), OK);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        struct server s;
        int status = 0;
        server_spawn(&s, (const char *const[]){commands[i], NULL}, settings);
        while (database_number(database_url(), "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tracekin migrate'"
                                               " AND datname = current_database()") == 0)
            ck_assert_msg(!server_wait(&s, 20, &status), "%s", server_log(&s));
        server_signal(&s, SIGTERM);
        ck_assert_msg(server_wait(&s, 5000, &status), "%s runs on", commands[i]);
        ck_assert_msg(status == 1, "%s ends with %d: %s", commands[i], status, server_log(&s));
        ck_assert_int_eq(close(s.log_fd), 0);
    }
    db_conn_free(other);
}
END_TEST

START_TEST(test_healthcheck)
{
    struct server s;
    char listen[SERVER_ADDRESS_MAX + 32];
    server_start(&s, database_url(), NULL);
    (void)snprintf(listen, sizeof listen, "TRACEKIN_LISTEN=%s", s.address);
    ck_assert_msg(run((const char *const[]){"healthcheck", NULL}, (const char *const[]){listen, NULL}) == 0, "%s", output);
    (void)snprintf(listen, sizeof listen, "TRACEKIN_LISTEN=0.0.0.0:%d", s.port);
    ck_assert_msg(run((const char *const[]){"healthcheck", NULL}, (const char *const[]){listen, NULL}) == 0, "%s", output);
    ck_assert_int_eq(server_stop(&s), 0);
    ck_assert_int_eq(run((const char *const[]){"healthcheck", NULL}, (const char *const[]){listen, NULL}), 1);
    ck_assert_msg(strstr(output, "nothing listens at 127.0.0.1:") != NULL, "%s", output);
}
END_TEST

START_TEST(test_an_address_in_use_is_named)
{
    struct server s;
    char listen[SERVER_ADDRESS_MAX + 32];
    server_start(&s, database_url(), NULL);
    (void)snprintf(listen, sizeof listen, "TRACEKIN_LISTEN=%s", s.address);
    ck_assert_int_eq(run((const char *const[]){"serve", NULL}, (const char *const[]){listen, url_setting, NULL}), 1);
    ck_assert_msg(strstr(output, s.address) != NULL && strstr(output, "in use") != NULL, "%s", output);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

static TCase *tcase_commands(void)
{
    TCase *tc = tcase_create("commands");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, set_url, NULL);
    tcase_add_test(tc, test_wrong_command_lines);
    tcase_add_test(tc, test_version_and_help);
    tcase_add_test(tc, test_check_config_warns_of_what_it_does_not_know);
    tcase_add_test(tc, test_migrate);
    tcase_add_test(tc, test_a_database_that_never_answers_ends_the_start);
    tcase_add_test(tc, test_a_database_url_with_a_fault_ends_every_command);
    tcase_add_test(tc, test_a_signal_ends_the_wait_for_the_schema);
    tcase_add_test(tc, test_healthcheck);
    tcase_add_test(tc, test_an_address_in_use_is_named);
    return tc;
}

DATABASE_MAIN("commands", tcase_commands)
