/* Patterns get vectors of another model, traces theirs, and what an older version left is brought up to date. */
#include "db/pattern/embed_patterns.h"

#include <stdio.h>

#include "db/assemble/assemble.h"
#include "db/assemble/store_traces.h"
#include "db/pattern/reassemble_patterns.h"
#include "db/question/find_similar_traces.h"
#include "tests/integration/support/batches.h"

enum { WAIT_MS = 20000, ARENA_MAX = 64 << 20, ROUNDS_MAX = 100 };

#define MODEL "outside-1"
#define NOT_GIVEN " embedding_model IS DISTINCT FROM 'given'"

static struct db_writer *writer;
static struct db_conn *assembler, *embedder;
static struct arena arena;
static struct db_wait wait_;

static void setup(void)
{
    struct err_info e = {.code = OK};
    bool is_leader = false;
    wait_ = database_wait(3 * WAIT_MS);
    batches_schema();
    database_exec(database_url(), "TRUNCATE spans, logs, trace_arrivals, traces, patterns, errors, operations");
    arena_init(&arena, ARENA_MAX);
    ck_assert_int_eq(db_writer_new(database_url(), NULL, 1, &writer, &e), OK);
    assembler = db_conn_new(database_url(), "test");
    embedder = db_conn_new(database_url(), "test");
    ck_assert_msg(db_assemble_lead(assembler, &wait_, &is_leader, &e) == OK && is_leader, "%s %s", e.message, e.detail);
    ck_assert_msg(db_embed_lead(embedder, &wait_, &is_leader, &e) == OK && is_leader, "%s %s", e.message, e.detail);
}

static void teardown(void)
{
    db_conn_free(embedder);
    db_conn_free(assembler);
    db_writer_free(writer);
    arena_close(&arena);
}

/* Traces of one span, first to first + n - 1. */
static void store_spans(unsigned first, unsigned n, const char *name, const char *message)
{
    struct made_batch b;
    made_batch_init(&b, DB_SIGNAL_TRACES, DB_ENCODING_JSON, "shop");
    for (unsigned i = 0; i < n; i++) {
        struct db_span *const s = made_batch_add_span(&b, first + i, 1, 0, first + i, name);
        s->status = message == NULL ? 0 : SHAPE_STATUS_ERROR;
        if (message != NULL)
            s->status_message = str_of(message);
    }
    (void)batches_write(writer, &b);
    made_batch_close(&b);
}

static void assemble(bool embeds_later)
{
    struct err_info e = {.code = OK};
    struct db_assembled done = {.is_full = true};
    const struct db_assemble_when when = {.quiet_ms = 0, .max_age_ms = 30000, .embeds_later = embeds_later};
    size_t n_traces_max = DB_ASSEMBLE_TRACES_MAX;
    while (done.is_full)
        ck_assert_msg(db_assemble_round(assembler, &wait_, &when, &n_traces_max, &done, &e) == OK, "%s %s", e.message, e.detail);
}

static struct db_pattern_work work_for(const char *model)
{
    struct err_info e = {.code = OK};
    struct db_pattern_work work = {.pending = {.n = 0}};
    ck_assert_msg(db_pattern_work_read(embedder, &wait_, &arena, str_of(model), &work, &e) == OK, "%s %s", e.message, e.detail);
    return work;
}

static bool has_work(const char *model)
{
    const struct db_pattern_work work = work_for(model);
    return db_pattern_models_has_any(&work.pending) || db_pattern_models_has_any(&work.outdated);
}

/* Gives each pending pattern a vector of its own; returns how many there were. */
static size_t embed(const char *model)
{
    struct err_info e = {.code = OK};
    struct db_pattern_waiting *patterns = NULL;
    size_t n = 0;
    const struct db_pattern_work work = work_for(model);
    ck_assert_msg(db_embed_waiting(embedder, &wait_, &arena, &work.pending, NULL, 0, 100, &patterns, &n, &e) == OK, "%s", e.detail);
    float(*const vectors)[EMBEDDING_DIMENSIONS] = arena_calloc(&arena, n + 1, sizeof *vectors);
    for (size_t i = 0; i < n; i++)
        vectors[i][i] = 1;
    ck_assert_msg(db_embed_store(embedder, &wait_, str_of(model), patterns, vectors, n, &e) == OK, "%s %s", e.message, e.detail);
    return n;
}

static int64_t spread(const char *model)
{
    struct err_info e = {.code = OK};
    struct db_spreading at = {.is_under_way = false};
    int64_t n_total = 0;
    for (bool has_more = true; has_more;) {
        int64_t n = 0;
        ck_assert_msg(db_spread_patterns(embedder, &wait_, str_of(model), &at, &has_more, &n, &e) == OK, "%s %s", e.message, e.detail);
        n_total += n;
    }
    return n_total;
}

