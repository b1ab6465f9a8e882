/* Databases for tests, on the server that TRACEKIN_TEST_DATABASE_URL names, and a main() that makes one.
 *
 * Whoever asks for a database gets one of its own. A failure to make it, or of a statement run here, ends the test. Any
 * thread. */
#ifndef TRACEKIN_TESTS_DATABASE_H
#define TRACEKIN_TESTS_DATABASE_H

#include <check.h>
#include <stdint.h>

#include "db/session/conn.h"

enum { DATABASE_NAME_MAX = 64, DATABASE_URL_MAX = 512, DATABASE_SKIPPED = 77 };

struct database {
    char name[DATABASE_NAME_MAX];
    char url[DATABASE_URL_MAX];
};

/* An empty database; dropped with all its sessions by database_drop. */
void database_create(struct database *d);
void database_drop(const struct database *d);

/* The database that the test's main() made. */
const char *database_url(void);

/* Runs SQL on a session of its own: a way past the code under test. */
void database_exec(const char *url, const char *sql);
/* The first field of the first row, as a number. */
int64_t database_number(const char *url, const char *sql);

/* A wait that ends after so many milliseconds and that nobody cancels. */
struct db_wait database_wait(int ms);

int database_main(const char *name, TCase *(*const *cases)(void), size_t n_cases);

/* As CHECK_MAIN, with a database for all cases; skips when there is no server. */
#define DATABASE_MAIN(name, ...)                                                 \
    int main(void)                                                               \
    {                                                                            \
        TCase *(*const cases[])(void) = {__VA_ARGS__};                           \
        return database_main(name, cases, sizeof cases / sizeof *cases);         \
    }

#endif
