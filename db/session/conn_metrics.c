#include "db/session/conn_metrics.h"

#include <stdio.h>

#include "core/str.h"

enum { POOL_MAX = 32 };

static const struct metric_family connections = {"tracekin_db_connections", METRIC_GAUGE,
                                                 "Connections to PostgreSQL by pool and state."};
static const struct metric_family reconnects = {"tracekin_db_reconnects_total", METRIC_COUNTER,
                                                "Sessions made in place of one that was lost, by pool."};
static const struct metric_family connect_failures = {"tracekin_db_connect_failures_total", METRIC_COUNTER,
                                                      "Attempts to connect that failed, by pool."};
static const struct metric_family cancels = {
    "tracekin_db_cancels_total", METRIC_COUNTER, "Statements cancelled, by pool and reason: their time was up, or nobody wanted them any more."};

static const char *const state_names[DB_CONN_STATES] = {"closed", "idle", "busy", "in_transaction"};

static struct metric *series_of(const struct metric_family *family, const char *pool, const char *label, const char *value)
{
    char labels[METRICS_LABELS_MAX];
    const int n = snprintf(labels, sizeof labels, "pool=\"%.*s\"", POOL_MAX, pool);
    if (label != NULL)
        (void)snprintf(labels + n, sizeof labels - (size_t)n, ",%s=\"%s\"", label, value);
    return metrics_series(family, labels);
}

static const char *pool_of(const char *application_name)
{
    const struct str prefix = STR("tracekin ");
    return str_starts_with(str_of(application_name), prefix) ? application_name + prefix.len : application_name;
}

void db_conn_metrics_init(struct db_conn_metrics *m, const char *application_name)
{
    const char *const pool = pool_of(application_name);
    for (int state = 0; state < DB_CONN_STATES; state++)
        m->in_state[state] = series_of(&connections, pool, "state", state_names[state]);
    m->reconnects = series_of(&reconnects, pool, NULL, NULL);
    m->connect_failures = series_of(&connect_failures, pool, NULL, NULL);
    m->timeouts = series_of(&cancels, pool, "reason", "timeout");
    m->cancels = series_of(&cancels, pool, "reason", "unwanted");
    m->state = DB_CONN_CLOSED;
    metric_move(m->in_state[DB_CONN_CLOSED], 1);
}

void db_conn_metrics_close(struct db_conn_metrics *m)
{
    metric_move(m->in_state[m->state], -1);
}

void db_conn_metrics_state(struct db_conn_metrics *m, enum db_conn_state state)
{
    if (m->state == state)
        return;
    metric_move(m->in_state[m->state], -1);
    metric_move(m->in_state[state], 1);
    m->state = state;
}

void db_conn_metrics_connected(struct db_conn_metrics *m)
{
    metric_add(m->reconnects, m->has_connected);
    m->has_connected = true;
}

void db_conn_metrics_connect_failed(struct db_conn_metrics *m)
{
    metric_add(m->connect_failures, 1);
}

void db_conn_metrics_cancelled(struct db_conn_metrics *m, enum err why)
{
    metric_add(why == ERR_TIMEOUT ? m->timeouts : m->cancels, 1);
}
