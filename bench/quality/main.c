/* Measures how well the built-in embedder finds related traces in real ones, and fails below the floors. */
#include <math.h>
#include <stdlib.h>

#include "bench/quality/rank.h"
#include "core/clock.h"
#include "core/hash.h"

static const double FLOOR_TRACE = 0.97;
static const double FLOOR_TEXT = 0.90;
static const double ROUNDING = 1e-9;
enum { AUC_SAMPLE = 2000 };

/* Means over the failing traces. */
struct precision {
    double by_trace;
    double by_text;
    double text_has_error; /* of what the text finds: any span, not only the first, failed so */
    double ceiling;        /* a class of n traces has but n - 1 others */
    double text_ceiling;
    size_t n;
};

static bool has_error(const struct corpus_trace *trace, uint64_t class)
{
    for (size_t i = 0; i < trace->n_spans; i++) {
        uint64_t other = 0;
        if (shape_span_has_error(&trace->spans[i].shape) &&
            corpus_error_class(trace->spans[i].shape.error_message, &other, NULL) == OK && other == class)
            return true;
    }
    return false;
}

static double share_of_class(const struct corpus *c, const struct rank *found, size_t n, uint64_t class)
{
    size_t n_same = 0;
    for (size_t i = 0; i < n; i++)
        n_same += c->traces[found[i].trace].error_class == class;
    return (double)n_same / RANK_NEAREST;
}

static double share_with_error(const struct corpus *c, const struct rank *found, size_t n, uint64_t class)
{
    size_t n_with = 0;
    for (size_t i = 0; i < n; i++)
        n_with += has_error(&c->traces[found[i].trace], class);
    return (double)n_with / RANK_NEAREST;
}

static double ceiling_of(const struct corpus *c, uint64_t class, size_t n_left_out)
{
    size_t n_same = 0;
    for (size_t i = 0; i < c->n_traces; i++)
        n_same += c->traces[i].error_class == class;
    const size_t n = n_same - n_left_out;
    return n < RANK_NEAREST ? (double)n / RANK_NEAREST : 1;
}

static enum err measure_one(const struct corpus *c, size_t i, struct precision *sum, struct err_info *e)
{
    const struct corpus_trace *const trace = &c->traces[i];
    struct rank found[RANK_NEAREST];
    size_t n = rank_nearest(c, trace->vector, i, found);
    sum->by_trace += share_of_class(c, found, n, trace->error_class);
    float text[EMBEDDING_DIMENSIONS];
    TRY(embedding_of_text(trace->error_message, text, e));
    n = rank_nearest(c, text, RANK_NOT_IN_CORPUS, found);
    sum->by_text += share_of_class(c, found, n, trace->error_class);
    sum->text_has_error += share_with_error(c, found, n, trace->error_class);
    sum->ceiling += ceiling_of(c, trace->error_class, 1);
    sum->text_ceiling += ceiling_of(c, trace->error_class, 0);
    sum->n++;
    return OK;
}

static enum err measure(const struct corpus *c, struct precision *out, struct err_info *e)
{
    struct precision sum = {0};
    for (size_t i = 0; i < c->n_traces; i++)
        if (c->traces[i].error_message.len > 0)
            TRY(measure_one(c, i, &sum, e));
    if (sum.n == 0)
        return ERR_SET(e, ERR_INVALID, "no trace fails with a message: there is nothing to measure");
    const double n = (double)sum.n;
    *out = (struct precision){sum.by_trace / n, sum.by_text / n,      sum.text_has_error / n,
                              sum.ceiling / n,  sum.text_ceiling / n, sum.n};
    return OK;
}

