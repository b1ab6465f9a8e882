#include "service/job/embedder.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "core/utf8.h"
#include "db/pattern/embed_patterns.h"
#include "db/pattern/reassemble_patterns.h"
#include "service/job/background.h"
#include "service/job/lead.h"

/* A step has time for two requests of the longest timeout. */
enum { STEP_TIMEOUT_S = 1300, POLL_MS = 1000, RETRY_MS = 1000, BACKLOG_PERIOD_MS = 2000, OVERDUE_MS = 3000 };
enum { ARENA_MAX_BYTES = 64 << 20, PUT_A_SECOND = 1000 };
/* Patterns whose text the endpoint refuses; of a long text its beginning is tried. They are tried again after a while. */
enum { REFUSED_MAX = 64, SHORT_TEXT_BYTES = 500, REFUSED_PERIOD_MS = 10 * 60 * 1000 };

static const struct metric_family is_leader = {"tracekin_embedder_is_leader", METRIC_GAUGE,
                                            "1 in the process that keeps embeddings up to date, 0 in the others."};
static const struct metric_family n_failures = {"tracekin_embedder_failures_total", METRIC_COUNTER,
                                                "Steps of the embedder's job that failed and will be tried again."};
static const struct metric_family n_patterns = {"tracekin_embedder_patterns_total", METRIC_COUNTER,
                                                "Patterns embedded by the endpoint outside."};
static const struct metric_family n_refused = {"tracekin_embedder_patterns_refused_total", METRIC_COUNTER,
                                               "Patterns whose text the endpoint outside refused."};
static const struct metric_family n_reassembled = {"tracekin_embedder_traces_reassembled_total", METRIC_COUNTER,
                                                   "Traces of outdated patterns put back to be assembled, or derived, anew."};
static const struct metric_family n_spread = {"tracekin_embedder_traces_spread_total", METRIC_COUNTER,
                                              "Traces that took over a new vector of their pattern."};
static const struct metric_family waiting = {"tracekin_embedder_waiting_patterns", METRIC_GAUGE,
                                             "Patterns that have no embedding of the model wanted yet."};
static const struct metric_family oldest = {"tracekin_embedder_oldest_waiting_timestamp_seconds", METRIC_GAUGE,
                                            "When the oldest of them was stored; 0 when there is none."};
static const struct metric_family unspread = {"tracekin_embedder_unspread_patterns", METRIC_GAUGE,
                                              "Patterns of which some traces may still have an older vector."};

struct service_embedder {
    struct api_embedder *client;
    struct str model;
    int64_t overdue_ms;
    struct service_background *thread;
    struct service_lead lead;
    int64_t next_backlog_ns, next_ask_ns, next_put_ns, forget_refused_ns; /* monotonic */
    size_t n_batch;
    int64_t refused[REFUSED_MAX];
    size_t n_refused_now;
    struct db_reassembly reassembly;
    struct db_spreading spreading;
    struct metric *n_failures, *n_patterns, *n_refused, *n_reassembled, *n_spread, *waiting, *oldest, *unspread;
};

/* One step under way. */
struct step {
    struct service_embedder *s;
    struct db_conn *conn;
    const struct db_wait *wait;
    struct arena *arena;
    struct db_pattern_work work;
    bool has_more; /* which can be done at once */
};

static void start_anew(struct service_embedder *s)
{
    s->reassembly = (struct db_reassembly){.stage = DB_REASSEMBLY_NEW};
    s->spreading = (struct db_spreading){.is_under_way = false};
}

static enum err look_at_backlog(const struct step *t, struct err_info *e)
{
    struct service_embedder *const s = t->s;
    struct db_pattern_backlog backlog;
    if (clock_mono_ns() < s->next_backlog_ns)
        return OK;
    TRY(db_pattern_backlog_read(t->conn, t->wait, t->arena, &t->work, &backlog, e));
    s->next_backlog_ns = clock_mono_ns() + BACKLOG_PERIOD_MS * NS_PER_MS;
    metric_set(s->waiting, (double)backlog.n_waiting);
    metric_set(s->oldest, (double)backlog.oldest_ns / (double)NS_PER_S);
    metric_set(s->unspread, (double)backlog.n_unspread);
    return OK;
}

/* --- by the endpoint outside */

static enum err pass_on(enum err code, const struct err_info *why, struct err_info *e)
{
    if (code != OK && e != NULL && e->code == OK)
        *e = *why;
    return code;
}

