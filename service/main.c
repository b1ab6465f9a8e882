#include <stdio.h>
#include <string.h>

#include "core/attr.h"
#include "service/command/commands.h"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *arguments, *help;
} commands[] = {
    {"serve", service_command_serve, "", "migrate the database, then serve HTTP until SIGTERM"},
    {"migrate", service_command_migrate, "[status]", "bring the database to this version's schema, or tell where it is"},
    {"import", service_command_import, "FILE...", "load OTLP/JSON lines, plain or gzip; - is the standard input"},
    {"index", service_command_index, "[status|rebuild]", "tell how the vector index is, or build it anew"},
    {"api-key", service_command_api_key, "NAME SCOPES...", "make an API key: its line on stdout, the key on stderr"},
    {"healthcheck", service_command_healthcheck, "", "exit 0 when the service that listens there is ready"},
    {"check-config", service_command_check_config, "", "check and list every setting"},
    {"version", service_command_version, "", "print the version"},
};

static int print_usage(FILE *out)
{
    (void)fprintf(out, "usage: tracekin COMMAND [--setting value]...\n\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        (void)fprintf(out, "  %-12s %-16s %s\n", commands[i].name, commands[i].arguments, commands[i].help);
    (void)fprintf(out, "\nSettings are flags or TRACEKIN_ variables; `tracekin check-config` lists them.\n");
    return out == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return print_usage(stderr);
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0)
        return print_usage(stdout);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 2, argv + 2);
    (void)fprintf(stderr, "tracekin: there is no such command\n"); /* it may be a secret that slipped there */
    return print_usage(stderr);
}