static int compare_u64(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left;
    const uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static uint64_t fingerprint_of(const struct corpus_trace *trace)
{
    return trace->fingerprint;
}

static uint64_t vector_hash_of(const struct corpus_trace *trace)
{
    return hash64((struct str){(const char *)trace->vector, sizeof(trace->vector)}, 0);
}

static uint64_t class_of(const struct corpus_trace *trace)
{
    return trace->error_class;
}

static size_t count_distinct(struct corpus *c, uint64_t (*of)(const struct corpus_trace *))
{
    uint64_t *const values = arena_calloc(&c->arena, c->n_traces, sizeof(values[0]));
    if (values == NULL)
        return 0;
    for (size_t i = 0; i < c->n_traces; i++)
        values[i] = of(&c->traces[i]);
    qsort(values, c->n_traces, sizeof(values[0]), compare_u64);
    size_t n = 1;
    for (size_t i = 1; i < c->n_traces; i++)
        n += values[i] != values[i - 1];
    return n;
}

static bool is_any(const struct corpus_trace *trace)
{
    (void)trace;
    return true;
}

static bool is_ok(const struct corpus_trace *trace)
{
    return trace->error_class == 0;
}

static void report(struct corpus *c, const struct precision *p, int64_t embed_ns)
{
    printf("model                      %s\n", EMBEDDING_MODEL);
    printf("traces                     %zu, of %zu spans, %zu failing with a message\n", c->n_traces, c->n_spans, p->n);
    printf("shapes                     %zu\n", count_distinct(c, fingerprint_of));
    printf("distinct vectors           %zu\n", count_distinct(c, vector_hash_of));
    printf("first errors               %zu (0 counted as one)\n", count_distinct(c, class_of));
    printf("grouped and embedded in    %.1f us a trace\n", (double)embed_ns / 1e3 / (double)c->n_traces);
    printf("precision@10 by trace      %.4f  (floor %.2f, ceiling %.4f)\n", p->by_trace, FLOOR_TRACE, p->ceiling);
    printf("precision@10 by text       %.4f  (floor %.2f, ceiling %.4f)\n", p->by_text, FLOOR_TEXT, p->text_ceiling);
    printf("  that has the error       %.4f\n", p->text_has_error);
    printf("entry operation, ROC-AUC   %.4f  (all traces)\n", rank_auc(c, AUC_SAMPLE, is_any));
    printf("                           %.4f  (traces without errors)\n", rank_auc(c, AUC_SAMPLE, is_ok));
}

static enum err read_all(struct corpus *c, int n_paths, char **paths, struct err_info *e)
{
    for (int i = 0; i < n_paths; i++) {
        FILE *const in = strcmp(paths[i], "-") == 0 ? stdin : fopen(paths[i], "r");
        if (in == NULL)
            return ERR_SET(e, ERR_NOT_FOUND, "cannot read %s: %m", paths[i]);
        const enum err code = corpus_read(c, in, e);
        if (in != stdin)
            (void)fclose(in);
        TRY(code);
    }
    return OK;
}

/* In a small corpus even a perfect ranking may be below the floor. */
static bool is_above(double precision, double floor, double ceiling)
{
    return precision >= floor || precision > ceiling - ROUNDING;
}

static enum err run(int n_paths, char **paths, bool *is_good, struct err_info *e)
{
    AUTO(corpus) struct corpus c;
    corpus_init(&c);
    TRY(read_all(&c, n_paths, paths, e));
    const int64_t before_ns = clock_mono_ns();
    TRY(corpus_embed(&c, e));
    const int64_t embed_ns = clock_mono_ns() - before_ns;
    struct precision p = {0};
    TRY(measure(&c, &p, e));
    report(&c, &p, embed_ns);
    *is_good = is_above(p.by_trace, FLOOR_TRACE, p.ceiling) && is_above(p.by_text, FLOOR_TEXT, p.text_ceiling);
    return OK;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fputs("usage: ./dev bench quality FILE...: OTLP/JSON lines of traces, '-' for standard input\n", stderr);
        return 2;
    }
    struct err_info e = {0};
    bool is_good = false;
    if (run(argc - 1, argv + 1, &is_good, &e) != OK) {
        fprintf(stderr, "quality: cannot measure: %s\n", e.message);
        return 2;
    }
    if (!is_good)
        fputs("quality: below the floor\n", stderr);
    return is_good ? EXIT_SUCCESS : EXIT_FAILURE;
}
