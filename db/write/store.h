/* How rows of a batch become rows of a table: COPY into a staging table of the session, then one merging statement.
 *
 * One struct db_store a table, static; the writer (db/write/writer_tx.h) walks over them. Any thread. */
#ifndef TRACEKIN_DB_STORE_H
#define TRACEKIN_DB_STORE_H

#include "core/buf.h"
#include "db/write/batch.h"
#include "db/write/stage.h"

/* The staging tables live as long as the session (db/write/stage.h). */
struct db_stage {
    const char *create; /* CREATE TEMP TABLE IF NOT EXISTS ... */
    const char *copy;
    struct db_statement merge; /* moves the staged rows on; answers one row: how many were new */
};

/* What a row points to, as indexes into the batch. */
struct db_store_refs {
    uint32_t resource, scope, metric;
};

/* spans, logs, metric_points: partitioned by the day of the row's time. */
struct db_store {
    struct db_stage stage;
    enum db_signal signal;
    const char *table;
    const char *signal_name; /* "traces", "logs", "metrics" */
    size_t (*n_rows)(const struct db_batch *b);
    void (*put_row)(struct buf *out, const struct db_batch *b, size_t i);
    int64_t (*time_ns)(const struct db_batch *b, size_t i);
    struct db_store_refs (*refs)(const struct db_batch *b, size_t i);
    struct str (*raw)(const struct db_batch *b, size_t i);
    const uint8_t *(*trace_id)(const struct db_batch *b, size_t i); /* NULL: of no trace */
};

/* resources, scopes, metrics: rows that others point to, by an id of their content. */
struct db_store_ref {
    struct db_stage stage;
    size_t (*n_rows)(const struct db_batch *b);
    int64_t (*id)(const struct db_batch *b, size_t i);
    void (*put_row)(struct buf *out, const struct db_batch *b, size_t i);
    uint32_t (*pick)(const struct db_store_refs *refs);
};

enum { DB_STORES = 3, DB_STORE_REFS = 3 };
/* By enum db_signal. */
extern const struct db_store *const db_stores[DB_STORES];
/* In the order they are stored. Only points have metrics. */
extern const struct db_store_ref *const db_store_refs[DB_STORE_REFS];

/* The common texts of a stage. A merge begins with DB_STORE_TAKE and selects from "staged". */
#define DB_STORE_COPY(noun, columns) "COPY pg_temp.stage_" noun " (" columns ") FROM STDIN (FORMAT binary)"
#define DB_STORE_TAKE(noun, columns) "WITH staged AS (DELETE FROM pg_temp.stage_" noun " RETURNING " columns "), "

/* OTLP's numbers from ERROR up are what the errors table holds. */
#define DB_SEVERITY_ERROR "17"
/* The text of an error has at most so many characters. */
#define DB_ERROR_TEXT_MAX 16384
#define DB_ERROR_TEXT(text) "left(" text ", " TEXT_OF(DB_ERROR_TEXT_MAX) ")"
/* What such a log says: the words of the exception it records, else its body; and of what type that is. */
#define DB_LOG_ERROR_MESSAGE(log) \
    DB_ERROR_TEXT("coalesce(nullif(" log ".attributes->>'exception.message', ''), " log ".body)")
#define DB_LOG_ERROR_TYPE(log) DB_ERROR_TEXT("coalesce(" log ".attributes->>'exception.type', '')")

#endif
