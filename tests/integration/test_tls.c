/* HTTPS: by libcurl, which verifies, and by a TLS client of the test's own for what no client would do. */
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "tests/integration/support/certificate.h"
#include "tests/integration/support/database.h"
#include "tests/integration/support/http.h"
#include "tests/integration/support/server.h"

enum { OUTPUT_MAX = 65536, SETTING_MAX = 128, PATH_MAX_BYTES = 64, LOG_MS = 30000, READ_MS = 30000, NAME_MAX_BYTES = 64, REPLY_MAX = 65536,
       BODY_BYTES = 8 << 20, N_RELOADS = 20 };

#define GET "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"

static char output[OUTPUT_MAX], folder[PATH_MAX_BYTES], cert_path[PATH_MAX_BYTES + 16], key_path[PATH_MAX_BYTES + 16], other_key_path[PATH_MAX_BYTES + 16];
static char cert_setting[SETTING_MAX], key_setting[SETTING_MAX];
static struct server server;

static void make(void)
{
    (void)snprintf(folder, sizeof folder, "/tmp/tracekin-tls-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(cert_path, sizeof cert_path, "%s/cert.pem", folder);
    (void)snprintf(key_path, sizeof key_path, "%s/key.pem", folder);
    (void)snprintf(other_key_path, sizeof other_key_path, "%s/other.pem", folder);
    (void)snprintf(cert_setting, sizeof cert_setting, "TRACEKIN_TLS_CERT_FILE=%s", cert_path);
    (void)snprintf(key_setting, sizeof key_setting, "TRACEKIN_TLS_KEY_FILE=%s", key_path);
    certificate_write(cert_path, other_key_path, "other", 30);
    certificate_write(cert_path, key_path, "first", 30);
    server = (struct server){0};
}

static void drop(void)
{
    if (server.pid > 0)
        server_kill(&server);
    (void)unlink(cert_path);
    (void)unlink(key_path);
    (void)unlink(other_key_path);
    (void)rmdir(folder);
}

static void start(const char *setting)
{
    const char *const settings[] = {cert_setting, key_setting, setting, NULL};
    server_start_tls(&server, database_url(), settings, cert_path);
}

/* --- a client of the test's own */

struct client {
    int fd;
    gnutls_session_t session;
    gnutls_certificate_credentials_t credentials;
};

/* Returns what the handshake came to: 0 is done. The socket blocks, with a time limit. */
static int client_open(struct client *c, const char *priorities)
{
    const struct timeval limit = {.tv_sec = READ_MS / 1000};
    c->fd = http_connect(&server);
    ck_assert_int_eq(setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    ck_assert_int_eq(gnutls_certificate_allocate_credentials(&c->credentials), 0);
    ck_assert_int_eq(gnutls_init(&c->session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL), 0);
    ck_assert_int_eq(gnutls_priority_set_direct(c->session, priorities, NULL), 0);
    ck_assert_int_eq(gnutls_credentials_set(c->session, GNUTLS_CRD_CERTIFICATE, c->credentials), 0);
    gnutls_transport_set_int(c->session, c->fd);
    int code;
    do
        code = gnutls_handshake(c->session);
    while (code < 0 && gnutls_error_is_fatal(code) == 0);
    return code;
}

static void client_close(struct client *c)
{
    gnutls_deinit(c->session);
    gnutls_certificate_free_credentials(c->credentials);
    (void)close(c->fd);
}

static void client_send(struct client *c, const char *text)
{
    ck_assert_int_eq(gnutls_record_send(c->session, text, strlen(text)), (ssize_t)strlen(text));
}

/* Reads until text has come so often; false at the end of the stream. */
static bool client_await(struct client *c, const char *text, int times)
{
    char reply[REPLY_MAX];
    size_t len = 0;
    for (;;) {
        const ssize_t n = gnutls_record_recv(c->session, reply + len, sizeof reply - 1 - len);
        if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED)
            continue; /* a session ticket */
        if (n <= 0)
            return false;
        len += (size_t)n;
        reply[len] = '\0';
        int found = 0;
        for (const char *at = reply; (at = strstr(at, text)) != NULL; at += strlen(text))
            found++;
        if (found >= times)
            return true;
    }
}

/* The common name that the server showed. */
static const char *client_saw(const struct client *c)
{
    static char name[NAME_MAX_BYTES];
    size_t size = sizeof name;
    unsigned n = 0;
    gnutls_x509_crt_t crt;
    const gnutls_datum_t *const certs = gnutls_certificate_get_peers(c->session, &n);
    ck_assert(certs != NULL && n > 0);
    ck_assert_int_eq(gnutls_x509_crt_init(&crt), 0);
    ck_assert_int_eq(gnutls_x509_crt_import(crt, &certs[0], GNUTLS_X509_FMT_DER), 0);
    ck_assert_int_eq(gnutls_x509_crt_get_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &size), 0);
    gnutls_x509_crt_deinit(crt);
    return name;
}

