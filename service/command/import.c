#include "service/command/import.h"

#include <pthread.h>
#include <time.h>

#include "api/otlp/otlp.h"
#include "core/clock.h"
#include "core/mem.h"
#include "db/write/writer.h"
#include "service/command/lines.h"
#include "service/command/progress.h"
#include "service/database/schema.h"

enum {
    REDRAW_MS = 100,
    RETRY_MS = 200,
    WRITE_TIMEOUT_S = 60, /* of one try */
    PATIENCE_S = 120,     /* of all tries to store a line */
    ARENA_MAX_BYTES = 1 << 30,
    COMPLAINTS_MAX = 10,
};

struct counts {
    int64_t n_lines, n_bad_lines, n_items, n_refused, n_stored, n_duplicate, n_dead;
};

struct import {
    const struct service_config *config;
    struct db_writer *writer;
    const char *path;
    struct service_lines *lines;
    pthread_mutex_t mutex; /* for lines and all that follows */
    size_t n_running;
    bool is_over;
    struct counts counts;
    int64_t n_items_before; /* this file */
    int64_t n_complaints;
    struct err_info failure; /* what ends the import */
};

/* What a line holds, by its first key. */
static bool import_find_signal(struct str line, enum db_signal *signal)
{
    static const struct { struct str key; enum db_signal signal; } keys[] = {
        {STR("resourceSpans"), DB_SIGNAL_TRACES}, {STR("resource_spans"), DB_SIGNAL_TRACES},
        {STR("resourceLogs"), DB_SIGNAL_LOGS}, {STR("resource_logs"), DB_SIGNAL_LOGS},
        {STR("resourceMetrics"), DB_SIGNAL_METRICS}, {STR("resource_metrics"), DB_SIGNAL_METRICS}};
    struct str rest = {0};
    (void)str_split(line, '"', &rest);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (!str_starts_with(rest, keys[i].key))
            continue;
        *signal = keys[i].signal;
        return true;
    }
    return false;
}

static void import_complain(struct import *im, uint64_t number, const char *what)
{
    (void)pthread_mutex_lock(&im->mutex);
    if (im->n_complaints++ < COMPLAINTS_MAX)
        (void)fprintf(stderr, "tracekin: %s:%llu: %s\n", im->path, (unsigned long long)number, what);
    (void)pthread_mutex_unlock(&im->mutex);
}

static void import_count(struct import *im, const struct counts *line)
{
    (void)pthread_mutex_lock(&im->mutex);
    im->counts.n_lines += line->n_lines;
    im->counts.n_bad_lines += line->n_bad_lines;
    im->counts.n_items += line->n_items;
    im->counts.n_refused += line->n_refused;
    im->counts.n_stored += line->n_stored;
    im->counts.n_duplicate += line->n_duplicate;
    im->counts.n_dead += line->n_dead;
    (void)pthread_mutex_unlock(&im->mutex);
}

static void import_fail(struct import *im, const struct err_info *e)
{
    (void)pthread_mutex_lock(&im->mutex);
    if (im->failure.code == OK)
        im->failure = *e;
    im->is_over = true;
    (void)pthread_mutex_unlock(&im->mutex);
}

static bool is_worth_another_try(enum err code)
{
    return code == ERR_BUSY || code == ERR_TIMEOUT || code == ERR_UNAVAILABLE || code == ERR_OUTCOME_UNKNOWN;
}

/* Storing twice stores once, so trying again is safe whatever became of the try before. */
static enum err import_store(struct import *im, const struct db_batch *batch, struct counts *line, struct err_info *e)
{
    const int64_t give_up_ns = clock_mono_ns() + PATIENCE_S * NS_PER_S;
    for (;;) {
        struct err_info tried = {0};
        struct db_written written = {0};
        const enum err code = db_writer_write(im->writer, batch, clock_mono_ns() + WRITE_TIMEOUT_S * NS_PER_S, &written, &tried);
        line->n_stored = written.n_stored;
        line->n_duplicate = written.n_duplicate;
        line->n_dead = written.n_dead;
        if (code == OK || !is_worth_another_try(code) || clock_mono_ns() > give_up_ns) {
            if (code != OK && e != NULL)
                *e = tried;
            return code;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = RETRY_MS * NS_PER_MS}, NULL);
    }
}

static enum err import_decode(struct import *im, struct str body, struct arena *arena, struct db_batch *batch,
                              struct api_otlp_rejects *rejects, struct err_info *e)
{
    struct api_otlp_input in = {.encoding = DB_ENCODING_JSON, .body = body, .now_ns = clock_wall_ns(),
                                .retention_ns = im->config->retention_ns};
    if (!import_find_signal(body, &in.signal))
        return ERR_SET(e, ERR_INVALID, "the line does not begin with resourceSpans, resourceLogs or resourceMetrics");
    return api_otlp_decode(&in, arena, batch, rejects, e);
}

/* A line that there was no memory for may be a good one: it ends the import, as a line that cannot be stored does. */
static enum err import_line(struct import *im, struct str body, uint64_t number, struct arena *arena, struct err_info *e)
{
    struct counts line = {.n_lines = 1};
    struct api_otlp_rejects rejects = {0};
    struct db_batch batch;
    struct err_info bad = {0};
    enum err code = import_decode(im, body, arena, &batch, &rejects, &bad);
    if (code == ERR_NOMEM)
        return ERR_SET_NOMEM(e);
    if (code == OK) {
        line.n_items = (int64_t)(batch.spans.n + batch.logs.n + batch.points.n);
        code = import_store(im, &batch, &line, e);
    } else {
        line.n_bad_lines = 1;
        import_complain(im, number, bad.message);
        code = OK;
    }
    line.n_refused = rejects.n_items;
    if (rejects.n_items > 0)
        import_complain(im, number, rejects.reasons);
    if (code == OK)
        import_count(im, &line);
    return code;
}

