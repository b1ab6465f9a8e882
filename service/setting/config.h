/* The settings: one table (config.c) of flag, variable, type, default, range and help; read once, then constant.
 *
 * Each comes from --flag, else from its TRACEKIN_ variable, else from its default. Texts are borrowed from the arguments and
 * the environment, which live as long as the process; but what may hold a password is copied from an argument and overwritten
 * there, where every user of the machine could read it. An unknown flag or a value out of range is ERR_INVALID with a message
 * that names the setting and what it may be. */
#ifndef TRACEKIN_SERVICE_CONFIG_H
#define TRACEKIN_SERVICE_CONFIG_H

#include <stdio.h>

#include "core/arena.h"
#include "core/buf.h"
#include "core/err.h"
#include "core/str.h"
#include "service/setting/address.h"

enum { SERVICE_IMPORT_THREADS_MAX = 64 };

/* The database as the one who serves requests, and as the one who owns the schema: the same text unless they are two. */
struct service_urls {
    const char *serving, *owner;
};

struct service_config {
    struct service_address listen;
    struct str database_url, database_url_file, owner_url, owner_url_file;
    struct service_urls urls; /* of these; NULL until service_config_check_database */
    struct arena texts;       /* what is borrowed from neither arguments nor environment */
    int64_t is_insecure, is_read_only;
    int64_t retention_ns; /* 0: keep everything */
    int64_t quiet_ns;     /* of the assembler */
    int64_t vector_method; /* an enum db_vector_method */
    int64_t n_vector_lists; /* 0: by the number of rows */
    int64_t recall_thousandths, recall_interval_ns, index_memory_bytes;
    struct str embeddings_url; /* empty: the built-in embedder; service/job/embeddings.h reads these */
    struct str embeddings_model, embeddings_key, embeddings_key_file;
    int64_t embeddings_timeout_ns, n_embeddings_batch, n_embeddings_cache, embeddings_dimensions, embeddings_link_local;
    int64_t n_http_threads, n_read_workers, n_search_workers, n_ingest_workers, n_writer_threads;
    int64_t n_import_threads;
    int64_t n_connections_max, n_queue_max;
    int64_t body_max_bytes, memory_max_bytes;
    int64_t request_timeout_ns, header_timeout_ns, transfer_timeout_ns, idle_timeout_ns;
    int64_t drain_timeout_ns, startup_timeout_ns;
    struct str api_keys_file; /* empty: there are no keys; service/http/keys.h reads it */
    int64_t rate_per_key, burst_per_key, rate_per_address, burst_per_address; /* a second, 0: no limit; bursts, 0: twice the rate */
    int64_t n_rate_addresses_max;
    struct str trusted_proxies, cors_origins; /* service/setting/network.h and service/http/cors.h read them */
    struct str tls_cert_file, tls_key_file; /* service/http/tls.h reads them */
    int64_t slow_query_ns; /* 0: none is */
    int64_t log_level; /* an enum log_level */
};

/* Reads the flags of argv (argv[0] and the subcommand left out) and the environment. What is not a flag is moved to the front
 * of argv, in order, and *n_operands says how many there are; a subcommand that takes none passes NULL. On success *c is new:
 * service_config_close. */
enum err service_config_read(struct service_config *c, int argc, char **argv, int *n_operands, struct err_info *e) MUST_USE;
/* For a zeroed one too. */
void service_config_close(struct service_config *c);
static inline void service_config_auto(struct service_config *c) { service_config_close(c); }
/* What one request may have of the memory of all. */
int64_t service_config_request_bytes(const struct service_config *c);
/* The database is named, by URLs without a fault, which are in c->urls from now on, read from their files where they are in
 * some. Nothing of a URL is in the message. */
enum err service_config_check_database(struct service_config *c, struct err_info *e) MUST_USE;
/* As service_config_check_database; and the database may be written to. */
enum err service_config_check_write(struct service_config *c, struct err_info *e) MUST_USE;
/* Whether one role serves and another owns the schema. */
bool service_config_has_owner(const struct service_config *c);

/* Logs a warning for each TRACEKIN_ variable that is not a setting; those of the tests and of ./dev are let be. */
void service_config_warn_unknown(void);
/* Every setting with its value, default, range and help; passwords are masked. */
void service_config_print(const struct service_config *c, FILE *out);

#endif