/* Passes, with the assembler's rounds in between, until nothing is outdated. */
static void reassemble(const char *model)
{
    const bool embeds_later = strcmp(model, EMBEDDING_MODEL) != 0;
    struct db_reassembly at = {.stage = DB_REASSEMBLY_NEW};
    for (int i = 0; i < ROUNDS_MAX; i++) {
        struct err_info e = {.code = OK};
        struct db_reassembled done = {.is_waiting = false};
        const struct db_pattern_work work = work_for(model);
        if (!db_pattern_models_has_any(&work.outdated))
            return;
        const struct db_reassemble_how how = {&work.outdated, embeds_later, 60000};
        ck_assert_msg(db_reassemble_patterns(embedder, &wait_, &how, &at, &done, &e) == OK, "%s %s", e.message, e.detail);
        if (done.is_waiting)
            assemble(embeds_later);
    }
    ck_abort_msg("it does not end");
}

static void expect(int64_t wanted, const char *sql)
{
    const int64_t n = batches_number(sql);
    ck_assert_msg(n == wanted, "%lld, not %lld: %s", (long long)n, (long long)wanted, sql);
}

START_TEST(patterns_wait_and_then_all_their_traces_have_the_vector)
{
    store_spans(1, 3, "GET /cart/17", NULL);
    store_spans(11, 1, "GET /pay", "card 4711 declined");
    assemble(true);
    expect(2, "SELECT count(*) FROM patterns WHERE embedding IS NULL AND embedding_model IS NULL AND stored_at > now() - interval '1 h'");
    expect(4, "SELECT count(*) FROM traces WHERE embedding IS NULL AND embedding_model IS NULL AND pattern_id IS NOT NULL");
    const struct db_pattern_work work = work_for(MODEL);
    struct db_pattern_backlog backlog;
    ck_assert(work.pending.has_none && work.pending.n == 0 && !db_pattern_models_has_any(&work.outdated));
    ck_assert_int_eq(db_pattern_backlog_read(embedder, &wait_, &arena, &work, &backlog, NULL), OK);
    ck_assert_int_eq(backlog.n_waiting, 2);
    ck_assert_int_gt(backlog.oldest_ns, 0);
    struct db_pattern_waiting *patterns = NULL;
    size_t n = 0;
    ck_assert_int_eq(db_embed_waiting(embedder, &wait_, &arena, &work.pending, NULL, 0, 10, &patterns, &n, NULL), OK);
    ck_assert_uint_eq(n, 2);
    ck_assert_str_eq(patterns[0].text.ptr, "shop GET /pay\nerror: card <n> declined\nservices: shop\noperations: shop GET /pay");
    ck_assert_str_eq(patterns[1].text.ptr, "shop GET /cart/<n>\nservices: shop\noperations: shop GET /cart/<n>");
    ck_assert_int_eq(db_embed_waiting(embedder, &wait_, &arena, &work.pending, &patterns[0].pattern_id, 1, 10, &patterns, &n, NULL), OK);
    ck_assert_uint_eq(n, 1);
    ck_assert_uint_eq(embed(MODEL), 2);
    expect(2, "SELECT count(*) FROM patterns WHERE NOT is_spread AND embedding_model = '" MODEL "'");
    ck_assert_int_eq(spread(MODEL), 4);
    ck_assert_int_eq(spread(MODEL), 0);
    ck_assert(!has_work(MODEL));
    expect(4, "SELECT count(*) FROM traces t JOIN patterns p USING (pattern_id, embedding_model, embedding)"
              " WHERE p.is_spread AND t.embedding_model = '" MODEL "' AND t.embedding_generated_at IS NOT NULL");
}
END_TEST