static void refuse(struct service_embedder *s, int64_t pattern_id)
{
    const int64_t now_ns = clock_mono_ns();
    if (s->n_refused_now == 0)
        s->forget_refused_ns = now_ns + REFUSED_PERIOD_MS * NS_PER_MS;
    s->refused[s->n_refused_now++] = pattern_id;
    metric_add(s->n_refused, 1);
}

/* The texts of n patterns, of none of them more than so many bytes. */
static enum err ask(const struct step *t, const struct db_pattern_waiting *patterns, size_t n, size_t max_bytes,
                    float (*vectors)[EMBEDDING_DIMENSIONS], struct err_info *e)
{
    struct str *const texts = arena_calloc(t->arena, n, sizeof *texts);
    if (texts == NULL)
        return ERR_SET_NOMEM(e);
    for (size_t i = 0; i < n; i++)
        texts[i] = utf8_cut(patterns[i].text, max_bytes);
    return api_embedder_embed(t->s->client, t->wait, texts, n, vectors, e);
}

/* What was refused, and why, may be one of the texts: they are tried in halves, at last one by one, and then by its beginning, if
 * that is shorter. */
static enum err ask_less(struct step *t, const struct db_pattern_waiting *patterns, size_t n, float (*vectors)[EMBEDDING_DIMENSIONS],
                         bool *is_answered, struct err_info *why, struct err_info *e)
{
    enum err code = ERR_INVALID;
    t->s->n_batch = n > 1 ? n / 2 : 1;
    if (n > 1)
        return OK;
    if (patterns[0].text.len > SHORT_TEXT_BYTES) {
        *why = (struct err_info){0};
        code = ask(t, patterns, n, SHORT_TEXT_BYTES, vectors, why);
    }
    *is_answered = code == OK;
    if (code == ERR_INVALID) {
        refuse(t->s, patterns[0].pattern_id);
        log_err(LOG_WARN, "embedding_refused", why);
        return OK;
    }
    return pass_on(code, why, e);
}

static enum err ask_and_store(struct step *t, const struct db_pattern_waiting *patterns, size_t n, struct err_info *e)
{
    struct service_embedder *const s = t->s;
    const size_t n_max = api_embedder_batch_max(s->client);
    float(*const vectors)[EMBEDDING_DIMENSIONS] = arena_calloc(t->arena, n, sizeof *vectors);
    struct err_info why = {0};
    if (vectors == NULL)
        return ERR_SET_NOMEM(e);
    const enum err code = ask(t, patterns, n, SIZE_MAX, vectors, &why);
    bool is_answered = code == OK;
    if (code == ERR_INVALID)
        TRY(ask_less(t, patterns, n, vectors, &is_answered, &why, e));
    else if (code == OK)
        s->n_batch = 2 * s->n_batch < n_max ? 2 * s->n_batch : n_max;
    else
        return pass_on(code, &why, e);
    t->has_more = true;
    if (!is_answered)
        return OK;
    TRY(db_embed_store(t->conn, t->wait, s->model, patterns, vectors, n, e));
    metric_add(s->n_patterns, n);
    return OK;
}

/* Asks for one batch, if it is time to. */
static enum err embed(struct step *t, struct err_info *e)
{
    struct service_embedder *const s = t->s;
    struct db_pattern_waiting *patterns = NULL;
    size_t n = 0;
    const int64_t now_ns = clock_mono_ns();
    if (s->client == NULL || !db_pattern_models_has_any(&t->work.pending) || now_ns < s->next_ask_ns ||
        api_embedder_retry_ns(s->client) > now_ns)
        return OK;
    if (s->n_refused_now > 0 && now_ns >= s->forget_refused_ns)
        s->n_refused_now = 0;
    if (s->n_refused_now == REFUSED_MAX)
        return OK;
    TRY(db_embed_waiting(t->conn, t->wait, t->arena, &t->work.pending, s->refused, s->n_refused_now, s->n_batch, &patterns, &n, e));
    const enum err code = n == 0 ? OK : ask_and_store(t, patterns, n, e);
    if (code != OK)
        s->next_ask_ns = clock_mono_ns() + RETRY_MS * NS_PER_MS;
    return code;
}

/* --- by the assembler */

