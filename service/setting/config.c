#include "service/setting/config.h"

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/embed/embeddings_wire.h"
#include "core/bucket.h"
#include "core/clock.h"
#include "core/log.h"
#include "db/session/url.h"
#include "db/vector/vector_use.h"
#include "service/setting/secret.h"
#include "service/setting/setting.h"

#define SETTING(member) offsetof(struct service_config, member)
#define MIB (INT64_C(1) << 20)
#define GIB (INT64_C(1) << 30)
/* A body is kept as it came and inflated, and its rows are larger than it: 6.5 times for log records of 37 bytes, 1 for common
 * ones. Answers may be large however small the bodies are. */
#define REQUEST_BYTES_PER_BODY 8
#define REQUEST_BYTES_MIN (64 * MIB)

enum { TEXTS_MAX_BYTES = 1 << 20 };

static const struct service_setting settings[] = {
    {"listen", "TRACEKIN_LISTEN", SETTING_ADDRESS, SETTING(listen), "127.0.0.1:4318", 0, 0,
     "Where HTTP is served. Port 0 takes any free one; the log tells which."},
    {"database-url", "TRACEKIN_DATABASE_URL", SETTING_URL, SETTING(database_url), "", 0, 0,
     "The PostgreSQL (15 or newer, with pgvector 0.7 or newer) that holds the data, as libpq writes it: "
     "postgresql://user:password@host:port/database."},
    {"database-url-file", "TRACEKIN_DATABASE_URL_FILE", SETTING_PATH, SETTING(database_url_file), "", 0, 0,
     "A file that holds this URL, in its place."},
    {"database-owner-url", "TRACEKIN_DATABASE_OWNER_URL", SETTING_URL, SETTING(owner_url), "", 0, 0,
     "The same database as the role that owns the schema: migrations, partitions, indexes and the retention go through it, and "
     "TRACEKIN_DATABASE_URL may be of a role that can only read and write rows. Without it one role does all."},
    {"database-owner-url-file", "TRACEKIN_DATABASE_OWNER_URL_FILE", SETTING_PATH, SETTING(owner_url_file), "", 0, 0,
     "A file that holds this URL, in its place."},
    {"read-only", "TRACEKIN_READ_ONLY", SETTING_BOOL, SETTING(is_read_only), "false", 0, 1,
     "Whether only to answer questions, of a replica (hot standby) for instance: nothing is written, migrated or kept up."},
    {"insecure", "TRACEKIN_INSECURE", SETTING_BOOL, SETTING(is_insecure), "false", 0, 1,
     "Whether to serve beyond this machine without API keys although anyone who reaches the port may read and write everything."},
    {"api-keys-file", "TRACEKIN_API_KEYS_FILE", SETTING_PATH, SETTING(api_keys_file), "", 0, 0,
     "A file with a line for each API key, as `tracekin api-key` makes them, read again on SIGHUP. Without it everybody may read and ingest, "
     "and nobody is admin."},
    {"rate-per-key", "TRACEKIN_RATE_PER_KEY", SETTING_COUNT_OR_OFF, SETTING(rate_per_key), "off", 1, BUCKET_RATE_MAX,
     "Requests a second of an API key whose line says nothing else; more are answered 429."},
    {"burst-per-key", "TRACEKIN_BURST_PER_KEY", SETTING_COUNT_OR_AUTO, SETTING(burst_per_key), "auto", 1, BUCKET_BURST_MAX,
     "How many of these it may send at once after a pause. auto: twice the rate."},
    {"rate-per-address", "TRACEKIN_RATE_PER_ADDRESS", SETTING_COUNT_OR_OFF, SETTING(rate_per_address), "off", 1, BUCKET_RATE_MAX,
     "Requests a second of a client address (of IPv6, of its /64), with or without a key; more are answered 429."},
    {"burst-per-address", "TRACEKIN_BURST_PER_ADDRESS", SETTING_COUNT_OR_AUTO, SETTING(burst_per_address), "auto", 1, BUCKET_BURST_MAX,
     "How many of these it may send at once after a pause. auto: twice the rate."},
    {"rate-addresses-max", "TRACEKIN_RATE_ADDRESSES_MAX", SETTING_COUNT, SETTING(n_rate_addresses_max), "65536", 16, 16777216,
     "Addresses whose rate is remembered, about 100 bytes each; past it, that which asked longest ago is forgotten."},
    {"trusted-proxies", "TRACEKIN_TRUSTED_PROXIES", SETTING_NETWORKS, SETTING(trusted_proxies), "", 0, 0,
     "Whose X-Forwarded-For tells the client's address. From others it is ignored."},
    {"cors-origins", "TRACEKIN_CORS_ORIGINS", SETTING_ORIGINS, SETTING(cors_origins), "", 0, 0,
     "Web pages of which origins may read answers and send telemetry from a browser."},
    {"tls-cert-file", "TRACEKIN_TLS_CERT_FILE", SETTING_PATH, SETTING(tls_cert_file), "", 0, 0,
     "A file with the certificate to serve HTTPS by, its chain after it, in PEM; SIGHUP reads it again. Without it HTTP is served."},
    {"tls-key-file", "TRACEKIN_TLS_KEY_FILE", SETTING_PATH, SETTING(tls_key_file), "", 0, 0,
     "A file with the key of this certificate, in PEM, without a passphrase."},
    {"retention", "TRACEKIN_RETENTION", SETTING_DURATION_OR_OFF, SETTING(retention_ns), "off", NS_PER_DAY, 36500 * NS_PER_DAY,
     "How long data is kept; whole days are dropped. off keeps everything."},
    {"assembler-quiet", "TRACEKIN_ASSEMBLER_QUIET", SETTING_DURATION, SETTING(quiet_ns), "2s", 100 * NS_PER_MS, 600 * NS_PER_S,
     "How long a trace must be without new spans before its summary is made; later spans make it again."},
    {"vector-index", "TRACEKIN_VECTOR_INDEX", SETTING_VECTOR_METHOD, SETTING(vector_method), "ivfflat", DB_VECTOR_NONE, DB_VECTOR_HNSW,
     "The kind of index over the embeddings of traces; none compares each. hnsw answers faster and takes far longer to build and to write."},
    {"vector-lists", "TRACEKIN_VECTOR_LISTS", SETTING_COUNT_OR_AUTO, SETTING(n_vector_lists), "auto", 1, 32768,
     "Lists of an ivfflat index. auto: by the number of traces."},
    {"recall-target", "TRACEKIN_RECALL_TARGET", SETTING_RATIO, SETTING(recall_thousandths), "0.95", 500, 1000,
     "The share of the true nearest traces that a search by the vector index must find; the index is read as far as that takes."},
    {"recall-interval", "TRACEKIN_RECALL_INTERVAL", SETTING_DURATION, SETTING(recall_interval_ns), "10m", NS_PER_S, NS_PER_DAY,
     "How often the recall of the vector index is measured again."},
    {"index-memory", "TRACEKIN_INDEX_MEMORY", SETTING_BYTES, SETTING(index_memory_bytes), "2GiB", 64 * MIB, 1024 * GIB,
     "The most memory (maintenance_work_mem) that PostgreSQL may use to build the vector index."},
    {"embeddings-url", "TRACEKIN_EMBEDDINGS_URL", SETTING_ENDPOINT, SETTING(embeddings_url), "", 0, 0,
     "An OpenAI-compatible embeddings endpoint (llama.cpp, Ollama, TEI, vLLM), or the base it is under, such as "
     "http://localhost:11434/v1. Without it traces are embedded by tracekin itself."},
    {"embeddings-model", "TRACEKIN_EMBEDDINGS_MODEL", SETTING_NAME, SETTING(embeddings_model), "", 0, 0,
     "Which model that endpoint is asked for; one of 384 dimensions. Another name embeds everything anew, in the background."},
    {"embeddings-key", "TRACEKIN_EMBEDDINGS_KEY", SETTING_SECRET, SETTING(embeddings_key), "", 0, 0,
     "The key that endpoint asks for, sent as a bearer token."},
    {"embeddings-key-file", "TRACEKIN_EMBEDDINGS_KEY_FILE", SETTING_PATH, SETTING(embeddings_key_file), "", 0, 0,
     "A file that holds this key, in its place."},
    {"embeddings-timeout", "TRACEKIN_EMBEDDINGS_TIMEOUT", SETTING_DURATION, SETTING(embeddings_timeout_ns), "10s", 100 * NS_PER_MS, 600 * NS_PER_S,
     "How long a request to that endpoint may take."},
    {"embeddings-batch", "TRACEKIN_EMBEDDINGS_BATCH", SETTING_COUNT, SETTING(n_embeddings_batch), "32", 1, API_EMBEDDINGS_MAX,
     "Texts of one request to that endpoint."},
    {"embeddings-cache", "TRACEKIN_EMBEDDINGS_CACHE", SETTING_COUNT, SETTING(n_embeddings_cache), "1024", 0, 1000000,
     "Texts whose embeddings are remembered, at most 4 KB each."},
    {"embeddings-dimensions", "TRACEKIN_EMBEDDINGS_DIMENSIONS", SETTING_BOOL, SETTING(embeddings_dimensions), "false", 0, 1,
     "Whether to ask that endpoint for 384 dimensions, for models that can make their vectors shorter."},
    {"embeddings-link-local", "TRACEKIN_EMBEDDINGS_LINK_LOCAL", SETTING_BOOL, SETTING(embeddings_link_local), "false", 0, 1,
     "Whether that endpoint may have a link-local address or another that clouds serve credentials from."},
    {"http-threads", "TRACEKIN_HTTP_THREADS", SETTING_COUNT_OR_AUTO, SETTING(n_http_threads), "auto", 2, 64,
     "Threads that read requests and write replies. auto: half the processors, 2 to 16."},
    {"read-workers", "TRACEKIN_READ_WORKERS", SETTING_COUNT_OR_AUTO, SETTING(n_read_workers), "auto", 1, 256,
     "Questions answered at once, each on its own database connection. auto: twice the processors, 4 to 32."},
    {"search-workers", "TRACEKIN_SEARCH_WORKERS", SETTING_COUNT_OR_AUTO, SETTING(n_search_workers), "auto", 1, 256,
     "Searches (similar traces, errors, logs) answered at once, each on its own database connection. auto: twice the processors, 4 to 32."},
    {"ingest-workers", "TRACEKIN_INGEST_WORKERS", SETTING_COUNT, SETTING(n_ingest_workers), "16", 1, 256,
     "Requests with data decoded and waiting for their commit at once; whole traces each on its own database connection."},
    {"writer-threads", "TRACEKIN_WRITER_THREADS", SETTING_COUNT, SETTING(n_writer_threads), "2", 1, 16,
     "Transactions that store data at once, each on its own database connection."},
    {"import-threads", "TRACEKIN_IMPORT_THREADS", SETTING_COUNT, SETTING(n_import_threads), "8", 1, SERVICE_IMPORT_THREADS_MAX,
     "Lines of a file that `import` works on at once."},
    {"connections-max", "TRACEKIN_CONNECTIONS_MAX", SETTING_COUNT, SETTING(n_connections_max), "1024", 16, 65536,
     "Client connections at once; more are answered 503 and closed. Lowered when the process may not open as many files."},
    {"queue-max", "TRACEKIN_QUEUE_MAX", SETTING_COUNT, SETTING(n_queue_max), "256", 1, 1024,
     "Requests that wait for a worker, for each kind of worker; more are answered 503."},
    {"body-max-bytes", "TRACEKIN_BODY_MAX_BYTES", SETTING_BYTES, SETTING(body_max_bytes), "64MiB", 1024, GIB,
     "The largest request body, before and after decompression; larger ones are answered 413."},
    {"memory-max-bytes", "TRACEKIN_MEMORY_MAX_BYTES", SETTING_BYTES, SETTING(memory_max_bytes), "1GiB", REQUEST_BYTES_MIN, 1024 * GIB,
     "Memory for all requests and their replies at once, at least 8 times the largest body, which is what one of them may have; "
     "past it requests are answered 503, past what one may have 413, or 422 when it is the answer."},
    {"request-timeout", "TRACEKIN_REQUEST_TIMEOUT", SETTING_DURATION, SETTING(request_timeout_ns), "10s", 100 * NS_PER_MS, 600 * NS_PER_S,
     "How long a request may take once it has arrived whole; then its statement is cancelled and it is answered 504, or 503 if it sent telemetry."},
    {"header-timeout", "TRACEKIN_HEADER_TIMEOUT", SETTING_DURATION, SETTING(header_timeout_ns), "10s", 100 * NS_PER_MS, 600 * NS_PER_S,
     "How long the header of a request may take to arrive; then the connection is closed."},
    {"transfer-timeout", "TRACEKIN_TRANSFER_TIMEOUT", SETTING_DURATION, SETTING(transfer_timeout_ns), "60s", 100 * NS_PER_MS, 3600 * NS_PER_S,
     "How long a body may take to arrive, and a reply to be taken; then the connection is closed."},
    {"idle-timeout", "TRACEKIN_IDLE_TIMEOUT", SETTING_DURATION, SETTING(idle_timeout_ns), "75s", 100 * NS_PER_MS, 3600 * NS_PER_S,
     "How long a connection may wait between requests; then it is closed."},
    {"drain-timeout", "TRACEKIN_DRAIN_TIMEOUT", SETTING_DURATION, SETTING(drain_timeout_ns), "15s", 0, 600 * NS_PER_S,
     "How long requests in flight may take to end after SIGTERM; then they are cancelled."},
    {"startup-timeout", "TRACEKIN_STARTUP_TIMEOUT", SETTING_DURATION, SETTING(startup_timeout_ns), "30s", 0, 3600 * NS_PER_S,
     "How long to wait at the start for a database that cannot be reached, or is too busy."},
    {"slow-query", "TRACEKIN_SLOW_QUERY", SETTING_DURATION_OR_OFF, SETTING(slow_query_ns), "1s", NS_PER_US, 3600 * NS_PER_S,
     "How long a question to the database may take before the log has a line about it. off logs none."},
    {"log-level", "TRACEKIN_LOG_LEVEL", SETTING_LOG_LEVEL, SETTING(log_level), "info", LOG_DEBUG, LOG_ERROR,
     "The least level that is logged: debug, info, warn or error. debug logs every request."},
};