START_TEST(traces_of_a_known_pattern_come_with_its_vector)
{
    struct db_given_trace given = {.trace_id = {[15] = 90}, .service = STR("s"), .name = STR("n"), .status = STR("ok"),
                                   .start_ns = BATCHES_DAY_NS, .end_ns = BATCHES_DAY_NS, .embeds_later = true};
    store_spans(1, 1, "GET /cart/17", NULL);
    assemble(true);
    ck_assert_int_eq(db_store_traces(embedder, &wait_, &given, 1, &arena, NULL), OK);
    ck_assert_uint_eq(embed(MODEL), 2);
    (void)spread(MODEL);
    given.trace_id[15] = 91;
    store_spans(2, 1, "GET /cart/18", NULL);
    assemble(true);
    ck_assert_int_eq(db_store_traces(embedder, &wait_, &given, 1, &arena, NULL), OK);
    expect(4, "SELECT count(*) FROM traces t JOIN patterns p USING (pattern_id, embedding_model, embedding)"
              " WHERE p.is_spread AND t.embedding_generated_at IS NOT NULL");
    struct made_batch b;
    made_batch_init(&b, DB_SIGNAL_TRACES, DB_ENCODING_JSON, "shop");
    (void)made_batch_add_span(&b, 1, 2, 1, 2, "late"); /* its trace changes its pattern by it, and has a vector no more */
    (void)batches_write(writer, &b);
    made_batch_close(&b);
    assemble(true);
    expect(1, "SELECT count(*) FROM traces JOIN patterns USING (pattern_id) WHERE span_count = 2 AND traces.embedding IS NULL"
              " AND patterns.embedding IS NULL");
    ck_assert(has_work(MODEL));
}
END_TEST

/* Many, most of them starting at one instant. */
START_TEST(spreading_goes_in_batches_and_leaves_given_embeddings)
{
    store_spans(1, 1, "GET /", NULL);
    assemble(true);
    ck_assert_uint_eq(embed(MODEL), 1);
    database_exec(database_url(),
                  "INSERT INTO traces SELECT decode(lpad(to_hex(n), 32, '0'), 'hex'), service, name, start_time, end_time,"
                  " start_ns + n / 2000, end_ns, duration_ms, status, span_count, error_count, error_message, pattern_id, attributes,"
                  " CASE WHEN n % 10 = 0 THEN (SELECT embedding FROM patterns) END, CASE WHEN n % 10 = 0 THEN 'given' ELSE 'old' END, NULL"
                  " FROM traces, generate_series(1000, 4499) AS n");
    ck_assert_int_eq(spread(MODEL), 3500 - 350 + 1);
    expect(350, "SELECT count(*) FROM traces WHERE embedding_model = 'given'");
    expect(3151, "SELECT count(*) FROM traces WHERE embedding_model = '" MODEL "'");
    expect(1, "SELECT count(*) FROM patterns WHERE is_spread");
}
END_TEST