static void expect_name(const char *name)
{
    struct client c;
    ck_assert_int_eq(client_open(&c, "NORMAL"), 0);
    ck_assert_str_eq(client_saw(&c), name);
    client_close(&c);
}

/* --- */

START_TEST(questions_and_telemetry)
{
    struct http_reply reply;
    start(NULL);
    ck_assert_ptr_nonnull(strstr(server_log(&server), "\"scheme\":\"https\""));
    http_get(&server, "/api/v1/services", &reply);
    ck_assert_int_eq(reply.status, 200);
    ck_assert_msg(http_has_header(&reply, "Strict-Transport-Security: max-age=31536000"), "%s", reply.head);
    http_reply_close(&reply);
    http_post_json(&server, "/v1/traces", "{\"resourceSpans\":[]}", &reply);
    ck_assert_msg(reply.status == 200, "%d %s", reply.status, reply.body);
    http_reply_close(&reply);
    http_get(&server, "/metrics", &reply);
    const char *const expiry = strstr(reply.body, "\ntracekin_tls_certificate_expiry_timestamp_seconds ");
    ck_assert_ptr_nonnull(expiry);
    ck_assert_double_gt(atof(strchr(expiry + 1, ' ')), (double)time(NULL));
    http_reply_close(&reply);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

/* What fills records, buffers and several reads, either way; and requests that come together in one record. */
START_TEST(large_bodies_and_pipelined_requests)
{
    struct http_reply reply;
    struct client c;
    char *const body = malloc(BODY_BYTES);
    ck_assert_ptr_nonnull(body);
    static const char head[] = "{\"resourceSpans\":[]", tail[] = "}";
    memset(body, ' ', BODY_BYTES);
    memcpy(body, head, sizeof head - 1);
    memcpy(body + BODY_BYTES - 1, tail, 1);
    start(NULL);
    const struct http_request request = {.target = "/v1/traces", .headers = {"Content-Type: application/json"}, .body = body, .body_len = BODY_BYTES};
    http_send(&server, &request, &reply);
    ck_assert_msg(reply.status == 200, "%d %s", reply.status, reply.body);
    http_reply_close(&reply);
    free(body);
    http_get(&server, "/openapi.yaml", &reply);
    ck_assert(reply.status == 200 && reply.body_len > 1 << 15);
    http_reply_close(&reply);
    ck_assert_int_eq(client_open(&c, "NORMAL"), 0);
    client_send(&c, GET GET "GET /api/v1/services HTTP/1.1\r\nHost: x\r\n\r\n" GET);
    ck_assert(client_await(&c, "HTTP/1.1 200", 4));
    client_close(&c);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(only_present_versions_are_spoken)
{
    static const struct { const char *priorities; gnutls_protocol_t version; } cases[] = {
        {"NORMAL:-VERS-ALL:+VERS-TLS1.3", GNUTLS_TLS1_3}, {"NORMAL:-VERS-ALL:+VERS-TLS1.2", GNUTLS_TLS1_2},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.1", GNUTLS_VERSION_UNKNOWN}, {"NORMAL:-VERS-ALL:+VERS-TLS1.0", GNUTLS_VERSION_UNKNOWN},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA", GNUTLS_VERSION_UNKNOWN},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.2:-MAC-ALL:+SHA1:-CIPHER-ALL:+AES-128-CBC", GNUTLS_VERSION_UNKNOWN}};
    start(NULL);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct client c;
        const bool is_done = client_open(&c, cases[i].priorities) == 0;
        ck_assert_msg(is_done == (cases[i].version != GNUTLS_VERSION_UNKNOWN), "%s", cases[i].priorities);
        if (is_done)
            ck_assert_int_eq(gnutls_protocol_get_version(c.session), cases[i].version);
        client_close(&c);
    }
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(plain_http_is_not_answered)
{
    int fd;
    struct http_reply reply;
    start(NULL);
    fd = http_connect(&server);
    http_write(fd, GET);
    ck_assert(!http_read(fd, READ_MS, false, &reply));
    ck_assert_int_eq(reply.status, 0);
    http_reply_close(&reply);
    (void)close(fd);
    expect_name("first");
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

/* A handshake has the time of a header, whether nothing comes or a byte now and then. */
START_TEST(slow_handshakes_are_cut_off)
{
    static const char hello[] = {0x16, 0x03, 0x01, 0x02, 0x00, 0x01};
    struct client idle;
    start("TRACEKIN_HEADER_TIMEOUT=500ms");
    const int silent = http_connect(&server), begun = http_connect(&server), trickling = http_connect(&server);
    http_write_bytes(begun, hello, sizeof hello);
    const int64_t until_ns = clock_mono_ns() + READ_MS * NS_PER_MS;
    for (size_t i = 0; !http_is_closed(trickling, 50); i++) {
        ck_assert_int_lt(clock_mono_ns(), until_ns);
        http_write_bytes(trickling, i < sizeof hello ? &hello[i] : "", 1);
    }
    ck_assert(http_is_closed(silent, READ_MS));
    ck_assert(http_is_closed(begun, READ_MS));
    ck_assert_int_eq(client_open(&idle, "NORMAL"), 0); /* and then sends no header */
    char byte;
    ck_assert_int_le(gnutls_record_recv(idle.session, &byte, 1), 0);
    client_close(&idle);
    (void)close(silent);
    (void)close(begun);
    (void)close(trickling);
    expect_name("first");
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

/* Connections that were there before go on; those that begin later see the new certificate. */
START_TEST(a_new_certificate_is_taken_over)
{
    struct client before;
    start(NULL);
    ck_assert_int_eq(client_open(&before, "NORMAL"), 0);
    ck_assert_str_eq(client_saw(&before), "first");
    certificate_write(cert_path, key_path, "second", 60);
    expect_name("first");
    server_signal(&server, SIGHUP);
    server_await_log(&server, "\"tls_reloaded\"", LOG_MS);
    expect_name("second");
    client_send(&before, GET);
    ck_assert(client_await(&before, "HTTP/1.1 200", 1));
    client_close(&before);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

static atomic_bool is_over;
static atomic_int n_asked;

static void *ask_on(void *arg)
{
    const struct server *const s = arg;
    while (!atomic_load(&is_over)) {
        struct client c;
        if (client_open(&c, "NORMAL") != 0)
            ck_abort_msg("a handshake failed: %s", server_log(s));
        client_send(&c, GET);
        ck_assert(client_await(&c, "HTTP/1.1 200", 1));
        client_close(&c);
        atomic_fetch_add(&n_asked, 1);
    }
    return NULL;
}

/* The files are replaced by renaming, one after the other: a reload between the two finds a pair that does not match, and keeps
 * what it has. */
START_TEST(no_connection_fails_while_certificates_change)
{
    pthread_t threads[2];
    char next_cert[PATH_MAX_BYTES + 16], next_key[PATH_MAX_BYTES + 16];
    (void)snprintf(next_cert, sizeof next_cert, "%s/next.pem", folder);
    (void)snprintf(next_key, sizeof next_key, "%s/next.key", folder);
    start(NULL);
    atomic_store(&is_over, false);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_on, &server), 0);
    for (int i = 0; i < N_RELOADS; i++) {
        certificate_write(next_cert, next_key, "next", 30);
        ck_assert_int_eq(rename(next_cert, cert_path), 0);
        server_signal(&server, SIGHUP);
        ck_assert_int_eq(rename(next_key, key_path), 0);
        server_signal(&server, SIGHUP);
        const int n_before = atomic_load(&n_asked);
        for (const int64_t until_ns = clock_mono_ns() + LOG_MS * NS_PER_MS; atomic_load(&n_asked) < n_before + 2;)
            ck_assert_int_lt(clock_mono_ns(), until_ns);
    }
    atomic_store(&is_over, true);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    expect_name("next");
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

static void write_text(const char *path, const char *text)
{
    FILE *const file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(a_bad_certificate_is_not_taken_over)
{
    struct http_reply reply;
    start(NULL);
    write_text(cert_path, "-----BEGIN CERTIFICATE-----\nhush\n-----END CERTIFICATE-----\n");
    server_signal(&server, SIGHUP);
    server_await_log(&server, "\"tls_reload_failed\"", LOG_MS);
    ck_assert_ptr_nonnull(strstr(server_log(&server), "TRACEKIN_TLS_CERT_FILE"));
    expect_name("first");
    ck_assert_int_eq(unlink(key_path), 0);
    server_signal(&server, SIGHUP);
    server_await_log(&server, "cannot be opened", LOG_MS);
    expect_name("first");
    certificate_write(cert_path, key_path, "mended", 30);
    server_signal(&server, SIGHUP);
    server_await_log(&server, "\"tls_reloaded\"", LOG_MS);
    expect_name("mended");
    http_get(&server, "/metrics", &reply);
    ck_assert_msg(strstr(reply.body, "\ntracekin_tls_reload_failures_total 2\n") != NULL, "%s", reply.body);
    http_reply_close(&reply);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

static void refuse_start(const char *cert, const char *key, const char *words)
{
    static const char *const commands[] = {"serve", "check-config"};
    char url[DATABASE_URL_MAX + 32];
    (void)snprintf(url, sizeof url, "TRACEKIN_DATABASE_URL=%s", database_url());
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        const char *const settings[] = {url, "TRACEKIN_LISTEN=127.0.0.1:0", cert != NULL ? cert : key, cert != NULL ? key : NULL, NULL};
        const int status = server_command((const char *const[]){commands[i], NULL}, settings, output, sizeof output);
        ck_assert_msg(status == 2 && strstr(output, words) != NULL, "%s: %d %.2000s", commands[i], status, output);
    }
}

START_TEST(what_cannot_be_used_stops_the_start)
{
    char other[SETTING_MAX];
    (void)snprintf(other, sizeof other, "TRACEKIN_TLS_KEY_FILE=%s", other_key_path);
    refuse_start(cert_setting, NULL, "go together");
    refuse_start(NULL, key_setting, "go together");
    refuse_start(cert_setting, other, "does not hold the key of the first certificate");
    refuse_start(cert_setting, "TRACEKIN_TLS_KEY_FILE=/nowhere/key.pem", "cannot be opened");
    refuse_start(cert_setting, "TRACEKIN_TLS_KEY_FILE=/dev/null", "is not a file");
    write_text(key_path, "-----BEGIN PRIVATE KEY-----\nhush\n-----END PRIVATE KEY-----\n");
    refuse_start(cert_setting, key_setting, "must hold a key in PEM");
    ck_assert_ptr_null(strstr(output, "hush"));
    write_text(cert_path, "-----BEGIN CERTIFICATE-----\nhush\n-----END CERTIFICATE-----\n");
    refuse_start(cert_setting, other, "must hold a certificate");
}
END_TEST

/* Some clients do not look, and a service that does not come up helps none. */
START_TEST(an_expired_certificate_is_told_of)
{
    char url[DATABASE_URL_MAX + 32];
    (void)snprintf(url, sizeof url, "TRACEKIN_DATABASE_URL=%s", database_url());
    certificate_write(cert_path, key_path, "past", 0);
    server_spawn(&server, (const char *const[]){"serve", NULL},
                 (const char *const[]){url, "TRACEKIN_LISTEN=127.0.0.1:0", cert_setting, key_setting, NULL});
    server_await_log(&server, "\"listening\"", LOG_MS);
    ck_assert_ptr_nonnull(strstr(server_log(&server), "tls_certificate_expired"));
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(the_healthcheck_speaks_tls)
{
    char listen[SERVER_ADDRESS_MAX + 32];
    start(NULL);
    (void)snprintf(listen, sizeof listen, "TRACEKIN_LISTEN=%s", server.address);
    const char *const secure[] = {listen, cert_setting, key_setting, NULL}, *const plain[] = {listen, NULL};
    static const char *const command[] = {"healthcheck", NULL};
    ck_assert_msg(server_command(command, secure, output, sizeof output) == 0, "%s", output);
    ck_assert_int_eq(server_command(command, plain, output, sizeof output), 1);
    ck_assert_int_eq(server_stop(&server), 0);
    server_start(&server, database_url(), NULL);
    (void)snprintf(listen, sizeof listen, "TRACEKIN_LISTEN=%s", server.address);
    ck_assert_int_eq(server_command(command, secure, output, sizeof output), 1);
    ck_assert_msg(strstr(output, "does not speak TLS") != NULL, "%s", output);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

/* A question that waits for a lock is answered whole, and a connection in the middle of its handshake holds nobody up. */
START_TEST(a_drain_ends_what_is_in_flight)
{
    struct client c;
    const struct db_wait wait = database_wait(READ_MS);
    struct db_conn *const other = db_conn_new(database_url(), "test");
    start(NULL);
    ck_assert_int_eq(db_exec(other, &wait, "BEGIN; LOCK TABLE operations IN ACCESS EXCLUSIVE MODE", NULL, NULL), OK);
    ck_assert_int_eq(client_open(&c, "NORMAL"), 0);
    const int silent = http_connect(&server);
    client_send(&c, "GET /api/v1/services/a/operations HTTP/1.1\r\nHost: x\r\n\r\n");
    /* A job in the background may wait for the same lock. */
    while (database_number(database_url(), "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted"
                                           " AND relation = 'operations'::regclass AND application_name = 'tracekin read'") == 0)
        (void)nanosleep(&(struct timespec){.tv_nsec = 5 * NS_PER_MS}, NULL);
    server_signal(&server, SIGTERM);
    server_await_log(&server, "\"draining\"", LOG_MS);
    ck_assert_int_eq(db_exec(other, &wait, "COMMIT", NULL, NULL), OK);
    ck_assert(client_await(&c, "HTTP/1.1 200", 1)); /* the log tells of the drain a moment before replies do */
    int status = -1;
    ck_assert(server_wait(&server, LOG_MS, &status));
    ck_assert_int_eq(status, 0);
    client_close(&c);
    (void)close(silent);
    (void)close(server.log_fd);
    db_conn_free(other);
}
END_TEST

/* Without TLS the signal that ends other programs is not one to end this. */
START_TEST(the_signal_is_taken_by_a_service_without_tls)
{
    struct http_reply reply;
    server_start(&server, database_url(), NULL);
    server_signal(&server, SIGHUP);
    http_get(&server, "/readyz", &reply);
    ck_assert_int_eq(reply.status, 200);
    ck_assert_ptr_null(strcasestr(reply.head, "Strict-Transport-Security"));
    http_reply_close(&reply);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

static TCase *tcase_tls(void)
{
    TCase *tc = tcase_create("tls");
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, make, drop);
    tcase_add_test(tc, questions_and_telemetry);
    tcase_add_test(tc, large_bodies_and_pipelined_requests);
    tcase_add_test(tc, only_present_versions_are_spoken);
    tcase_add_test(tc, plain_http_is_not_answered);
    tcase_add_test(tc, slow_handshakes_are_cut_off);
    tcase_add_test(tc, a_new_certificate_is_taken_over);
    tcase_add_test(tc, no_connection_fails_while_certificates_change);
    tcase_add_test(tc, a_bad_certificate_is_not_taken_over);
    tcase_add_test(tc, what_cannot_be_used_stops_the_start);
    tcase_add_test(tc, an_expired_certificate_is_told_of);
    tcase_add_test(tc, the_healthcheck_speaks_tls);
    tcase_add_test(tc, a_drain_ends_what_is_in_flight);
    tcase_add_test(tc, the_signal_is_taken_by_a_service_without_tls);
    return tc;
}

DATABASE_MAIN("tls", tcase_tls)
