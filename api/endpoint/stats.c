#include "api/endpoint/handlers.h"
#include "api/json/items.h"
#include "api/request/list.h"
#include "core/clock.h"
#include "db/question/index_usage.h"
#include "db/session/query.h"

static double count_of(const struct db_query_stats *s) { return (double)s->n_asked; }
static double errors_of(const struct db_query_stats *s) { return (double)s->n_failed; }
static double p50_of(const struct db_query_stats *s) { return s->p50_ms; }
static double p95_of(const struct db_query_stats *s) { return s->p95_ms; }
static double p99_of(const struct db_query_stats *s) { return s->p99_ms; }

static const struct {
    const char *key;
    double (*value)(const struct db_query_stats *s);
} figures[] = {
    {"query_counts", count_of},
    {"query_errors", errors_of},
    {"query_times_p50", p50_of},
    {"query_times_p95", p95_of},
    {"query_times_p99", p99_of},
};

static void put_figures(struct api_json *w)
{
    for (size_t i = 0; i < ARRAY_LEN(figures); i++) {
        api_json_key(w, figures[i].key);
        api_json_open(w, '{');
        for (int question = 0; question < DB_N_QUESTIONS; question++) {
            const struct db_query_stats s = db_query_stats_of((enum db_question)question);
            api_put_f64(w, s.name, figures[i].value(&s));
        }
        api_json_close(w, '}');
    }
}

static enum err put_index(void *arg, const struct db_index_usage_row *row)
{
    struct api_json *w = arg;
    api_json_key_str(w, row->index);
    api_json_open(w, '{');
    api_put_str(w, "table", row->table);
    api_put_str(w, "type", row->type);
    api_put_i64(w, "scans", row->n_scans);
    api_put_i64(w, "rows_read", row->n_rows_read);
    api_put_i64(w, "size_bytes", row->size_bytes);
    api_json_close(w, '}');
    return OK;
}

enum err api_get_stats(struct api_req *req, struct api_reply *reply, struct err_info *e)
{
    const int64_t begun_ns = clock_mono_ns();
    struct api_json w;
    api_json_init(&w, &reply->body);
    api_json_open(&w, '{');
    put_figures(&w);
    api_json_key(&w, "index_usage");
    api_json_open(&w, '{');
    TRY(db_index_usage(req->db, &req->wait, req->arena, put_index, &w, e));
    api_json_close(&w, '}');
    api_json_key(&w, "meta");
    api_json_open(&w, '{');
    api_meta_took(&w, begun_ns);
    api_json_close(&w, '}');
    api_json_close(&w, '}');
    return OK;
}