static void *config_field(struct service_config *c, const struct service_setting *s)
{
    return (char *)c + s->offset;
}

static const struct service_setting *config_find_flag(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        if (str_equal(name, str_of(settings[i].flag)))
            return &settings[i];
    return NULL;
}

static enum err config_read_defaults(struct service_config *c, struct err_info *e)
{
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        TRY(service_setting_parse(&settings[i], "the default of ", settings[i].env, str_of(settings[i].standard),
                                  config_field(c, &settings[i]), e));
    return OK;
}

static enum err config_read_environment(struct service_config *c, struct err_info *e)
{
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        const char *value = getenv(settings[i].env);
        if (value != NULL && value[0] != '\0')
            TRY(service_setting_parse(&settings[i], "", settings[i].env, str_of(value), config_field(c, &settings[i]), e));
    }
    return OK;
}

/* The value is the end of the argument. */
static enum err config_hide(struct service_config *c, char *argument, struct str *value, struct err_info *e)
{
    const struct str copy = arena_copy(&c->texts, *value);
    if (copy.ptr == NULL)
        return ERR_SET_NOMEM(e);
    memset(argument + strlen(argument) - value->len, '*', value->len);
    *value = copy;
    return OK;
}

/* Tells of it what a name may have, in case that the mark before its value is another than '='. */
static enum err config_refuse_flag(const char *flag, struct err_info *e)
{
    const size_t len = strspn(flag, "abcdefghijklmnopqrstuvwxyz-");
    return ERR_SET(e, ERR_INVALID, "there is no setting --%.*s%s; `tracekin check-config` lists them all", (int)len, flag,
                   flag[len] == '\0' || flag[len] == '=' ? "" : "***");
}

