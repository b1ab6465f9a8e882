#include "service/job/lead.h"

static void set(struct service_lead *l, bool is_held)
{
    l->is_held = is_held;
    metric_set(l->gauge, is_held ? 1 : 0);
}

void service_lead_init(struct service_lead *l, const struct metric_family *family)
{
    l->gauge = metrics_series(family, "");
    set(l, false);
}

enum err service_lead_take(struct service_lead *l, struct db_conn *conn, const struct db_wait *wait, service_lead_fn attempt,
                           struct err_info *e)
{
    bool is_held = false;
    enum err code = db_conn_open(conn, wait, e);
    l->is_new = code != OK || !l->is_held || !db_conn_is_kept(conn);
    if (!l->is_new)
        return OK;
    set(l, false);
    if (code == OK)
        code = attempt(conn, wait, &is_held, e);
    set(l, is_held);
    return code;
}

void service_lead_end(struct service_lead *l)
{
    set(l, false);
}
