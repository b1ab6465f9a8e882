#include "service/schema.h"

#include "core/clock.h"
#include "core/log.h"
#include "db/migrate.h"
#include "service/interrupt.h"

/* Index builds on a large database take their time. */
enum { RETRY_MS = 500, MIGRATE_TIMEOUT_S = 6 * 3600, STATUS_TIMEOUT_S = 30 };

struct survey {
    FILE *out; /* NULL: only whether it is current */
    bool is_current;
};

static int64_t deadline_in(int64_t seconds)
{
    return clock_mono_ns() + seconds * NS_PER_S;
}

static enum err schema_try(struct db_conn *db, const struct service_interrupt *interrupt, int *n_applied, struct err_info *e)
{
    const struct db_wait wait = service_interrupt_wait(interrupt, deadline_in(MIGRATE_TIMEOUT_S));
    return db_migrate_run(db, &wait, n_applied, e);
}

static enum err schema_insist(struct db_conn *db, const struct service_interrupt *interrupt, int64_t deadline_ns, int *n_applied,
                              struct err_info *e)
{
    for (bool has_said = false;; has_said = true) {
        struct err_info tried = {0};
        const enum err code = schema_try(db, interrupt, n_applied, &tried);
        if (code != ERR_UNAVAILABLE || clock_mono_ns() >= deadline_ns) {
            *e = tried;
            return code;
        }
        if (!has_said)
            log_err(LOG_WARN, "database_awaited", &tried);
        if (service_interrupt_pause(interrupt, RETRY_MS))
            return ERR_SET(e, ERR_CANCELLED, "stopped while waiting for the database");
    }
}

/* A signal that came too late to end anything still is one. */
static enum err schema_migrate_on(struct db_conn *db, int64_t deadline_ns, int *n_applied, struct err_info *e)
{
    struct service_interrupt *interrupt = NULL;
    TRY(service_interrupt_new(&interrupt, e));
    const enum err code = schema_insist(db, interrupt, deadline_ns, n_applied, e);
    if (service_interrupt_end(interrupt) && code == OK)
        return ERR_SET(e, ERR_CANCELLED, "stopped once the schema was current");
    return code;
}

enum err service_schema_migrate(const struct service_config *config, int *n_applied, struct err_info *e)
{
    struct db_conn *db = db_conn_new(config->database_url.ptr, "tracekin migrate");
    if (db == NULL)
        return ERR_SET_NOMEM(e);
    const enum err code = schema_migrate_on(db, clock_mono_ns() + config->startup_timeout_ns, n_applied, e);
    db_conn_free(db);
    return code;
}

static void survey_take(void *arg, const struct db_migration_status *m)
{
    struct survey *survey = arg;
    survey->is_current = survey->is_current && m->state == DB_MIGRATION_APPLIED;
    if (survey->out == NULL)
        return;
    AUTO(buf) struct buf when;
    buf_init(&when, CLOCK_RFC3339_MAX);
    if (m->finished_ns != 0)
        clock_put_rfc3339(&when, m->finished_ns);
    (void)fprintf(survey->out, "%04d %-32.*s %-8s %.*s\n", m->version, STR_ARG(m->name), db_migration_state_name(m->state),
                  STR_ARG(buf_str(&when)));
}

enum err service_schema_print(const struct service_config *config, FILE *out, bool *is_current, struct err_info *e)
{
    struct survey survey = {.out = out, .is_current = true};
    struct db_conn *db = db_conn_new(config->database_url.ptr, "tracekin migrate");
    if (db == NULL)
        return ERR_SET_NOMEM(e);
    const struct db_wait wait = {.deadline_ns = deadline_in(STATUS_TIMEOUT_S), .wake_fd = -1};
    const enum err code = db_migrate_status(db, &wait, survey_take, &survey, e);
    db_conn_free(db);
    if (code == OK)
        *is_current = survey.is_current;
    return code;
}

enum err service_schema_is_current(struct db_conn *db, const struct db_wait *wait, bool *is_current, struct err_info *e)
{
    struct survey survey = {.is_current = true};
    TRY(db_migrate_status(db, wait, survey_take, &survey, e));
    *is_current = survey.is_current;
    return OK;
}
