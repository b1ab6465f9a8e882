#include "service/command/commands.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/request/keyring.h"
#include "core/log.h"
#include "service/command/healthcheck.h"
#include "service/command/import.h"
#include "service/database/index.h"
#include "service/database/schema.h"
#include "service/process/signals.h"
#include "service/serve/check.h"
#include "service/serve/server.h"
#include "service/setting/config.h"

enum { EXIT_USAGE = 2, KEY_LINE_MAX_BYTES = 4096 };

static int command_fail(const struct err_info *e)
{
    (void)fprintf(stderr, "tracekin: %s\n", e->message);
    if (e->detail[0] != '\0')
        (void)fprintf(stderr, "tracekin: %s\n", e->detail);
    return e->code == ERR_INVALID ? EXIT_USAGE : EXIT_FAILURE;
}

/* Reads the settings and checks them; returns whether to go on. */
static bool command_configure(struct service_config *config, int argc, char **argv, int *n_operands,
                              enum err (*check)(struct service_config *, struct err_info *), struct err_info *e)
{
    if (service_config_read(config, argc, argv, n_operands, e) != OK || (check != NULL && check(config, e) != OK))
        return false;
    log_set_level((enum log_level)config->log_level);
    return true;
}

/* A service has no terminal: it says by its log why it did not start. */
int service_command_serve(int argc, char **argv)
{
    AUTO(service_config) struct service_config config = {0};
    struct err_info e = {0};
    if (!command_configure(&config, argc, argv, NULL, service_check_serve, &e)) {
        log_err(LOG_ERROR, "start_failed", &e);
        return EXIT_USAGE;
    }
    if (service_server_run(&config, &e) == OK)
        return EXIT_SUCCESS;
    log_err(LOG_ERROR, "start_failed", &e);
    return EXIT_FAILURE;
}

int service_command_migrate(int argc, char **argv)
{
    AUTO(service_config) struct service_config config = {0};
    struct err_info e = {0};
    int n_operands = 0, n_applied = 0;
    bool is_current = false;
    if (!command_configure(&config, argc, argv, &n_operands, service_config_check_database, &e))
        return command_fail(&e);
    const bool only_status = n_operands == 1 && strcmp(argv[0], "status") == 0;
    if (n_operands > 0 && !only_status) {
        (void)fprintf(stderr, "tracekin: migrate takes nothing, or status\n");
        return EXIT_USAGE;
    }
    if (only_status && service_schema_print(&config, stdout, &is_current, &e) == OK)
        return is_current ? EXIT_SUCCESS : EXIT_FAILURE;
    if (!only_status && service_config_check_write(&config, &e) != OK)
        return command_fail(&e);
    service_signals_block();
    if (only_status || service_schema_migrate(&config, &n_applied, &e) != OK)
        return command_fail(&e);
    (void)printf("%d migrations applied; the schema is current\n", n_applied);
    return EXIT_SUCCESS;
}

int service_command_import(int argc, char **argv)
{
    AUTO(service_config) struct service_config config = {0};
    struct err_info e = {0};
    int n_files = 0;
    if (!command_configure(&config, argc, argv, &n_files, service_config_check_write, &e))
        return command_fail(&e);
    if (n_files == 0) {
        (void)fprintf(stderr, "tracekin: import needs a file of OTLP/JSON lines, or - for the standard input\n");
        return EXIT_USAGE;
    }
    return service_import(&config, argv, (size_t)n_files, &e) == OK ? EXIT_SUCCESS : command_fail(&e);
}

int service_command_index(int argc, char **argv)
{
    AUTO(service_config) struct service_config config = {0};
    struct err_info e = {0};
    int n_operands = 0;
    if (!command_configure(&config, argc, argv, &n_operands, service_config_check_database, &e))
        return command_fail(&e);
    const bool is_rebuild = n_operands == 1 && strcmp(argv[0], "rebuild") == 0;
    if (n_operands > 1 || (n_operands == 1 && !is_rebuild && strcmp(argv[0], "status") != 0)) {
        (void)fprintf(stderr, "tracekin: index takes status, the default, or rebuild\n");
        return EXIT_USAGE;
    }
    if (is_rebuild && service_config_check_write(&config, &e) != OK)
        return command_fail(&e);
    service_signals_block();
    const enum err code = is_rebuild ? service_index_rebuild(&config, stdout, &e) : service_index_print(&config, stdout, &e);
    return code == OK ? EXIT_SUCCESS : command_fail(&e);
}

/* The line of a new key, in the form of the keys' file. */
static enum err make_key(int argc, char **argv, char key[API_KEY_TEXT_MAX], struct buf *line, struct err_info *e)
{
    AUTO(buf) struct buf limits;
    buf_init(&limits, KEY_LINE_MAX_BYTES);
    for (int i = 2; i < argc; i++)
        buf_printf(&limits, "%s%s", i == 2 ? "" : " ", argv[i]);
    TRY(api_key_make(key, e));
    return api_key_put_line(line, str_of(key), str_of(argv[0]), str_of(argv[1]), buf_str(&limits), e);
}

/* The line first: a key whose line was lost is of no use. */
int service_command_api_key(int argc, char **argv)
{
    char key[API_KEY_TEXT_MAX];
    struct err_info e = {0};
    AUTO(buf) struct buf line;
    buf_init(&line, KEY_LINE_MAX_BYTES);
    if (argc < 2) {
        (void)fprintf(stderr, "tracekin: api-key needs a name and scopes (read, ingest, admin, with commas between), and takes rate=N burst=N\n");
        return EXIT_USAGE;
    }
    if (make_key(argc, argv, key, &line, &e) != OK)
        return command_fail(&e);
    if (printf("%.*s\n", STR_ARG(buf_str(&line))) < 0 || fflush(stdout) != 0) {
        (void)fprintf(stderr, "tracekin: the line of the key cannot be written, so there is none: %m\n");
        return EXIT_FAILURE;
    }
    (void)fprintf(stderr, "%s%s\n", isatty(STDERR_FILENO) ? "The key, told only this once: " : "", key);
    return EXIT_SUCCESS;
}

int service_command_healthcheck(int argc, char **argv)
{
    AUTO(service_config) struct service_config config = {0};
    struct err_info e = {0};
    if (!command_configure(&config, argc, argv, NULL, NULL, &e) || service_healthcheck(&config.listen, config.tls_cert_file.len > 0, &e) != OK)
        return command_fail(&e);
    return EXIT_SUCCESS;
}

int service_command_check_config(int argc, char **argv)
{
    AUTO(service_config) struct service_config config = {0};
    struct err_info e = {0};
    if (!command_configure(&config, argc, argv, NULL, NULL, &e))
        return command_fail(&e);
    service_config_print(&config, stdout);
    service_config_warn_unknown();
    return service_check_serve(&config, &e) == OK ? EXIT_SUCCESS : command_fail(&e);
}

int service_command_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    (void)printf("tracekin " TRACEKIN_VERSION "\n");
    return EXIT_SUCCESS;
}
