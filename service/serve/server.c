#include "service/serve/server.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/otlp/otlp.h"
#include "core/clock.h"
#include "core/log.h"
#include "db/session/query.h"
#include "service/database/index.h"
#include "service/database/schema.h"
#include "service/http/access.h"
#include "service/http/listener.h"
#include "service/http/memory.h"
#include "service/http/tls.h"
#include "service/http/traffic.h"
#include "service/job/assembler.h"
#include "service/job/chunker.h"
#include "service/job/embedder.h"
#include "service/job/embeddings.h"
#include "service/job/index_keeper.h"
#include "service/job/index_monitor.h"
#include "service/job/retention.h"
#include "service/job/slow_queries.h"
#include "service/process/notify.h"
#include "service/process/signals.h"
#include "service/serve/ready.h"
#include "service/serve/watchdog.h"

/* What the process opens besides its clients' sockets: a session and what wakes its thread for each worker, and the rest. */
enum { N_LANES = API_LANE_INGEST + 1, FILES_OF_WORKER = 2, FILES_KEPT = 256, POLL_MS = 10, FLUSH_TIMEOUT_MS = 2000, SIGNAL_PERIOD_S = 3600,
       ASSEMBLER_MAX_AGE_MS = 30 * 1000 };

struct server {
    struct service_config config;
    struct api_world world;
    struct service_access *access;
    struct service_tls *tls; /* NULL: HTTP */
    struct service_watcher *watcher;
    struct service_ready *ready;
    struct service_lane *lanes[N_LANES];
    struct service_engine *engine;
    struct service_listener *listener;
    struct service_watchdog *watchdog;
    struct service_assembler *assembler;
    struct service_embedder *embedder;
    struct service_chunker *chunker;
    struct service_retention *retention;
    struct service_index_keeper *index_keeper;
    struct service_index_monitor *index_monitor;
    struct service_slow_queries *slow_queries;
};

static int64_t server_files(const struct service_config *c)
{
    return FILES_KEPT + FILES_OF_WORKER * (c->n_read_workers + c->n_search_workers + c->n_ingest_workers + c->n_writer_threads);
}

/* A client's connection is a file; the process may not be allowed as many as configured. */
static void server_fit_files(struct service_config *config)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    const int64_t room = limit.rlim_max == RLIM_INFINITY ? INT64_MAX : (int64_t)limit.rlim_max;
    const int64_t n_kept = server_files(config), n_max = room > 2 * n_kept ? room - n_kept : room / 2;
    if (config->n_connections_max <= n_max)
        return;
    LOG(LOG_WARN, "connections_limited", LOG_INT("connections_max", n_max),
        LOG_CSTR("help", "the process may not open more files: raise its limit, or lower TRACEKIN_CONNECTIONS_MAX"));
    config->n_connections_max = n_max;
}

static enum err server_start_lanes(struct server *s, struct err_info *e)
{
    const char *url = s->config.urls.serving;
    const size_t queue_max = (size_t)s->config.n_queue_max;
    /* A client that half-closes may still want its data stored, so ingest is not watched. Its workers connect for whole traces
     * only: exports are stored by the writer. */
    const struct service_lane_spec specs[N_LANES] = {
        [API_LANE_READ] = {"read", (size_t)s->config.n_read_workers, queue_max, url, s->watcher, service_engine_resume},
        [API_LANE_SEARCH] = {"search", (size_t)s->config.n_search_workers, queue_max, url, s->watcher, service_engine_resume},
        [API_LANE_INGEST] = {"ingest", (size_t)s->config.n_ingest_workers, queue_max, url, NULL, service_engine_resume},
    };
    for (int i = API_LANE_READ; i < N_LANES; i++)
        TRY(service_lane_new(&specs[i], &s->lanes[i], e));
    return OK;
}