/* Takes the next line; false when there is none, or no reason to go on. */
static bool import_next(struct import *im, struct buf *line, uint64_t *number)
{
    struct err_info e = {0};
    bool found = false;
    (void)pthread_mutex_lock(&im->mutex);
    const enum err code = im->is_over ? OK : service_lines_next(im->lines, line, number, &found, &e);
    (void)pthread_mutex_unlock(&im->mutex);
    if (code == ERR_TOO_LARGE) {
        import_complain(im, *number, e.message);
        import_count(im, &(struct counts){.n_lines = 1, .n_bad_lines = 1});
        buf_clear(line);
        return true;
    }
    if (code != OK)
        import_fail(im, &e);
    return code == OK && found;
}

static void *import_run(void *arg)
{
    struct import *im = arg;
    struct arena arena;
    struct buf line;
    uint64_t number = 0;
    arena_init(&arena, ARENA_MAX_BYTES);
    buf_init(&line, (size_t)im->config->body_max_bytes);
    while (import_next(im, &line, &number)) {
        struct err_info e = {0};
        if (line.len > 0 && import_line(im, buf_str(&line), number, &arena, &e) != OK)
            import_fail(im, &e);
        arena_close(&arena);
    }
    buf_close(&line);
    (void)pthread_mutex_lock(&im->mutex);
    im->n_running--;
    (void)pthread_mutex_unlock(&im->mutex);
    return NULL;
}

static void import_watch(struct import *im)
{
    struct service_progress progress;
    service_progress_begin(&progress, im->path);
    for (size_t n_running = 1; n_running > 0;) {
        (void)nanosleep(&(struct timespec){.tv_nsec = REDRAW_MS * NS_PER_MS}, NULL);
        (void)pthread_mutex_lock(&im->mutex);
        n_running = im->n_running;
        const int64_t n_items = im->counts.n_items - im->n_items_before;
        (void)pthread_mutex_unlock(&im->mutex);
        service_progress_draw(&progress, service_lines_position(im->lines), service_lines_size(im->lines), n_items);
    }
    service_progress_end(&progress);
}

/* Fewer threads than wished for are only slower; none leave the file as it is. */
static size_t import_start(struct import *im, pthread_t *threads)
{
    const size_t n_threads = (size_t)im->config->n_import_threads;
    size_t n_started = 0;
    im->n_running = n_threads;
    while (n_started < n_threads && pthread_create(&threads[n_started], NULL, import_run, im) == 0)
        n_started++;
    (void)pthread_mutex_lock(&im->mutex);
    im->n_running -= n_threads - n_started;
    (void)pthread_mutex_unlock(&im->mutex);
    if (n_started == 0) {
        struct err_info e = {0};
        (void)ERR_SET(&e, ERR_INTERNAL, "no thread to import with can be started: raise the limit of threads");
        import_fail(im, &e);
    }
    return n_started;
}

static enum err import_file(struct import *im, const char *path, struct err_info *e)
{
    pthread_t threads[SERVICE_IMPORT_THREADS_MAX];
    im->path = path;
    TRY(service_lines_open(path, &im->lines, e));
    im->n_items_before = im->counts.n_items;
    size_t n_started = import_start(im, threads);
    import_watch(im);
    while (n_started > 0)
        (void)pthread_join(threads[--n_started], NULL);
    service_lines_free(TAKE(im->lines));
    if (im->failure.code != OK && e != NULL)
        *e = im->failure;
    return im->failure.code;
}

static void import_summarise(const struct counts *c, int64_t start_ns)
{
    const double seconds = (double)(clock_mono_ns() - start_ns) / (double)NS_PER_S;
    (void)printf("%lld items in %lld lines: %lld stored, %lld there already, %lld refused, %lld dead letters; "
                 "%.1f s, %.0f items/s\n",
                 (long long)(c->n_items + c->n_refused), (long long)c->n_lines, (long long)c->n_stored, (long long)c->n_duplicate,
                 (long long)c->n_refused, (long long)c->n_dead, seconds, seconds > 0 ? (double)c->n_items / seconds : 0);
}

static enum err import_all(struct import *im, char **paths, size_t n_paths, struct err_info *e)
{
    const int64_t start_ns = clock_mono_ns();
    enum err code = OK;
    for (size_t i = 0; i < n_paths && code == OK; i++)
        code = import_file(im, paths[i], e);
    import_summarise(&im->counts, start_ns);
    if (code == OK && im->counts.n_bad_lines > 0)
        return ERR_SET(e, ERR_INVALID, "%lld of %lld lines are not OTLP/JSON; the others are stored",
                       (long long)im->counts.n_bad_lines, (long long)im->counts.n_lines);
    return code;
}

enum err service_import(const struct service_config *config, char **paths, size_t n_paths, struct err_info *e)
{
    struct import im = {.config = config};
    int n_applied = 0;
    TRY(service_schema_migrate(config, &n_applied, e));
    TRY(db_writer_new(config->urls.serving, service_config_has_owner(config) ? config->urls.owner : NULL,
                      (int)config->n_writer_threads, &im.writer, e));
    (void)pthread_mutex_init(&im.mutex, NULL);
    const enum err code = import_all(&im, paths, n_paths, e);
    db_writer_free(im.writer);
    (void)pthread_mutex_destroy(&im.mutex);
    return code;
}
