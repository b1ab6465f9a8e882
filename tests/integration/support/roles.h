/* A database whose schema one role owns and another role uses; neither is a superuser.
 *
 * The roles are of this database alone; roles_drop drops them with it. A failure ends the test. */
#ifndef TRACEKIN_TESTS_ROLES_H
#define TRACEKIN_TESTS_ROLES_H

#include "tests/integration/support/database.h"

enum { ROLES_NAME_MAX = 64 };

struct roles {
    struct database database; /* its url is the superuser's */
    char owner[ROLES_NAME_MAX], serving[ROLES_NAME_MAX];
    char owner_url[DATABASE_URL_MAX], serving_url[DATABASE_URL_MAX];
};

/* The owner owns the database, which has the extension and no schema yet; the serving role has what everybody has. */
void roles_create(struct roles *r);
void roles_drop(const struct roles *r);

#endif
