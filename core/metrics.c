#include "core/metrics.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

#include "core/hash.h"
#include "core/process.h"

/* Slots of the table that finds a series; a power of two, twice the series there may be. */
enum { METRICS_SLOTS = 2 * METRICS_SERIES_MAX };

struct bucket {
    double bound;
    const char *label; /* OpenMetrics writes whole bounds with ".0" */
};

enum { N_BUCKETS = 15 };

static const struct bucket of_seconds[N_BUCKETS] = {
    {0.0005, "0.0005"}, {0.001, "0.001"}, {0.0025, "0.0025"}, {0.005, "0.005"}, {0.01, "0.01"},
    {0.025, "0.025"},   {0.05, "0.05"},   {0.1, "0.1"},       {0.25, "0.25"},   {0.5, "0.5"},
    {1, "1.0"},         {2.5, "2.5"},     {5, "5.0"},         {10, "10.0"},     {INFINITY, "+Inf"},
};
static const struct bucket of_items[N_BUCKETS] = {
    {1, "1.0"},       {2, "2.0"},       {5, "5.0"},         {10, "10.0"},         {20, "20.0"},
    {50, "50.0"},     {100, "100.0"},   {200, "200.0"},     {500, "500.0"},       {1000, "1000.0"},
    {2000, "2000.0"}, {5000, "5000.0"}, {10000, "10000.0"}, {100000, "100000.0"}, {INFINITY, "+Inf"},
};

struct family;

struct metric {
    const struct family *family;
    _Atomic(struct metric *) next; /* of the family, oldest first */
    char labels[METRICS_LABELS_MAX];
    atomic_uint_fast64_t count;                /* of a counter */
    _Atomic double value;                      /* of a gauge; the sum of a histogram */
    atomic_uint_fast64_t in_bucket[N_BUCKETS]; /* of a histogram, not cumulative */
};

struct family {
    const struct metric_family *meta;
    _Atomic(struct metric *) first;
    struct metric *last; /* under the lock */
};

struct hook {
    void (*run)(void *arg);
    void *arg;
};

/* The lock guards what grows. Families and series are never changed once published (by the release of n_families, or of
 * the pointer that leads to them), so updates and rendering take no lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct family families[METRICS_FAMILIES_MAX];
static atomic_size_t n_families;
static struct metric series[METRICS_SERIES_MAX];
static size_t n_series;
static uint16_t slots[METRICS_SLOTS]; /* index into series, plus one */
static struct hook hooks[METRICS_HOOKS_MAX];
static size_t n_hooks;
static struct metric overflow; /* takes the updates of all that found no room */
static atomic_uint_fast64_t n_overflows;

static struct family *find_family(const struct metric_family *meta)
{
    const size_t n = atomic_load_explicit(&n_families, memory_order_acquire);
    for (size_t i = 0; i < n; i++)
        if (families[i].meta == meta || strcmp(families[i].meta->name, meta->name) == 0)
            return &families[i];
    return NULL;
}

static struct family *make_family(const struct metric_family *meta)
{
    const size_t n = atomic_load(&n_families);
    if (n == METRICS_FAMILIES_MAX)
        return NULL;
    families[n].meta = meta;
    atomic_store_explicit(&n_families, n + 1, memory_order_release);
    return &families[n];
}

/* The slot that holds the series, or the empty one where it belongs. */
static uint16_t *find_slot(const struct family *family, struct str labels)
{
    size_t i = hash64(labels, (uint64_t)(family - families)) % METRICS_SLOTS;
    for (; slots[i] != 0; i = (i + 1) % METRICS_SLOTS) {
        const struct metric *m = &series[slots[i] - 1];
        if (m->family == family && str_equal(str_of(m->labels), labels))
            break;
    }
    return &slots[i];
}

static struct metric *make_series(struct family *family, struct str labels)
{
    if (n_series == METRICS_SERIES_MAX)
        return NULL;
    struct metric *m = &series[n_series++];
    m->family = family;
    memcpy(m->labels, labels.ptr, labels.len);
    _Atomic(struct metric *) *link = family->last == NULL ? &family->first : &family->last->next;
    atomic_store_explicit(link, m, memory_order_release);
    family->last = m;
    return m;
}

static struct metric *find_or_make(const struct metric_family *meta, struct str labels)
{
    struct family *family = find_family(meta);
    if (family == NULL)
        family = make_family(meta);
    if (family == NULL)
        return NULL;
    uint16_t *slot = find_slot(family, labels);
    if (*slot != 0)
        return &series[*slot - 1];
    struct metric *m = make_series(family, labels);
    if (m != NULL)
        *slot = (uint16_t)n_series;
    return m;
}

