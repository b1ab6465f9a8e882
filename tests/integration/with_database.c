/* with_database [--roles] COMMAND ARG...: runs COMMAND with TRACEKIN_DATABASE_URL naming a database made for it, which is dropped
 * when it ends, and ends with its status. 77 when TRACEKIN_TEST_DATABASE_URL is not set. With --roles that URL is of a role
 * that may not change the schema, and TRACEKIN_DATABASE_OWNER_URL of the one that may.
 * with_database --number SQL: within such a command, prints the first field of SQL's first row, a number. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/str.h"
#include "tests/integration/support/roles.h"

static int print_number(const char *sql)
{
    const char *const url = getenv("TRACEKIN_DATABASE_URL");
    if (url == NULL)
        return EXIT_FAILURE;
    (void)printf("%" PRId64 "\n", database_number(url, sql));
    return EXIT_SUCCESS;
}

static int run(const char *url, const char *owner_url, char **command)
{
    const pid_t pid = fork();
    if (pid == 0) {
        if (setenv("TRACEKIN_DATABASE_URL", url, 1) == 0 &&
            (owner_url == NULL || setenv("TRACEKIN_DATABASE_OWNER_URL", owner_url, 1) == 0))
            (void)execvp(command[0], command);
        perror(command[0]);
        _exit(EXIT_FAILURE);
    }
    int status;
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return EXIT_FAILURE;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

static int run_on_a_database(char **command)
{
    struct database database;
    database_create(&database);
    const int status = run(database.url, NULL, command);
    database_drop(&database);
    return status;
}

static int run_with_roles(char **command)
{
    struct roles roles;
    roles_create(&roles);
    const int status = run(roles.serving_url, roles.owner_url, command);
    roles_drop(&roles);
    return status;
}

int main(int argc, char **argv)
{
    const bool has_roles = argc > 1 && strcmp(argv[1], "--roles") == 0;
    if (argc == 3 && strcmp(argv[1], "--number") == 0)
        return print_number(argv[2]);
    if (argc < (has_roles ? 3 : 2)) {
        (void)fprintf(stderr, "usage: with_database [--roles] COMMAND ARG... | --number SQL\n");
        return EXIT_FAILURE;
    }
    if (getenv("TRACEKIN_TEST_DATABASE_URL") == NULL) {
        (void)fprintf(stderr, "TRACEKIN_TEST_DATABASE_URL is not set: skipped\n");
        return DATABASE_SKIPPED;
    }
    return has_roles ? run_with_roles(argv + 2) : run_on_a_database(argv + 1);
}