static enum err reassemble(struct step *t, struct err_info *e)
{
    struct service_embedder *const s = t->s;
    const struct db_reassemble_how how = {&t->work.outdated, s->client != NULL, s->overdue_ms};
    struct db_reassembled done = {.is_waiting = false};
    if (!db_pattern_models_has_any(&t->work.outdated)) {
        s->reassembly = (struct db_reassembly){.stage = DB_REASSEMBLY_NEW};
        return OK;
    }
    if (clock_mono_ns() < s->next_put_ns)
        return OK;
    const int64_t until_ns = clock_mono_ns() + POLL_MS * NS_PER_MS;
    for (int64_t n_put = 0; n_put < PUT_A_SECOND && !done.is_waiting && !done.is_over && clock_mono_ns() < until_ns; n_put += done.n_put) {
        TRY(db_reassemble_patterns(t->conn, t->wait, &how, &s->reassembly, &done, e));
        metric_add(s->n_reassembled, (uint64_t)(done.n_put + done.n_derived));
    }
    s->next_put_ns = clock_mono_ns() + POLL_MS * NS_PER_MS;
    if (done.n_settled > 0)
        LOG(LOG_INFO, "patterns_settled", LOG_INT("patterns", done.n_settled));
    return OK;
}

static enum err spread(struct step *t, struct err_info *e)
{
    int64_t n = 0;
    bool has_more = false;
    TRY(db_spread_patterns(t->conn, t->wait, t->s->model, &t->s->spreading, &has_more, &n, e));
    metric_add(t->s->n_spread, (uint64_t)n);
    t->has_more = t->has_more || has_more;
    return OK;
}

/* An endpoint that is down holds up nothing else. */
static enum err work(struct step *t, struct err_info *e)
{
    TRY(db_pattern_work_read(t->conn, t->wait, t->arena, t->s->model, &t->work, e));
    TRY(look_at_backlog(t, e));
    TRY(reassemble(t, e));
    TRY(spread(t, e));
    return embed(t, e);
}

static int step(void *arg, struct db_conn *conn, const struct db_wait *wait)
{
    struct service_embedder *const s = arg;
    AUTO(arena) struct arena arena;
    struct err_info e = {0};
    arena_init(&arena, ARENA_MAX_BYTES);
    struct step t = {.s = s, .conn = conn, .wait = wait, .arena = &arena};
    enum err code = service_lead_take(&s->lead, conn, wait, db_embed_lead, &e);
    if (s->lead.is_new)
        start_anew(s);
    if (code == OK && s->lead.is_held)
        code = work(&t, &e);
    if (code == OK)
        return t.has_more ? 0 : POLL_MS;
    if (code == ERR_CANCELLED)
        return 0;
    metric_add(s->n_failures, 1);
    log_err(LOG_WARN, "embedder_failed", &e);
    return t.has_more ? 0 : RETRY_MS;
}

static void make_series(struct service_embedder *s)
{
    service_lead_init(&s->lead, &is_leader);
    s->n_failures = metrics_series(&n_failures, "");
    s->n_patterns = metrics_series(&n_patterns, "");
    s->n_refused = metrics_series(&n_refused, "");
    s->n_reassembled = metrics_series(&n_reassembled, "");
    s->n_spread = metrics_series(&n_spread, "");
    s->waiting = metrics_series(&waiting, "");
    s->oldest = metrics_series(&oldest, "");
    s->unspread = metrics_series(&unspread, "");
}

enum err service_embedder_start(const char *url, struct api_embedder *client, int64_t quiet_ms, struct service_embedder **out,
                                struct err_info *e)
{
    struct service_embedder *const s = mem_calloc(1, sizeof *s);
    if (s == NULL)
        return ERR_SET_NOMEM(e);
    s->client = client;
    s->model = client == NULL ? STR(EMBEDDING_MODEL) : api_embedder_model(client);
    s->n_batch = client == NULL ? 0 : api_embedder_batch_max(client);
    s->overdue_ms = quiet_ms + OVERDUE_MS;
    make_series(s);
    const struct service_background_job job = {"embedder", STEP_TIMEOUT_S, step, s};
    const enum err code = service_background_new(&job, url, &s->thread, e);
    if (code != OK)
        mem_free(s);
    else
        *out = s;
    return code;
}

void service_embedder_stop(struct service_embedder *s)
{
    if (s == NULL)
        return;
    service_background_free(s->thread);
    service_lead_end(&s->lead);
    mem_free(s);
}
