/* One connection to PostgreSQL, with prepared statements, deadlines and cancellation.
 *
 * Created by db_conn_new, freed by db_conn_free; one thread at a time. It connects when first used and again after a loss,
 * but for a session that is kept; statements are prepared once per server session, by the address of their struct db_statement. Parameters and results
 * travel in binary. Every wait ends at the deadline of the struct db_wait: the statement is cancelled, and when the server
 * does not answer that either within DB_CANCEL_GRACE_MS the connection is closed.
 *
 * Errors: ERR_TIMEOUT at the deadline, ERR_CANCELLED when the wait was cancelled, ERR_UNAVAILABLE when there is no
 * connection or it was lost, ERR_OUTCOME_UNKNOWN when that befell a db_commit, ERR_INVALID for a URL with a fault (db/session/url.h) and for input PostgreSQL refuses (SQLSTATE 22xxx), ERR_BUSY for 53xxx, for a right that the role lacks (42501), for a deadlock or
 * serialisation failure (40xxx), for a lock not had (55P03) and for a plan that a change of the schema made stale, ERR_INTERNAL
 * for the rest. err.sqlstate and err.detail hold the server's words. A statement's error leaves the connection usable,
 * but for that of a server that takes no writes (25006): it may be a standby now, so the session is closed. */
#ifndef TRACEKIN_DB_CONN_H
#define TRACEKIN_DB_CONN_H

#include <stdatomic.h>

#include "core/arena.h"
#include "core/buf.h"
#include "core/err.h"
#include "core/str.h"

enum { DB_PARAMS_MAX = 32, DB_STATEMENTS_MAX = 128, DB_CANCEL_GRACE_MS = 250, DB_CONNECT_TIMEOUT_S = 3 };

/* As PQserverVersion gives it. An older server is connected to as well, so that it can be told apart. */
enum { DB_SERVER_VERSION_MIN = 150000 };

struct db_conn;   /* a connection */
struct db_result; /* the rows of one statement */

/* What ends a wait before its result: a monotonic deadline, or *cancelled turning true followed by a write to wake_fd (an
 * eventfd; -1 for none). cancelled may be NULL. */
struct db_wait {
    int64_t deadline_ns;
    const atomic_bool *cancelled;
    int wake_fd;
};

/* A prepared statement: static storage, one per question. name is what metrics and /api/v1/stats call the query. */
struct db_statement {
    const char *name;
    const char *sql;
};

/* Parameters in order, built on the caller's stack: db_params_init, then one db_put_ per $n. Values are borrowed until the
 * statement has run. Sticky failure, checked by db_run. */
struct db_params {
    struct arena *arena; /* where encoded numbers live */
    int n;
    const char *values[DB_PARAMS_MAX];
    int lengths[DB_PARAMS_MAX];
    unsigned oids[DB_PARAMS_MAX];
    bool failed;
};

void db_params_init(struct db_params *p, struct arena *arena);
void db_put_null(struct db_params *p, unsigned oid);
void db_put_bool(struct db_params *p, bool value);
void db_put_i32(struct db_params *p, int32_t value);
void db_put_i64(struct db_params *p, int64_t value);
void db_put_f64(struct db_params *p, double value);
void db_put_text(struct db_params *p, struct str value);  /* absent: NULL */
void db_put_bytes(struct db_params *p, struct str value); /* absent: NULL */
void db_put_time(struct db_params *p, int64_t wall_ns);   /* timestamptz, cut to the microsecond */
void db_put_json(struct db_params *p, struct str value);  /* jsonb; absent: NULL */
void db_put_text_array(struct db_params *p, const struct str *items, size_t n_items);
void db_put_bytes_array(struct db_params *p, const struct str *items, size_t n_items);
void db_put_i32_array(struct db_params *p, const int32_t *items, size_t n_items);
/* As pgvector's binary form, of a type that the server infers: the statement says $n::vector. */
void db_put_vector(struct db_params *p, const float *values, size_t n_values);

