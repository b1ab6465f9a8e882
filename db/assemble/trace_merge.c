#include "db/assemble/trace_merge.h"

#include "core/clock.h"
#include "db/write/copyrow.h"
#include "db/write/stage.h"

#define COLUMNS                                                                                                    \
    "trace_id, service, name, start_time, end_time, start_ns, end_ns, duration_ms, status, span_count, error_count," \
    " error_message, pattern_id, attributes, embedding, embedding_model, embedding_generated_at"
#define PATTERN_COLUMNS "services, operations, operation_names, operations_are_cut"
enum { N_COLUMNS = 21 }; /* both */

static const char prepare_sql[] =
    DB_STAGE_CREATE("traces", ", services text[] NOT NULL, operations text[], operation_names text[],"
                    " operations_are_cut boolean NOT NULL") ";"
    "CREATE TEMP TABLE IF NOT EXISTS stage_left_patterns (pattern_id bigint NOT NULL)";
static const char end_sql[] = "DELETE FROM pg_temp.stage_traces; DELETE FROM pg_temp.stage_left_patterns";

static const char copy_sql[] = "COPY pg_temp.stage_traces (" COLUMNS ", " PATTERN_COLUMNS ") FROM STDIN (FORMAT binary)";

/* The staged traces as they are now. LATERAL and LIMIT make it a look-up of each: the planner, which knows nothing of a
 * staging table's size, would else read all traces. */
#define AS_THEY_ARE                                                                                               \
    "pg_temp.stage_traces s CROSS JOIN LATERAL"                                                                   \
    " (SELECT pattern_id, status FROM traces WHERE trace_id = s.trace_id AND pattern_id IS NOT NULL LIMIT 1) t"

static const struct db_statement lock = {"merge_lock", "SELECT pg_advisory_xact_lock(8390322045806929256)"};

/* What spans told of a trace stays when it is described without them: only an embedding is taken from the description. */
static const struct db_statement steps[] = {
    {"merge_described",
     "UPDATE pg_temp.stage_traces s SET service = t.service, name = t.name, start_time = t.start_time, end_time = t.end_time,"
     " start_ns = t.start_ns, end_ns = t.end_ns, duration_ms = t.duration_ms, status = t.status, span_count = t.span_count,"
     " error_count = t.error_count, error_message = t.error_message, pattern_id = t.pattern_id, attributes = t.attributes,"
     " (embedding, embedding_model, embedding_generated_at) ="
     " (SELECT s.embedding, s.embedding_model, s.embedding_generated_at WHERE s.embedding_model = '" DB_EMBEDDING_MODEL_GIVEN "'"
     " UNION ALL SELECT t.embedding, t.embedding_model, t.embedding_generated_at LIMIT 1)"
     " FROM pg_temp.stage_traces q CROSS JOIN LATERAL"
     " (SELECT * FROM traces WHERE trace_id = q.trace_id AND span_count > 0 LIMIT 1) t"
     " WHERE q.ctid = s.ctid AND q.span_count = 0"},
    {"merge_left_patterns",
     "INSERT INTO pg_temp.stage_left_patterns SELECT DISTINCT t.pattern_id FROM " AS_THEY_ARE
     " WHERE t.pattern_id IS DISTINCT FROM s.pattern_id"},
    {"merge_new_patterns",
     "INSERT INTO patterns AS p (pattern_id, service, name, services, operations, operation_names, operations_are_cut,"
     " error_message, embedding, embedding_model, first_seen_ns, last_seen_ns, exemplar_trace_id)"
     " SELECT DISTINCT ON (pattern_id) pattern_id, service, name, services, coalesce(operations, '{}'),"
     " coalesce(operation_names, '{}'), operations_are_cut OR operations IS NULL, error_message,"
     " CASE WHEN embedding_model <> '" DB_EMBEDDING_MODEL_GIVEN "' THEN embedding END, embedding_model,"
     " start_ns, start_ns, trace_id FROM pg_temp.stage_traces WHERE pattern_id IS NOT NULL"
     " ORDER BY pattern_id, operations IS NULL, start_ns, trace_id"
     " ON CONFLICT (pattern_id) DO UPDATE SET embedding = EXCLUDED.embedding, embedding_model = EXCLUDED.embedding_model,"
     " is_spread = false"
     " WHERE EXCLUDED.embedding_model = '" EMBEDDING_MODEL "' AND (p.embedding_model IS DISTINCT FROM EXCLUDED.embedding_model"
     " OR p.embedding IS NULL AND EXCLUDED.embedding IS NOT NULL)"},
    {"merge_embeddings",
     "UPDATE pg_temp.stage_traces s SET embedding = p.embedding, embedding_model = p.embedding_model,"
     " embedding_generated_at = now() FROM pg_temp.stage_traces q CROSS JOIN LATERAL (SELECT embedding, embedding_model"
     " FROM patterns WHERE pattern_id = q.pattern_id AND embedding IS NOT NULL LIMIT 1) p"
     " WHERE q.ctid = s.ctid AND q.embedding_model IS NULL"},
    {"merge_pattern_counts",
     "UPDATE patterns p SET trace_count = p.trace_count + d.n, error_count = p.error_count + coalesce(d.n_failed, 0),"
     " first_seen_ns = least(p.first_seen_ns, d.first_ns), last_seen_ns = greatest(p.last_seen_ns, d.last_ns),"
     " exemplar_trace_id = CASE WHEN d.last_ns >= p.last_seen_ns THEN d.newest ELSE p.exemplar_trace_id END"
     " FROM (SELECT pattern_id, sum(n) AS n, sum(n) FILTER (WHERE failed) AS n_failed, min(start_ns) AS first_ns,"
     " max(start_ns) AS last_ns, (array_agg(trace_id ORDER BY start_ns DESC) FILTER (WHERE n > 0))[1] AS newest"
     " FROM (SELECT pattern_id, 1 AS n, status = 'error' AS failed, start_ns, trace_id FROM pg_temp.stage_traces"
     " UNION ALL SELECT t.pattern_id, -1, t.status = 'error', NULL, s.trace_id FROM " AS_THEY_ARE ") AS change GROUP BY pattern_id) AS d"
     " WHERE p.pattern_id = d.pattern_id"},
    {"merge_traces",
     "INSERT INTO traces AS t (" COLUMNS ") SELECT " COLUMNS " FROM pg_temp.stage_traces ORDER BY trace_id"
     " ON CONFLICT (trace_id) DO UPDATE SET service = EXCLUDED.service, name = EXCLUDED.name,"
     " start_time = EXCLUDED.start_time, end_time = EXCLUDED.end_time, start_ns = EXCLUDED.start_ns,"
     " end_ns = EXCLUDED.end_ns, duration_ms = EXCLUDED.duration_ms, status = EXCLUDED.status,"
     " span_count = EXCLUDED.span_count, error_count = EXCLUDED.error_count, error_message = EXCLUDED.error_message, pattern_id = EXCLUDED.pattern_id, attributes = EXCLUDED.attributes,"
     " (embedding, embedding_model, embedding_generated_at) ="
     " (SELECT t.embedding, t.embedding_model, t.embedding_generated_at"
     " WHERE t.embedding_model = '" DB_EMBEDDING_MODEL_GIVEN "'"
     " AND EXCLUDED.embedding_model IS DISTINCT FROM '" DB_EMBEDDING_MODEL_GIVEN "'"
     " UNION ALL SELECT EXCLUDED.embedding, EXCLUDED.embedding_model, EXCLUDED.embedding_generated_at LIMIT 1)"},
    {"merge_empty_patterns",
     "DELETE FROM patterns p USING pg_temp.stage_left_patterns l WHERE p.pattern_id = l.pattern_id AND p.trace_count <= 0"},
    {"merge_exemplars",
     "UPDATE patterns p SET exemplar_trace_id = (SELECT t.trace_id FROM traces t WHERE t.pattern_id = p.pattern_id LIMIT 1)"
     " FROM pg_temp.stage_left_patterns l WHERE p.pattern_id = l.pattern_id AND EXISTS (SELECT FROM traces t"
     " WHERE t.pattern_id = p.pattern_id) AND NOT EXISTS (SELECT FROM traces t WHERE t.trace_id = p.exemplar_trace_id"
     " AND t.pattern_id = p.pattern_id)"},
};

