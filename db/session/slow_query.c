#include "db/session/slow_query.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "core/clock.h"
#include "core/log.h"

enum { HASH_TEXT_MAX = 17, SHARE_OF_SUSPECTS = 100 };

static _Atomic int64_t threshold_ns;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct db_slow_query queue[DB_SLOW_QUERIES_MAX];
static size_t first, n_queued;

void db_slow_query_set_threshold(int64_t ns)
{
    atomic_store_explicit(&threshold_ns, ns, memory_order_relaxed);
}

static bool takes_share(int64_t took_ns, int64_t divisor)
{
    const int64_t slow_ns = atomic_load_explicit(&threshold_ns, memory_order_relaxed);
    return slow_ns > 0 && took_ns >= slow_ns / divisor;
}

bool db_slow_query_is_slow(int64_t took_ns)
{
    return takes_share(took_ns, 1);
}

bool db_slow_query_is_suspect(int64_t took_ns)
{
    return takes_share(took_ns, SHARE_OF_SUSPECTS);
}

void db_slow_query_put(struct db_slow_query *q)
{
    (void)snprintf(q->request_id, sizeof q->request_id, "%.*s", STR_ARG(log_request_id()));
    (void)snprintf(q->key, sizeof q->key, "%.*s", STR_ARG(log_key()));
    (void)pthread_mutex_lock(&lock);
    const bool has_room = n_queued < DB_SLOW_QUERIES_MAX;
    if (has_room)
        queue[(first + n_queued++) % DB_SLOW_QUERIES_MAX] = *q;
    (void)pthread_mutex_unlock(&lock);
    if (!has_room)
        db_slow_query_log(q, NULL);
}

bool db_slow_query_take(struct db_slow_query *q)
{
    (void)pthread_mutex_lock(&lock);
    const bool has_one = n_queued > 0;
    if (has_one) {
        *q = queue[first];
        first = (first + 1) % DB_SLOW_QUERIES_MAX;
        n_queued--;
    }
    (void)pthread_mutex_unlock(&lock);
    return has_one;
}

void db_slow_query_log(struct db_slow_query *q, const uint64_t *plan_hash)
{
    char hash[HASH_TEXT_MAX] = "unknown";
    const struct str before = log_request_id(), key_before = log_key();
    if (plan_hash != NULL)
        (void)snprintf(hash, sizeof hash, "%016" PRIx64, *plan_hash);
    log_set_request_id(q->request_id[0] != '\0' ? str_of(q->request_id) : (struct str){0});
    log_set_key(str_of(q->key));
    LOG(LOG_WARN, "slow_query", LOG_CSTR("query", q->query), LOG_REAL("duration_ms", (double)q->took_ns / (double)NS_PER_MS),
        LOG_INT("rows", q->n_rows), LOG_CSTR("plan_hash", hash),
        LOG_CSTR("statement", q->slowest == NULL ? "unknown" : q->slowest->statement->name),
        LOG_CSTR("outcome", err_name(q->outcome)));
    log_set_request_id(before);
    log_set_key(key_before);
    db_call_free(q->slowest);
    q->slowest = NULL;
}
