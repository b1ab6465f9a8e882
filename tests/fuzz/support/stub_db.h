/* A database that is none, in place of what db/session/run.c and db/session/exec.c do of db/session/conn.h, and of db_writer_write.
 *
 * It answers every statement with no rows, or fails as it is told; what would reach PostgreSQL is looked at: texts must be
 * clean UTF-8 and jsonb must be JSON, unless refuses_text says that PostgreSQL may be the one to find that out. One thread. */
#ifndef TRACEKIN_TESTS_STUB_DB_H
#define TRACEKIN_TESTS_STUB_DB_H

#include "api/request/req.h"

struct stub_db {
    enum err outcome;    /* of every call, once n_before have been OK */
    size_t n_before;
    bool refuses_text;   /* ERR_INVALID for ill-formed text, as PostgreSQL answers */
    size_t n_statements; /* that were run; zeroed by who asks */
};
extern struct stub_db stub_db;

/* What handlers need of the process, with this database and FUZZ_NOW_NS; once made it stays. */
const struct api_world *stub_world(void);
struct db_conn *stub_conn(void);

/* Runs req, which has all but route and parameters, as a worker does, and holds the reply to what every reply is: a status that
 * the outcome allows, and JSON where it says so. 500 is for the outcome ERR_INTERNAL alone. */
void stub_dispatch(struct api_req *req);
/* Whether the reply's status and body fit; part of stub_dispatch. */
void stub_check_reply(int status, struct str content_type, struct str body, const char *what);

#endif