struct metric *metrics_series(const struct metric_family *family, const char *labels)
{
    const struct str text = str_of(labels);
    struct metric *m = NULL;
    if (text.len < METRICS_LABELS_MAX) {
        (void)pthread_mutex_lock(&lock);
        m = find_or_make(family, text);
        (void)pthread_mutex_unlock(&lock);
    }
    if (m != NULL)
        return m;
    atomic_fetch_add(&n_overflows, 1);
    return &overflow;
}

/* The overflow series has no family. */
static const struct bucket *buckets_of(const struct metric *m)
{
    return m->family != NULL && m->family->meta->type == METRIC_HISTOGRAM_OF_ITEMS ? of_items : of_seconds;
}

static void add_double(_Atomic double *to, double delta)
{
    double before = atomic_load_explicit(to, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(to, &before, before + delta, memory_order_relaxed,
                                                  memory_order_relaxed))
        ;
}

void metric_add(struct metric *m, uint64_t n)
{
    atomic_fetch_add_explicit(&m->count, n, memory_order_relaxed);
}

void metric_follow(struct metric *m, uint64_t n)
{
    atomic_store_explicit(&m->count, n, memory_order_relaxed);
}

void metric_set(struct metric *m, double value)
{
    atomic_store_explicit(&m->value, value, memory_order_relaxed);
}

void metric_move(struct metric *m, int64_t delta)
{
    add_double(&m->value, (double)delta);
}

void metric_observe(struct metric *m, double value)
{
    /* A clock that stepped back, or NAN: the sum must never fall. */
    const double counted = value > 0 ? value : 0;
    const struct bucket *const buckets = buckets_of(m);
    size_t i = 0;
    while (counted > buckets[i].bound)
        i++;
    atomic_fetch_add_explicit(&m->in_bucket[i], 1, memory_order_relaxed);
    add_double(&m->value, counted);
}

uint64_t metric_count(const struct metric *m)
{
    uint64_t n = atomic_load_explicit(&m->count, memory_order_relaxed);
    for (size_t i = 0; i < N_BUCKETS; i++)
        n += atomic_load_explicit(&m->in_bucket[i], memory_order_relaxed);
    return n;
}

enum { DIGITS_ALWAYS_EXACT = 15, DIGITS_ALWAYS_ENOUGH = 17 };

/* The fewest digits that read back as value. */
static void put_finite(struct buf *out, double value)
{
    const size_t start = out->len;
    double back = NAN;
    for (int n_digits = DIGITS_ALWAYS_EXACT; n_digits <= DIGITS_ALWAYS_ENOUGH && buf_is_ok(out); n_digits++) {
        out->len = start;
        buf_printf(out, "%.*g", n_digits, value);
        if (str_to_double((struct str){out->data + start, out->len - start}, &back) && !(back < value || back > value))
            return;
    }
}

static void put_number(struct buf *out, double value)
{
    if (isnan(value))
        BUF_LITERAL(out, "NaN");
    else if (isinf(value))
        buf_puts(out, value > 0 ? STR("+Inf") : STR("-Inf"));
    else
        put_finite(out, value);
}

/* The HELP text; OpenMetrics escapes the quote too. */
static void put_help(struct buf *out, const char *help, bool openmetrics)
{
    for (const char *c = help; *c != '\0'; c++) {
        if (*c == '\\' || (openmetrics && *c == '"'))
            buf_putc(out, '\\');
        if (*c == '\n')
            BUF_LITERAL(out, "\\n");
        else
            buf_putc(out, *c);
    }
}

/* OpenMetrics names the family of a counter without the _total of its samples. */
static struct str title_of(const struct metric_family *meta, bool openmetrics)
{
    const struct str name = str_of(meta->name), suffix = STR("_total");
    const bool is_cut = openmetrics && meta->type == METRIC_COUNTER && name.len > suffix.len &&
                        memcmp(name.ptr + name.len - suffix.len, suffix.ptr, suffix.len) == 0;
    return (struct str){name.ptr, is_cut ? name.len - suffix.len : name.len};
}

static void put_head(struct buf *out, const struct metric_family *meta, bool openmetrics)
{
    static const struct str types[] = {
        [METRIC_COUNTER] = STR("counter"), [METRIC_GAUGE] = STR("gauge"), [METRIC_HISTOGRAM] = STR("histogram"),
        [METRIC_HISTOGRAM_OF_ITEMS] = STR("histogram")};
    const struct str title = title_of(meta, openmetrics);
    BUF_LITERAL(out, "# HELP ");
    buf_puts(out, title);
    buf_putc(out, ' ');
    put_help(out, meta->help, openmetrics);
    BUF_LITERAL(out, "\n# TYPE ");
    buf_puts(out, title);
    buf_putc(out, ' ');
    buf_puts(out, types[meta->type]);
    buf_putc(out, '\n');
}