/* Takes one flag, "--name=value" or "--name value"; a boolean needs no value. Moves *i past what it took. */
static enum err config_read_flag(struct service_config *c, int argc, char **argv, int *i, struct err_info *e)
{
    struct str value = {0};
    const struct str name = str_split(str_of(argv[*i] + 2), '=', &value);
    const struct service_setting *s = config_find_flag(name);
    if (s == NULL)
        return config_refuse_flag(argv[*i] + 2, e);
    if (value.ptr == NULL && s->type == SETTING_BOOL)
        value = STR("true");
    else if (value.ptr == NULL && ++*i < argc)
        value = str_of(argv[*i]);
    else if (value.ptr == NULL)
        return ERR_SET(e, ERR_INVALID, "--%s needs a value: %s", s->flag, s->help);
    if (service_setting_is_secret(s->type))
        TRY(config_hide(c, argv[*i], &value, e));
    return service_setting_parse(s, "--", s->flag, value, config_field(c, s), e);
}

/* An argument that is in no place of its own may be a secret, so that its place is all that is told of it. */
static enum err config_read_arguments(struct service_config *c, int argc, char **argv, int *n_operands, struct err_info *e)
{
    int n = 0;
    bool only_operands = false;
    for (int i = 0; i < argc; i++) {
        if (!only_operands && strcmp(argv[i], "--") == 0)
            only_operands = true;
        else if (!only_operands && strncmp(argv[i], "--", 2) == 0)
            TRY(config_read_flag(c, argc, argv, &i, e));
        else if (n_operands != NULL)
            argv[n++] = argv[i];
        else
            return ERR_SET(e, ERR_INVALID, "argument %d of the command is not understood: settings are written --name value", i + 1);
    }
    if (n_operands != NULL)
        *n_operands = n;
    return OK;
}