START_TEST(another_model_takes_the_place_of_the_first)
{
    store_spans(1, 2, "GET /", NULL);
    assemble(true);
    ck_assert_uint_eq(embed(MODEL), 1);
    (void)spread(MODEL);
    ck_assert_uint_eq(work_for("outside-2").pending.n, 1);
    ck_assert_uint_eq(embed("outside-2"), 1);
    struct db_find_similar_traces_params params = {
        .trace_id = arena_copy(&arena, (struct str){"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16}), .threshold = 0.5, .window = DB_WINDOW_ALL, .limit = 10};
    struct db_find_similar_traces_how how;
    struct db_find_similar_traces_row *rows = NULL;
    size_t n_rows = 0;
    AUTO(db_result) struct db_result *result = NULL;
    ck_assert_int_eq(db_find_similar_traces(embedder, &wait_, &arena, &params, &how, &rows, &n_rows, &result, NULL), OK);
    ck_assert(str_equal(how.model, STR("outside-2"))); /* though the traces themselves have yet to get it */
    ck_assert_uint_eq(n_rows, 1);
    ck_assert_int_eq(spread("outside-2"), 2);
    ck_assert(!has_work("outside-2"));
}
END_TEST

/* --- what an older version left */

static const float given_vector[EMBEDDING_DIMENSIONS] = {[7] = 3};

static void store_all_kinds(void)
{
    const struct db_given_trace described[] = {
        {.trace_id = {[0] = 9, [15] = 201}, .service = STR("s"), .name = STR("n 1"), .status = STR("ok"), .attributes = STR("{\"k\": 1}"),
         .start_ns = BATCHES_DAY_NS, .end_ns = BATCHES_DAY_NS + 5},
        {.trace_id = {[0] = 9, [15] = 202}, .service = STR("s"), .name = STR("n 2"), .status = STR("error"), .start_ns = BATCHES_DAY_NS,
         .end_ns = BATCHES_DAY_NS + 5},
        {.trace_id = {[0] = 9, [15] = 203}, .service = STR("s"), .name = STR("g"), .status = STR("ok"), .embedding = given_vector,
         .start_ns = BATCHES_DAY_NS, .end_ns = BATCHES_DAY_NS + 5},
        {.trace_id = {[15] = 2}, .service = STR("s"), .name = STR("g"), .status = STR("ok"), .embedding = given_vector,
         .start_ns = BATCHES_DAY_NS, .end_ns = BATCHES_DAY_NS + 5},
    };
    store_spans(1, 1200, "GET /cart/17", NULL);
    store_spans(5001, 5, "GET /pay", "card 4711 declined");
    assemble(false);
    ck_assert_int_eq(db_store_traces(embedder, &wait_, described, ARRAY_LEN(described), &arena, NULL), OK);
}

#define PATTERNS "SELECT pattern_id, service, name, services, operations, error_message, embedding, embedding_model, trace_count, error_count FROM patterns"
#define TRACES "SELECT trace_id, service, name, start_ns, end_ns, status, span_count, error_count, error_message, pattern_id, attributes, embedding, embedding_model FROM traces"

static void remember(void)
{
    database_exec(database_url(), "DROP TABLE IF EXISTS patterns_before; CREATE TABLE patterns_before AS " PATTERNS ";"
                                  "DROP TABLE IF EXISTS traces_before; CREATE TABLE traces_before AS " TRACES);
}

/* As it would be with other fingerprints and vectors. */
static void make_old(const char *model)
{
    char sql[1024];
    (void)snprintf(sql, sizeof sql,
                   "UPDATE patterns SET pattern_id = pattern_id # 77, operations = '{}' WHERE embedding_model <> 'given';"
                   "UPDATE traces SET pattern_id = pattern_id # 77 WHERE pattern_id # 77 IN (SELECT pattern_id FROM patterns);"
                   "UPDATE patterns SET embedding_model = '%s' WHERE" NOT_GIVEN ";"
                   "UPDATE traces SET embedding_model = '%s' WHERE" NOT_GIVEN, model, model);
    database_exec(database_url(), sql);
}

static void expect_as_before(void)
{
    expect(0, "SELECT count(*) FROM ((" PATTERNS ") EXCEPT TABLE patterns_before) d");
    expect(0, "SELECT count(*) FROM (TABLE patterns_before EXCEPT (" PATTERNS ")) d");
    expect(0, "SELECT count(*) FROM ((" TRACES ") EXCEPT TABLE traces_before) d");
    expect(0, "SELECT count(*) FROM (TABLE traces_before EXCEPT (" TRACES ")) d");
    expect(0, "SELECT count(*) FROM trace_arrivals");
}

START_TEST(what_an_older_version_left_becomes_what_it_would_be_now)
{
    store_all_kinds();
    ck_assert(!has_work(EMBEDDING_MODEL));
    remember();
    make_old("hash-v1");
    ck_assert_uint_eq(work_for(EMBEDDING_MODEL).outdated.n, 1);
    reassemble(EMBEDDING_MODEL);
    (void)spread(EMBEDDING_MODEL);
    expect_as_before();
    ck_assert(!has_work(EMBEDDING_MODEL));
}
END_TEST

/* The fingerprints are the same: a part is assembled again, the rest by spreading. */
START_TEST(the_built_in_embedder_takes_over_from_another)
{
    store_all_kinds();
    remember();
    database_exec(database_url(), "UPDATE patterns SET embedding_model = '" MODEL "' WHERE" NOT_GIVEN " AND error_count = 0;"
                                  "UPDATE patterns SET embedding_model = NULL, embedding = NULL WHERE" NOT_GIVEN " AND error_count > 0;"
                                  "UPDATE traces t SET embedding_model = p.embedding_model, embedding = p.embedding FROM patterns p"
                                  " WHERE p.pattern_id = t.pattern_id AND t." NOT_GIVEN);
    reassemble(EMBEDDING_MODEL);
    (void)spread(EMBEDDING_MODEL);
    expect_as_before();
    ck_assert(!has_work(EMBEDDING_MODEL));
}
END_TEST

START_TEST(outdated_patterns_are_assembled_anew_for_another_model_too)
{
    store_all_kinds();
    remember();
    make_old("hash-v1");
    const struct db_pattern_work work = work_for(MODEL);
    ck_assert(work.outdated.n == 1 && !db_pattern_models_has_any(&work.pending));
    reassemble(MODEL);
    expect(0, "SELECT count(*) FROM (SELECT pattern_id FROM patterns EXCEPT SELECT pattern_id FROM patterns_before) d");
    ck_assert_uint_eq(embed(MODEL), 4);
    (void)spread(MODEL);
    ck_assert(!has_work(MODEL));
    expect(1206, "SELECT count(*) FROM traces WHERE embedding_model = '" MODEL "'");
}
END_TEST

START_TEST(what_cannot_be_assembled_is_settled)
{
    store_all_kinds();
    make_old("hash-v1");
    database_exec(database_url(), "TRUNCATE spans; INSERT INTO patterns (pattern_id, service, name, services, embedding_model,"
                                  " first_seen_ns, last_seen_ns, exemplar_trace_id) VALUES (1, 's', 'n', '{}', 'hash-v1', 0, 0, '\\x00')");
    reassemble(EMBEDDING_MODEL);
    (void)spread(EMBEDDING_MODEL);
    ck_assert(!has_work(EMBEDDING_MODEL));
    expect(2, "SELECT count(*) FROM patterns WHERE embedding IS NULL AND embedding_model = '" EMBEDDING_MODEL "'");
    expect(0, "SELECT count(*) FROM patterns WHERE pattern_id = 1");
    expect(0, "SELECT count(*) FROM traces WHERE embedding_model = 'hash-v1'");
    expect(2, "SELECT count(*) FROM traces WHERE embedding_model = 'given'");
    make_old("hash-v1");
    reassemble(MODEL); /* another model needs no spans */
    expect(2, "SELECT count(*) FROM patterns WHERE embedding IS NULL AND embedding_model IS NULL AND trace_count > 1");
    ck_assert_uint_eq(embed(MODEL), 4);
}
END_TEST

/* Once a given embedding could name a pattern that it shared with others; the statement is that of the migration. */
START_TEST(a_pattern_that_was_shared_with_a_given_embedding_is_split)
{
    store_all_kinds();
    remember();
    database_exec(database_url(),
                  "UPDATE traces t SET pattern_id = o.pattern_id FROM traces o WHERE o.name = 'n 1' AND t.name = 'g';"
                  "DELETE FROM patterns WHERE embedding_model = 'given';"
                  "UPDATE patterns SET embedding_model = 'given', embedding = NULL, trace_count = 2"
                  " WHERE pattern_id = (SELECT pattern_id FROM traces WHERE name = 'n 1');"
                  "UPDATE traces SET embedding_model = 'hash-v1' WHERE name = 'n 1';"
                  "UPDATE patterns p SET embedding_model = 'hash-v1' WHERE embedding_model = 'given'"
                  " AND EXISTS (SELECT FROM traces t WHERE t.pattern_id = p.pattern_id AND t.embedding_model IS DISTINCT FROM 'given')");
    reassemble(EMBEDDING_MODEL);
    (void)spread(EMBEDDING_MODEL);
    expect_as_before();
}
END_TEST

START_TEST(a_settled_pattern_takes_the_next_vector)
{
    store_spans(1, 1, "GET /", NULL);
    assemble(false);
    remember();
    database_exec(database_url(), "UPDATE patterns SET embedding = NULL");
    store_spans(2, 1, "GET /", NULL);
    assemble(false);
    expect(1, "SELECT count(*) FROM patterns p JOIN patterns_before b USING (pattern_id, embedding, embedding_model)");
}
END_TEST

START_TEST(one_session_leads)
{
    struct db_conn *const other = db_conn_new(database_url(), "test");
    bool is_leader = true;
    ck_assert_int_eq(db_embed_lead(other, &wait_, &is_leader, NULL), OK);
    ck_assert(!is_leader);
    db_conn_close(embedder);
    const int64_t until_ns = clock_mono_ns() + WAIT_MS * NS_PER_MS; /* the server ends a session when it notices */
    while (!is_leader && clock_mono_ns() < until_ns)
        ck_assert_int_eq(db_embed_lead(other, &wait_, &is_leader, NULL), OK);
    ck_assert(is_leader);
    db_conn_free(other);
}
END_TEST

static TCase *tcase_embed_patterns(void)
{
    TCase *tcase = tcase_create("embed_patterns");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, patterns_wait_and_then_all_their_traces_have_the_vector);
    tcase_add_test(tcase, traces_of_a_known_pattern_come_with_its_vector);
    tcase_add_test(tcase, spreading_goes_in_batches_and_leaves_given_embeddings);
    tcase_add_test(tcase, another_model_takes_the_place_of_the_first);
    tcase_add_test(tcase, what_an_older_version_left_becomes_what_it_would_be_now);
    tcase_add_test(tcase, the_built_in_embedder_takes_over_from_another);
    tcase_add_test(tcase, outdated_patterns_are_assembled_anew_for_another_model_too);
    tcase_add_test(tcase, what_cannot_be_assembled_is_settled);
    tcase_add_test(tcase, a_pattern_that_was_shared_with_a_given_embedding_is_split);
    tcase_add_test(tcase, a_settled_pattern_takes_the_next_vector);
    tcase_add_test(tcase, one_session_leads);
    return tcase;
}

DATABASE_MAIN("embed_patterns", tcase_embed_patterns)