/* What changes the schema, or sees how another role does, is the owner's. */
static enum err server_start_upkeep(struct server *s, struct err_info *e)
{
    const char *url = s->config.urls.serving, *owner_url = s->config.urls.owner;
    const struct db_assemble_when when = {s->config.quiet_ns / NS_PER_MS, ASSEMBLER_MAX_AGE_MS, s->world.embedder != NULL};
    const struct db_vector_wish wish = service_index_wish(&s->config);
    TRY(service_assembler_start(url, &when, &s->assembler, e));
    TRY(service_embedder_start(url, s->world.embedder, when.quiet_ms, &s->embedder, e));
    TRY(service_index_keeper_start(owner_url, &wish, s->world.vectors, &s->index_keeper, e));
    TRY(service_chunker_start(owner_url, &s->chunker, e));
    return service_retention_start(owner_url, s->config.retention_ns, &s->retention, e);
}

static enum err server_start_background(struct server *s, struct err_info *e)
{
    const struct service_urls *urls = &s->config.urls;
    TRY(service_index_monitor_start(s->config.is_read_only ? urls->serving : urls->owner, s->world.vectors, &s->index_monitor, e));
    TRY(service_slow_queries_start(urls->serving, s->config.slow_query_ns, s->world.vectors, &s->slow_queries, e));
    return s->config.is_read_only ? OK : server_start_upkeep(s, e);
}

static enum err server_open_store(struct server *s, struct err_info *e)
{
    const char *owner_url = service_config_has_owner(&s->config) ? s->config.urls.owner : NULL;
    int n_applied = 0;
    if (s->config.is_read_only) {
        TRY(service_schema_check(&s->config, e));
        LOG(LOG_INFO, "read_only", LOG_CSTR("help", "questions are answered; nothing is written, assembled or kept up"));
        return OK;
    }
    TRY(service_schema_migrate(&s->config, &n_applied, e));
    LOG(LOG_INFO, "schema_ready", LOG_INT("migrations_applied", n_applied));
    return db_writer_new(s->config.urls.serving, owner_url, (int)s->config.n_writer_threads, &s->world.writer, e);
}

static enum err server_start(struct server *s, struct err_info *e)
{
    TRY(service_access_new(&s->config, &s->access, e));
    TRY(service_tls_new(&s->config, &s->tls, e));
    TRY(service_embeddings_new(&s->config, &s->world.embedder, e));
    TRY(server_open_store(s, e));
    s->world.vectors = db_vector_board_new();
    if (s->world.vectors == NULL)
        return ERR_SET_NOMEM(e);
    TRY(server_start_background(s, e));
    TRY(service_ready_new(s->config.urls.serving, &s->ready, e));
    TRY(service_watcher_new(&s->watcher, e));
    TRY(server_start_lanes(s, e));
    s->world.retention_ns = s->config.retention_ns;
    s->world.body_max_bytes = (size_t)s->config.body_max_bytes;
    s->world.wall_ns = clock_wall_ns;
    s->world.ready_check = service_ready_check;
    s->world.ready_arg = s->ready;
    TRY(service_engine_new(&s->config, &s->world, s->lanes, s->access, s->tls, &s->engine, e));
    struct service_address bound;
    TRY(service_listener_new(&s->config, s->engine, &bound, &s->listener, e));
    char address[SERVICE_ADDRESS_TEXT_MAX];
    service_address_print(&bound, address);
    LOG(LOG_INFO, "listening", LOG_CSTR("address", address), LOG_CSTR("scheme", s->tls == NULL ? "http" : "https"),
        LOG_CSTR("version", TRACEKIN_VERSION));
    const struct service_watched watched = {s->world.writer, s->engine, s->listener, s->lanes, N_LANES, (size_t)s->config.n_http_threads};
    return service_watchdog_new(&watched, &s->watchdog, e);
}

/* Waits until no request is in flight; false at the deadline. A second signal ends the process: nothing that was
 * acknowledged is lost by that. */