enum err db_trace_merge_prepare(struct db_conn *c, const struct db_wait *wait, struct err_info *e)
{
    return db_exec(c, wait, prepare_sql, NULL, e);
}

static void put_embedding(struct buf *out, const struct db_trace_row *row)
{
    db_copyrow_vector(out, row->embedding, EMBEDDING_DIMENSIONS);
    db_copyrow_str(out, row->embedding_model);
    if (row->embedding == NULL)
        db_copyrow_null(out);
    else
        db_copyrow_time(out, clock_wall_ns());
}

static void put_operations(struct buf *out, const struct db_trace_row *row)
{
    if (row->operations == NULL) {
        db_copyrow_null(out);
        db_copyrow_null(out);
    } else {
        db_copyrow_text_array(out, row->operations, row->n_operations);
        db_copyrow_text_array(out, row->operation_names, row->n_operations);
    }
    db_copyrow_bool(out, row->operations_are_cut);
}

void db_trace_merge_put(struct buf *out, const struct db_trace_row *row)
{
    db_copyrow_start(out, N_COLUMNS);
    db_copyrow_str(out, row->trace_id);
    db_copyrow_text(out, row->service);
    db_copyrow_text(out, row->name);
    db_copyrow_time(out, row->start_ns);
    db_copyrow_time(out, row->end_ns);
    db_copyrow_i64(out, row->start_ns);
    db_copyrow_i64(out, row->end_ns);
    db_copyrow_f64(out, (double)(row->end_ns - row->start_ns) / (double)NS_PER_MS);
    db_copyrow_text(out, row->status);
    db_copyrow_i32(out, row->n_spans);
    db_copyrow_i32(out, row->n_errors);
    db_copyrow_str(out, row->error_message);
    if (row->has_pattern)
        db_copyrow_i64(out, row->pattern_id);
    else
        db_copyrow_null(out);
    db_copyrow_json(out, row->attributes);
    put_embedding(out, row);
    db_copyrow_text_array(out, row->services, row->n_services);
    put_operations(out, row);
}

static enum err run(struct db_conn *c, const struct db_wait *wait, const struct db_statement *s, struct err_info *e)
{
    struct db_params none;
    db_params_init(&none, NULL);
    AUTO(db_result) struct db_result *r = NULL;
    return db_run(c, wait, s, &none, &r, e);
}

/* A statement of its own, as the statements after it must see what others did before. */
enum err db_trace_merge_lock(struct db_conn *c, const struct db_wait *wait, struct err_info *e)
{
    return run(c, wait, &lock, e);
}

enum err db_trace_merge(struct db_conn *c, const struct db_wait *wait, struct str stream, struct err_info *e)
{
    TRY(db_copy(c, wait, copy_sql, stream, e));
    TRY(db_trace_merge_lock(c, wait, e));
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        TRY(run(c, wait, &steps[i], e));
    return OK;
}

enum err db_trace_merge_end(struct db_conn *c, const struct db_wait *wait, struct err_info *e)
{
    return db_exec(c, wait, end_sql, NULL, e);
}