/* new: not connected yet; NULL when memory is out. url (a URL or keyword=value pairs) and application_name are copied. */
struct db_conn *db_conn_new(const char *url, const char *application_name) MUST_USE;
void db_conn_free(struct db_conn *c);
static inline void db_conn_auto(struct db_conn **c) { db_conn_free(*c); }
/* Connects if it is not connected. Backs off after failures: within the back-off it fails at once. */
enum err db_conn_open(struct db_conn *c, const struct db_wait *wait, struct err_info *e) MUST_USE;
bool db_conn_is_open(const struct db_conn *c);
/* Says that the open session has, or is about to get, what lives and dies with it: settings, temporary tables, locks. No
 * other takes its place unseen: once it is lost, commands fail with ERR_UNAVAILABLE until db_conn_open makes a new one, which
 * is not kept. So who keeps a session opens it before each use, and makes anew what it needs when db_conn_is_kept denies. */
void db_conn_keep(struct db_conn *c);
void db_conn_unkeep(struct db_conn *c);
bool db_conn_is_kept(const struct db_conn *c);
/* Closes a session whose state is unknown; the next use opens a new one, or db_conn_open does if it was kept. */
void db_conn_close(struct db_conn *c);

/* A number that the owner of a session may leave with it, to know what it has set there; 0 in a new session. */
uint64_t db_conn_mark(const struct db_conn *c);
void db_conn_set_mark(struct db_conn *c, uint64_t mark);

/* Runs a prepared statement; *out is new (db_result_free), out may be NULL. p may be NULL when there are no parameters; the
 * types of a statement's parameters are those of its first run. statement_timeout covers the remaining time. */
enum err db_run(struct db_conn *c, const struct db_wait *wait, const struct db_statement *s, const struct db_params *p,
                struct db_result **out, struct err_info *e) MUST_USE;
/* As db_run, not prepared but parsed and planned for these very values: for what a plan that serves any values would serve
 * badly. */
enum err db_run_anew(struct db_conn *c, const struct db_wait *wait, const struct db_statement *s, const struct db_params *p,
                     struct db_result **out, struct err_info *e) MUST_USE;
/* Runs SQL text without parameters, not prepared, several statements allowed: migrations, BEGIN, COMMIT. out may be NULL; else
 * it is the last statement's result, as text: only db_get_str reads it. COMMIT of a failed transaction is ERR_INTERNAL. */
enum err db_exec(struct db_conn *c, const struct db_wait *wait, const char *sql, struct db_result **out, struct err_info *e) MUST_USE;
/* COMMIT. ERR_OUTCOME_UNKNOWN when it was sent and the server has not said what became of it; any other error means that nothing
 * of the transaction is stored, now or later. */
enum err db_commit(struct db_conn *c, const struct db_wait *wait, struct err_info *e) MUST_USE;
/* COPY ... FROM STDIN (FORMAT binary): sql starts it, data is the whole stream with header and trailer. */
enum err db_copy(struct db_conn *c, const struct db_wait *wait, const char *sql, struct str data, struct err_info *e) MUST_USE;
/* Rolls back an open transaction if there is one; closes the connection when even that fails. */
void db_rollback(struct db_conn *c, const struct db_wait *wait);

void db_result_free(struct db_result *r);
static inline void db_result_auto(struct db_result **r) { db_result_free(*r); }
int db_n_rows(const struct db_result *r);
/* Rows written by an INSERT, UPDATE or DELETE. */
int64_t db_n_affected(const struct db_result *r);
/* Fields of row, column; borrowed until the result is freed. Asking a NULL gives 0, false or an absent str. */
bool db_is_null(const struct db_result *r, int row, int column);
bool db_get_bool(const struct db_result *r, int row, int column);
int64_t db_get_i64(const struct db_result *r, int row, int column); /* of int2, int4 or int8 */
double db_get_f64(const struct db_result *r, int row, int column);  /* of float4 or float8 */
struct str db_get_str(const struct db_result *r, int row, int column);  /* text, bytea, name: the bytes */
struct str db_get_json(const struct db_result *r, int row, int column); /* jsonb: its JSON text */
int64_t db_get_time(const struct db_result *r, int row, int column);    /* timestamptz, in nanoseconds */
/* The elements of a one-dimensional text[] or bytea[]; *out is an arena array of slices into the result. */
enum err db_get_array(const struct db_result *r, int row, int column, struct arena *arena, struct str **out, size_t *n_out,
                      struct err_info *e) MUST_USE;
/* The floats of a vector; false when NULL or when it does not have n_values of them. */
bool db_get_vector(const struct db_result *r, int row, int column, float *values, size_t n_values);

/* PostgreSQL's version as PQserverVersion gives it (170011), 0 when not connected. */
int db_conn_server_version(const struct db_conn *c);

#endif