static int64_t config_clamp(int64_t value, int64_t least, int64_t most)
{
    return value < least ? least : value > most ? most : value;
}

static void config_resolve_auto(struct service_config *c)
{
    const int64_t n_processors = config_clamp(sysconf(_SC_NPROCESSORS_ONLN), 1, 1024);
    if (c->n_http_threads == 0)
        c->n_http_threads = config_clamp(n_processors / 2, 2, 16);
    if (c->n_read_workers == 0)
        c->n_read_workers = config_clamp(2 * n_processors, 4, 32);
    if (c->n_search_workers == 0)
        c->n_search_workers = config_clamp(2 * n_processors, 4, 32);
}

int64_t service_config_request_bytes(const struct service_config *c)
{
    const int64_t n_bytes = REQUEST_BYTES_PER_BODY * c->body_max_bytes;
    return n_bytes < REQUEST_BYTES_MIN ? REQUEST_BYTES_MIN : n_bytes;
}

static enum err config_read_all(struct service_config *c, int argc, char **argv, int *n_operands, struct err_info *e)
{
    TRY(config_read_defaults(c, e));
    TRY(config_read_environment(c, e));
    TRY(config_read_arguments(c, argc, argv, n_operands, e));
    if (c->memory_max_bytes < service_config_request_bytes(c))
        return ERR_SET(e, ERR_INVALID, "TRACEKIN_MEMORY_MAX_BYTES (%lld) must be at least %d times TRACEKIN_BODY_MAX_BYTES (%lld)",
                       (long long)c->memory_max_bytes, REQUEST_BYTES_PER_BODY, (long long)c->body_max_bytes);
    config_resolve_auto(c);
    return OK;
}

