#include "service/http/tls.h"

#include <gnutls/x509.h>
#include <pthread.h>
#include <stdatomic.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "service/setting/file.h"
#include "service/setting/setting.h"

/* A chain of certificates is of some kilobytes. */
enum { FILE_MAX_BYTES = 1 << 20 };

static const struct metric_family expires_at = {"tracekin_tls_certificate_expiry_timestamp_seconds", METRIC_GAUGE,
                                                "When the certificate that is shown expires; 0 without TLS."};
static const struct metric_family n_failures = {"tracekin_tls_reload_failures_total", METRIC_COUNTER,
                                                "Times that a new certificate could not be used, and the old one stayed."};

struct service_tls_cert {
    gnutls_certificate_credentials_t x509;
    int64_t expires_s; /* since 1970 */
    atomic_int n_holders;
};

struct service_tls {
    const struct service_config *config;
    struct buf first_cert, first_key;
    pthread_mutex_t mutex; /* of the next */
    struct service_tls_cert *cert;
};

/* --- reading one */

/* Ends it with a NUL. */
static enum err read_file(const char *setting, const char *path, struct buf *out, struct err_info *e)
{
    struct err_info fault = {0};
    if (service_file_read(path, FILE_MAX_BYTES, out, &fault) == OK && out->len == 0)
        (void)ERR_SET(&fault, ERR_INVALID, "it must hold PEM");
    if (fault.code != OK)
        return ERR_SET(e, fault.code, "%s is '%s': %s", setting, service_setting_shown_path(path), fault.message);
    buf_putc(out, '\0');
    return buf_is_ok(out) ? OK : ERR_SET_NOMEM(e);
}

static enum err read_files(const struct service_config *c, struct buf *cert, struct buf *key, struct err_info *e)
{
    TRY(read_file("TRACEKIN_TLS_CERT_FILE", c->tls_cert_file.ptr, cert, e));
    return read_file("TRACEKIN_TLS_KEY_FILE", c->tls_key_file.ptr, key, e);
}

static gnutls_datum_t datum_of(const struct buf *pem)
{
    return (gnutls_datum_t){.data = (unsigned char *)pem->data, .size = (unsigned)(pem->len - 1)};
}

/* What the two files hold. */
struct pair {
    gnutls_x509_crt_t *chain; /* the service's own first */
    unsigned n_chain;
    gnutls_x509_privkey_t key;
};

static void pair_auto(struct pair *p)
{
    for (unsigned i = 0; i < p->n_chain; i++)
        gnutls_x509_crt_deinit(p->chain[i]);
    gnutls_free(p->chain);
    if (p->key != NULL)
        gnutls_x509_privkey_deinit(p->key);
}

static enum err refuse(int code, const char *what, struct err_info *e)
{
    return code == GNUTLS_E_MEMORY_ERROR ? ERR_SET_NOMEM(e) : ERR_SET(e, ERR_INVALID, "%s: %s", what, gnutls_strerror(code));
}

/* GnuTLS takes both from text at once as well; but then, as of 3.7.9, it loses memory with each certificate that it cannot read. */
static enum err pair_parse(const struct buf *cert_pem, const struct buf *key_pem, struct pair *out, struct err_info *e)
{
    const gnutls_datum_t cert = datum_of(cert_pem), key = datum_of(key_pem);
    int code = gnutls_x509_crt_list_import2(&out->chain, &out->n_chain, &cert, GNUTLS_X509_FMT_PEM, 0);
    if (code < 0)
        return refuse(code, "TRACEKIN_TLS_CERT_FILE must hold a certificate, and its chain after it, in PEM", e);
    code = gnutls_x509_privkey_init(&out->key);
    if (code == GNUTLS_E_SUCCESS)
        code = gnutls_x509_privkey_import2(out->key, &key, GNUTLS_X509_FMT_PEM, NULL, 0);
    return code < 0 ? refuse(code, "TRACEKIN_TLS_KEY_FILE must hold a key in PEM, without a passphrase", e) : OK;
}