static bool server_wait_idle(const struct server *s, int64_t timeout_ns)
{
    const int64_t deadline_ns = clock_mono_ns() + timeout_ns;
    while (service_engine_n_in_flight(s->engine) > 0) {
        if (clock_mono_ns() >= deadline_ns)
            return false;
        if (service_signals_wait(POLL_MS * NS_PER_MS)) {
            LOG(LOG_WARN, "stopped_at_once", LOG_INT("requests_lost", service_engine_n_in_flight(s->engine)));
            _exit(EXIT_FAILURE);
        }
    }
    return true;
}

/* A COMMIT may be waited for, so a second signal must be able to end that. */
static void server_cancel(struct server *s)
{
    service_signals_unblock();
    for (int i = API_LANE_READ; i < N_LANES; i++)
        service_lane_cancel(s->lanes[i]);
    if (s->world.writer != NULL)
        db_writer_cancel(s->world.writer);
}

static void server_drain(struct server *s)
{
    service_notify_stopping();
    service_watchdog_free(s->watchdog);
    s->watchdog = NULL;
    LOG(LOG_INFO, "draining", LOG_INT("requests_in_flight", service_engine_n_in_flight(s->engine)));
    service_ready_drain(s->ready);
    service_listener_free(s->listener);
    s->listener = NULL;
    service_engine_drain(s->engine);
    if (server_wait_idle(s, s->config.drain_timeout_ns))
        return;
    LOG(LOG_WARN, "drain_timeout", LOG_INT("requests_cancelled", service_engine_n_in_flight(s->engine)));
    server_cancel(s);
}

/* No request may be suspended when the engine ends, so the lanes end first; their memory outlives it. */
static void server_close(struct server *s)
{
    service_signals_unblock();
    service_watchdog_free(s->watchdog);
    service_listener_free(s->listener);
    for (int i = API_LANE_READ; i < N_LANES; i++)
        service_lane_close(s->lanes[i]);
    if (s->engine != NULL)
        (void)server_wait_idle(s, FLUSH_TIMEOUT_MS * NS_PER_MS);
    service_engine_free(s->engine);
    service_access_free(s->access);
    service_tls_free(s->tls);
    for (int i = API_LANE_READ; i < N_LANES; i++)
        service_lane_free(s->lanes[i]);
    service_watcher_free(s->watcher);
    service_ready_free(s->ready);
    db_writer_free(s->world.writer);
    service_assembler_stop(s->assembler);
    service_embedder_stop(s->embedder);
    service_chunker_stop(s->chunker);
    service_retention_stop(s->retention);
    service_index_keeper_stop(s->index_keeper);
    service_index_monitor_stop(s->index_monitor);
    service_slow_queries_stop(s->slow_queries);
    api_embedder_free(s->world.embedder);
    db_vector_board_free(s->world.vectors);
}

/* Until it is to stop. */
static void server_serve(struct server *s)
{
    for (enum service_signal signal = SERVICE_SIGNAL_NONE; signal != SERVICE_SIGNAL_STOP;) {
        signal = service_signals_next(SIGNAL_PERIOD_S * NS_PER_S);
        if (signal != SERVICE_SIGNAL_RELOAD)
            continue;
        service_notify_reloading();
        service_access_reload(s->access);
        service_tls_reload(s->tls);
        service_notify_ready();
    }
}

enum err service_server_run(const struct service_config *config, struct err_info *e)
{
    struct server s = {.config = *config};
    service_memory_return_freed();
    service_signals_block();
    service_signals_block_reload();
    service_traffic_init();
    db_query_init();
    api_otlp_rejects_init();
    service_config_warn_unknown();
    server_fit_files(&s.config);
    const enum err code = server_start(&s, e);
    if (code == OK) {
        service_notify_ready();
        server_serve(&s);
        server_drain(&s);
    }
    server_close(&s);
    if (code == OK)
        LOG(LOG_INFO, "stopped", LOG_CSTR("version", TRACEKIN_VERSION));
    return code;
}
