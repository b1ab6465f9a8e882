#include "tests/integration/support/plans.h"

#include <check.h>
#include <stdlib.h>

#include "db/session/conn_internal.h"

enum { TEXT_MAX = 16 << 20 };

static const char explain_sql[] =
    "LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_analyze = on;"
    " SET auto_explain.log_buffers = on; SET auto_explain.log_timing = off; SET auto_explain.log_level = notice";

static void take(void *arg, const PGresult *notice)
{
    struct plans *const p = arg;
    buf_puts(&p->text, str_of(PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY)));
    buf_putc(&p->text, '\n');
}

void plans_open(struct plans *p, struct db_conn *conn, const struct db_wait *wait)
{
    *p = (struct plans){.conn = conn};
    buf_init(&p->text, TEXT_MAX);
    ck_assert_int_eq(db_exec(conn, wait, explain_sql, NULL, NULL), OK);
    (void)PQsetNoticeReceiver(conn->pg, take, p);
}

void plans_close(struct plans *p)
{
    db_conn_close(p->conn);
    buf_close(&p->text);
}

void plans_begin(struct plans *p)
{
    buf_clear(&p->text);
}

const char *plans_text(struct plans *p)
{
    buf_putc(&p->text, '\0');
    ck_assert(buf_is_ok(&p->text));
    return buf_str(&p->text).ptr;
}

static int64_t number_after(const char *line, const char *name)
{
    const char *const at = strstr(line, name);
    return at == NULL || at > strchr(line, '\n') ? 0 : atoll(at + strlen(name));
}

/* A plan's first line of buffers is that of its top, which counts all below it. */
int64_t plans_pages(struct plans *p)
{
    int64_t n = 0;
    for (const char *plan = strstr(plans_text(p), "Query Text:"); plan != NULL; plan = strstr(plan + 1, "Query Text:")) {
        const char *const buffers = strstr(plan, "Buffers: shared");
        if (buffers != NULL)
            n += number_after(buffers, " hit=") + number_after(buffers, " read=");
    }
    return n;
}