static enum err fill(struct service_tls_cert *cert, const struct pair *pair, struct err_info *e)
{
    int code = gnutls_certificate_allocate_credentials(&cert->x509);
    if (code == GNUTLS_E_SUCCESS)
        code = gnutls_certificate_set_x509_key(cert->x509, pair->chain, (int)pair->n_chain, pair->key);
    cert->expires_s = (int64_t)gnutls_x509_crt_get_expiration_time(pair->chain[0]);
    if (code == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
        return ERR_SET(e, ERR_INVALID, "TRACEKIN_TLS_KEY_FILE does not hold the key of the first certificate in TRACEKIN_TLS_CERT_FILE");
    return code < 0 ? refuse(code, "TRACEKIN_TLS_CERT_FILE and TRACEKIN_TLS_KEY_FILE cannot be used", e) : OK;
}

static enum err cert_of(const struct buf *cert_pem, const struct buf *key_pem, struct service_tls_cert **out, struct err_info *e)
{
    AUTO(pair) struct pair pair = {0};
    TRY(pair_parse(cert_pem, key_pem, &pair, e));
    struct service_tls_cert *const cert = mem_calloc(1, sizeof *cert);
    if (cert == NULL)
        return ERR_SET_NOMEM(e);
    atomic_init(&cert->n_holders, 1);
    const enum err code = fill(cert, &pair, e);
    if (code != OK)
        service_tls_release(cert);
    else
        *out = cert;
    return code;
}

static bool is_wanted(const struct service_config *c)
{
    return c->tls_cert_file.len > 0 || c->tls_key_file.len > 0;
}

static enum err load(const struct service_config *c, struct buf *cert_pem, struct buf *key_pem, struct service_tls_cert **out,
                     struct err_info *e)
{
    if (c->tls_cert_file.len == 0 || c->tls_key_file.len == 0)
        return ERR_SET(e, ERR_INVALID, "TRACEKIN_TLS_CERT_FILE and TRACEKIN_TLS_KEY_FILE go together: set both, or none");
    TRY(read_files(c, cert_pem, key_pem, e));
    return cert_of(cert_pem, key_pem, out, e);
}

/* --- the one that is shown */

static void tell(const struct service_tls_cert *cert, const char *event)
{
    AUTO(buf) struct buf expires;
    buf_init(&expires, CLOCK_RFC3339_MAX);
    clock_put_rfc3339(&expires, cert->expires_s * NS_PER_S);
    metric_set(metrics_series(&expires_at, ""), (double)cert->expires_s);
    LOG(LOG_INFO, event, LOG_TEXT("expires", buf_str(&expires)));
    if (cert->expires_s < clock_wall_ns() / NS_PER_S)
        LOG(LOG_WARN, "tls_certificate_expired", LOG_CSTR("help", "clients refuse it: put a new one in its place, and send SIGHUP"));
}

static enum err load_again(const struct service_config *c, struct service_tls_cert **out, struct err_info *e)
{
    AUTO(buf) struct buf cert_pem;
    AUTO(buf) struct buf key_pem;
    buf_init(&cert_pem, FILE_MAX_BYTES + 1);
    buf_init(&key_pem, FILE_MAX_BYTES + 1);
    return load(c, &cert_pem, &key_pem, out, e);
}

enum err service_tls_check(const struct service_config *c, struct err_info *e)
{
    struct service_tls_cert *cert = NULL;
    if (!is_wanted(c))
        return OK;
    TRY(load_again(c, &cert, e));
    service_tls_release(cert);
    return OK;
}

enum err service_tls_new(const struct service_config *c, struct service_tls **out, struct err_info *e)
{
    metric_set(metrics_series(&expires_at, ""), 0);
    metric_add(metrics_series(&n_failures, ""), 0);
    *out = NULL;
    if (!is_wanted(c))
        return OK;
    struct service_tls *const t = mem_calloc(1, sizeof *t);
    if (t == NULL)
        return ERR_SET_NOMEM(e);
    t->config = c;
    buf_init(&t->first_cert, FILE_MAX_BYTES + 1);
    buf_init(&t->first_key, FILE_MAX_BYTES + 1);
    (void)pthread_mutex_init(&t->mutex, NULL);
    const enum err code = load(c, &t->first_cert, &t->first_key, &t->cert, e);
    if (code != OK) {
        service_tls_free(t);
        return code;
    }
    tell(t->cert, "tls_ready");
    *out = t;
    return OK;
}

void service_tls_free(struct service_tls *t)
{
    if (t == NULL)
        return;
    service_tls_release(t->cert);
    buf_close(&t->first_cert);
    buf_close(&t->first_key);
    (void)pthread_mutex_destroy(&t->mutex);
    mem_free(t);
}

void service_tls_reload(struct service_tls *t)
{
    struct err_info e = {0};
    struct service_tls_cert *next = NULL;
    if (t == NULL)
        return;
    if (load_again(t->config, &next, &e) != OK) {
        metric_add(metrics_series(&n_failures, ""), 1);
        log_err(LOG_ERROR, "tls_reload_failed", &e);
        return;
    }
    (void)pthread_mutex_lock(&t->mutex);
    struct service_tls_cert *const last = t->cert;
    t->cert = next;
    (void)pthread_mutex_unlock(&t->mutex);
    tell(next, "tls_reloaded");
    service_tls_release(last);
}

const char *service_tls_first_cert(const struct service_tls *t)
{
    return t->first_cert.data;
}

const char *service_tls_first_key(const struct service_tls *t)
{
    return t->first_key.data;
}

struct service_tls_cert *service_tls_acquire(struct service_tls *t, void *session)
{
    (void)pthread_mutex_lock(&t->mutex);
    struct service_tls_cert *const cert = t->cert;
    atomic_fetch_add(&cert->n_holders, 1);
    (void)pthread_mutex_unlock(&t->mutex);
    if (gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, cert->x509) == GNUTLS_E_SUCCESS)
        return cert;
    service_tls_release(cert); /* memory is out: the session has the certificate of the start */
    return NULL;
}

void service_tls_release(struct service_tls_cert *cert)
{
    if (cert == NULL || atomic_fetch_sub(&cert->n_holders, 1) > 1)
        return;
    if (cert->x509 != NULL)
        gnutls_certificate_free_credentials(cert->x509);
    mem_free(cert);
}