enum err service_config_read(struct service_config *c, int argc, char **argv, int *n_operands, struct err_info *e)
{
    struct service_config read = {0};
    arena_init(&read.texts, TEXTS_MAX_BYTES);
    const enum err code = config_read_all(&read, argc, argv, n_operands, e);
    if (code == OK)
        *c = read;
    else
        service_config_close(&read);
    return code;
}

void service_config_close(struct service_config *c)
{
    arena_close(&c->texts);
}

/* *out is NULL when neither the setting nor its file is given. */
static enum err config_find_url(struct service_config *c, const char *setting, struct str url, struct str path, const char **out,
                                struct err_info *e)
{
    AUTO(buf) struct buf text;
    buf_init(&text, SERVICE_SECRET_MAX_BYTES);
    TRY(service_secret_read(setting, url, path, &text, e));
    *out = NULL;
    if (text.len == 0)
        return OK;
    const struct str copy = arena_copy(&c->texts, buf_str(&text));
    if (copy.ptr == NULL)
        return ERR_SET_NOMEM(e);
    const char *fault = NULL;
    TRY(db_url_check(copy.ptr, &fault, e));
    if (fault != NULL)
        return ERR_SET(e, ERR_INVALID, "%s %s", setting, fault);
    *out = copy.ptr;
    return OK;
}

