#include "api/endpoint/handlers.h"
#include "api/request/params.h"
#include "bench/micro/cases.h"

enum { ARENA_MAX_BYTES = 1 << 20 };

static const struct query {
    const char *what;
    const struct api_param_spec *specs;
    const char *text;
} queries[] = {
    {"query of one parameter", api_trace_params, "format=otlp"},
    {"query of a list of traces", api_traces_params, "service=service-01&status=error&min_duration=250ms&since=1h&limit=20"},
    {"query of logs, percent-encoded", api_logs_params,
     "q=payment+accepted+%22for+order%22&service=service-01&level=error&start=2026-01-01T00%3A00%3A00%2B01%3A00&"
     "end=2026-01-02T00%3A00%3A00Z&order=asc&trace_id=5b8efff798038103d269b633813fc60c&limit=100"},
};

struct work {
    const struct query *query;
    int64_t now_ns;
};

/* In an arena of its own, as a request has one. */
static enum err parse(const void *arg, struct err_info *e)
{
    const struct work *const w = arg;
    AUTO(arena) struct arena arena;
    arena_init(&arena, ARENA_MAX_BYTES);
    const struct api_params *params = NULL;
    return api_params_parse(str_of(w->query->text), w->query->specs, w->now_ns, &arena, &params, e);
}

enum err micro_params_add(struct micro_list *list, const struct micro_input *in, struct arena *arena, struct err_info *e)
{
    struct work *const works = arena_calloc(arena, ARRAY_LEN(queries), sizeof *works);
    if (works == NULL)
        return ERR_SET_NOMEM(e);
    for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
        works[i] = (struct work){&queries[i], in->now_ns};
        micro_list_add(list, &(struct micro_case){queries[i].what, "tracekin", "requests", 0, 1, parse, &works[i]});
    }
    return OK;
}
