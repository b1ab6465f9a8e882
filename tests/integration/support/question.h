/* What tests of the questions share: a database with the schema, three days of partitions and SQL functions that put rows,
 * a connection, and a text of the rows seen.
 *
 * Times in the SQL functions are milliseconds after QUESTION_DAY_NS, ids small numbers. One thread. */
#ifndef TRACEKIN_TESTS_QUESTION_H
#define TRACEKIN_TESTS_QUESTION_H

#include "core/clock.h"
#include "db/chunk/chunk_build.h"
#include "db/window.h"
#include "tests/integration/support/database.h"

/* 2023-01-29T00:00:00Z; partitions are there for it and the two days after it. */
#define QUESTION_DAY_NS INT64_C(1674950400000000000)
#define QUESTION_MS(ms) (QUESTION_DAY_NS + (ms) * NS_PER_MS)

struct question {
    struct db_conn *conn;
    struct arena arena;
    struct db_wait wait;
    struct buf seen; /* "a b c": what question_see got */
    struct err_info e;
};

/* Makes the schema and the SQL functions, once a database. */
void question_schema(void);
void question_open(struct question *q);
void question_close(struct question *q);

/* Runs SQL past the code under test. */
void question_put(const char *sql);
/* Appends a word to what was seen. */
void question_see(struct question *q, struct str word);
/* What was seen since the last time, NUL-terminated, borrowed from the arena. */
const char *question_seen(struct question *q);
/* A trace id (16 bytes) or span id (8 bytes) as the SQL functions make them of a number, in the arena. */
struct str question_trace_id(struct question *q, unsigned n);
struct str question_span_id(struct question *q, unsigned n);
/* The number a trace or span id was made of. */
unsigned question_id_number(struct str id);
/* Puts what has arrived into chunks; returns how many. */
int64_t question_chunk(struct question *q);
/* How often a table and its indexes were read, once the sessions that were closed have told. */
int64_t question_n_reads(const char *table);

#endif