enum err service_config_check_database(struct service_config *c, struct err_info *e)
{
    struct service_urls urls;
    TRY(config_find_url(c, "TRACEKIN_DATABASE_URL", c->database_url, c->database_url_file, &urls.serving, e));
    TRY(config_find_url(c, "TRACEKIN_DATABASE_OWNER_URL", c->owner_url, c->owner_url_file, &urls.owner, e));
    if (urls.serving == NULL)
        return ERR_SET(e, ERR_INVALID,
                       "TRACEKIN_DATABASE_URL is not set: say which PostgreSQL to use, such as "
                       "postgresql://user:password@127.0.0.1:5432/tracekin");
    if (urls.owner == NULL)
        urls.owner = urls.serving;
    c->urls = urls;
    return OK;
}

enum err service_config_check_write(struct service_config *c, struct err_info *e)
{
    TRY(service_config_check_database(c, e));
    if (c->is_read_only)
        return ERR_SET(e, ERR_INVALID, "TRACEKIN_READ_ONLY is set, and this would write to the database: unset it, and name the primary");
    return OK;
}

bool service_config_has_owner(const struct service_config *c)
{
    return c->urls.owner != c->urls.serving;
}

static bool config_is_known(struct str variable)
{
    if (str_starts_with(variable, STR("TRACEKIN_TEST_")) || str_equal(variable, STR("TRACEKIN_CACHE")))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        if (str_equal(variable, str_of(settings[i].env)))
            return true;
    return false;
}

void service_config_warn_unknown(void)
{
    for (char **v = environ; *v != NULL; v++) {
        struct str rest = {0};
        const struct str variable = str_split(str_of(*v), '=', &rest);
        if (str_starts_with(variable, STR("TRACEKIN_")) && !config_is_known(variable))
            LOG(LOG_WARN, "unknown_variable", LOG_TEXT("variable", variable),
                LOG_CSTR("help", "`tracekin check-config` lists the settings"));
    }
}

void service_config_print(const struct service_config *c, FILE *out)
{
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        service_setting_print(&settings[i], (const char *)c + settings[i].offset, out);
}