/* "name_suffix{labels,le="bound"} ", without what is empty; the value follows. */
static void put_sample(struct buf *out, const struct metric *m, const char *suffix, const char *bound)
{
    buf_puts(out, str_of(m->family->meta->name));
    buf_puts(out, str_of(suffix));
    if (m->labels[0] != '\0' || bound != NULL) {
        buf_putc(out, '{');
        buf_puts(out, str_of(m->labels));
        if (bound != NULL)
            buf_printf(out, "%sle=\"%s\"", m->labels[0] == '\0' ? "" : ",", bound);
        buf_putc(out, '}');
    }
    buf_putc(out, ' ');
}

static void put_histogram(struct buf *out, const struct metric *m)
{
    const struct bucket *const buckets = buckets_of(m);
    uint64_t n = 0;
    for (size_t i = 0; i < N_BUCKETS; i++) {
        n += atomic_load_explicit(&m->in_bucket[i], memory_order_relaxed);
        put_sample(out, m, "_bucket", buckets[i].label);
        buf_put_u64(out, n);
        buf_putc(out, '\n');
    }
    put_sample(out, m, "_sum", NULL);
    put_number(out, atomic_load_explicit(&m->value, memory_order_relaxed));
    buf_putc(out, '\n');
    put_sample(out, m, "_count", NULL);
    buf_put_u64(out, n);
    buf_putc(out, '\n');
}

static void put_series(struct buf *out, const struct metric *m)
{
    switch (m->family->meta->type) {
    case METRIC_HISTOGRAM:
    case METRIC_HISTOGRAM_OF_ITEMS:
        put_histogram(out, m);
        return;
    case METRIC_COUNTER:
        put_sample(out, m, "", NULL);
        buf_put_u64(out, metric_count(m));
        break;
    case METRIC_GAUGE:
        put_sample(out, m, "", NULL);
        put_number(out, atomic_load_explicit(&m->value, memory_order_relaxed));
        break;
    }
    buf_putc(out, '\n');
}

static void put_family(struct buf *out, struct family *family, bool openmetrics)
{
    put_head(out, family->meta, openmetrics);
    struct metric *m = atomic_load_explicit(&family->first, memory_order_acquire);
    for (; m != NULL; m = atomic_load_explicit(&m->next, memory_order_acquire))
        put_series(out, m);
}

/* The families that are read at each rendering, and that must be there when the tables are full. */
static void put_own(struct buf *out, bool openmetrics)
{
    struct process_usage usage;
    process_read_usage(&usage);
    const struct {
        struct metric_family meta;
        double value;
    } own[] = {
        {{"process_cpu_seconds_total", METRIC_COUNTER, "User and system CPU time spent."}, usage.cpu_seconds},
        {{"process_open_fds", METRIC_GAUGE, "Open file descriptors."}, usage.n_open_fds},
        {{"process_max_fds", METRIC_GAUGE, "Most file descriptors that may be open."}, usage.n_max_fds},
        {{"process_resident_memory_bytes", METRIC_GAUGE, "Resident memory."}, usage.resident_bytes},
        {{"process_virtual_memory_bytes", METRIC_GAUGE, "Virtual memory."}, usage.virtual_bytes},
        {{"process_start_time_seconds", METRIC_GAUGE, "Start of the process since 1970-01-01 UTC."},
         usage.start_time_seconds},
        {{"process_threads", METRIC_GAUGE, "Threads of the process."}, usage.n_threads},
        {{"tracekin_metrics_overflows_total", METRIC_COUNTER, "Lookups of a series that found no room for it."},
         (double)atomic_load(&n_overflows)},
    };
    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        put_head(out, &own[i].meta, openmetrics);
        buf_puts(out, str_of(own[i].meta.name));
        buf_putc(out, ' ');
        put_number(out, own[i].value);
        buf_putc(out, '\n');
    }
}

static void run_hooks(void)
{
    struct hook copy[METRICS_HOOKS_MAX];
    (void)pthread_mutex_lock(&lock);
    const size_t n = n_hooks;
    memcpy(copy, hooks, sizeof copy);
    (void)pthread_mutex_unlock(&lock);
    for (size_t i = 0; i < n; i++)
        copy[i].run(copy[i].arg);
}

void metrics_render(struct buf *out, bool openmetrics)
{
    run_hooks();
    const size_t n = atomic_load_explicit(&n_families, memory_order_acquire);
    for (size_t i = 0; i < n; i++)
        put_family(out, &families[i], openmetrics);
    put_own(out, openmetrics);
    if (openmetrics)
        BUF_LITERAL(out, "# EOF\n");
}

void metrics_add_hook(void (*hook)(void *arg), void *arg)
{
    (void)pthread_mutex_lock(&lock);
    if (n_hooks < METRICS_HOOKS_MAX)
        hooks[n_hooks++] = (struct hook){hook, arg};
    (void)pthread_mutex_unlock(&lock);
}
