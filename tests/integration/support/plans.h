/* The plans that a connection's statements really ran by, as the server explains them, and how much they read.
 *
 * One thread; the connection is open and its session stays until plans_close. */
#ifndef TRACEKIN_TESTS_PLANS_H
#define TRACEKIN_TESTS_PLANS_H

#include "db/session/conn.h"

struct plans {
    struct db_conn *conn;
    struct buf text; /* of all statements since plans_begin */
};

void plans_open(struct plans *p, struct db_conn *conn, const struct db_wait *wait);
void plans_close(struct plans *p);
/* Forgets what was explained so far. */
void plans_begin(struct plans *p);
/* NUL-terminated, borrowed until the next statement. */
const char *plans_text(struct plans *p);
/* Pages of 8 kB, however often each. */
int64_t plans_pages(struct plans *p);

#endif
