#include "service/database/schema.h"

#include "core/clock.h"
#include "core/log.h"
#include "db/schema/grant.h"
#include "db/schema/migrate.h"
#include "service/process/interrupt.h"

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

/* The sessions that bring the schema up to date, or the one that looks at it. */
struct sessions {
    struct db_conn *owner;
    struct db_conn *serving; /* NULL: the owner serves */
    struct db_conn *reader;  /* in place of both */
};

static void sessions_auto(struct sessions *s)
{
    db_conn_free(s->reader);
    db_conn_free(s->owner);
    db_conn_free(s->serving);
}

/* Whether the two lead to the same schema: rights given elsewhere would be of no use. */
static enum err schema_compare(const struct sessions *s, const struct db_wait *wait, struct err_info *e)
{
    struct db_grant_session owner, serving;
    TRY(db_grant_who(s->owner, wait, &owner, e));
    TRY(db_grant_who(s->serving, wait, &serving, e));
    if (!serving.has_schema || serving.schema_oid != owner.schema_oid || serving.schema_made_ns != owner.schema_made_ns)
        return ERR_SET(e, ERR_INVALID, "TRACEKIN_DATABASE_URL and TRACEKIN_DATABASE_OWNER_URL lead to two databases, or to two schemas "
                       "of one: they must differ in the role alone");
    if (serving.may_change_schema)
        LOG(LOG_WARN, "serving_role_may_change_schema", LOG_CSTR("role", serving.role),
            LOG_CSTR("help", "TRACEKIN_DATABASE_OWNER_URL is of use when the role of TRACEKIN_DATABASE_URL is another, no member of it, "
                             "no superuser, and without CREATE on the schema"));
    return OK;
}

static enum err schema_share(const struct sessions *s, const struct db_wait *wait, struct err_info *e)
{
    struct db_grant_session serving;
    int n_granted = 0;
    if (s->serving == NULL)
        return OK;
    TRY(db_grant_who(s->serving, wait, &serving, e));
    TRY(db_grant_serving(s->owner, wait, str_of(serving.role), &n_granted, e));
    if (n_granted > 0)
        LOG(LOG_INFO, "serving_role_granted", LOG_CSTR("role", serving.role), LOG_INT("grants", n_granted));
    return schema_compare(s, wait, e);
}

/* What PostgreSQL says of the first statement that the role may not run is no help. */
static enum err schema_explain(enum err code, struct err_info *e)
{
    if (strcmp(e->sqlstate, "42501") != 0 || e->code == ERR_INTERNAL)
        return code;
    e->code = ERR_INVALID;
    (void)snprintf(e->message, sizeof e->message, "the role of the database may not change its schema: set TRACEKIN_DATABASE_OWNER_URL "
                   "to the same database as the role that owns it");
    return ERR_INVALID;
}

static enum err schema_try(const struct sessions *s, const struct service_interrupt *interrupt, int *n_applied, struct err_info *e)
{
    const struct db_wait wait = service_interrupt_wait(interrupt, deadline_in(MIGRATE_TIMEOUT_S));
    if (s->reader != NULL)
        return db_migrate_check(s->reader, &wait, e);
    const enum err code = db_migrate_run(s->owner, &wait, n_applied, e);
    return code == OK ? schema_share(s, &wait, e) : schema_explain(code, e);
}

/* Work beside it may make a migration the victim of a deadlock, a restart may leave no room for one more session: neither lasts. */
static bool schema_may_pass(enum err code)
{
    return code == ERR_UNAVAILABLE || code == ERR_BUSY;
}

static enum err schema_insist(const struct sessions *s, const struct service_interrupt *interrupt, int64_t deadline_ns, int *n_applied,
                              struct err_info *e)
{
    for (bool has_said = false;; has_said = true) {
        struct err_info tried = {0};
        const enum err code = schema_try(s, interrupt, n_applied, &tried);
        if (!schema_may_pass(code) || clock_mono_ns() >= deadline_ns) {
            if (e != NULL)
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
static enum err schema_settle(const struct sessions *s, int64_t deadline_ns, int *n_applied, struct err_info *e)
{
    struct service_interrupt *interrupt = NULL;
    TRY(service_interrupt_new(&interrupt, e));
    const enum err code = schema_insist(s, interrupt, deadline_ns, n_applied, e);
    if (service_interrupt_end(interrupt) && code == OK)
        return ERR_SET(e, ERR_CANCELLED, "stopped once the schema was current");
    return code;
}

enum err service_schema_migrate(const struct service_config *config, int *n_applied, struct err_info *e)
{
    AUTO(sessions) struct sessions s = {.owner = db_conn_new(config->urls.owner, "tracekin migrate")};
    if (s.owner == NULL)
        return ERR_SET_NOMEM(e);
    if (service_config_has_owner(config) && (s.serving = db_conn_new(config->urls.serving, "tracekin grant")) == NULL)
        return ERR_SET_NOMEM(e);
    return schema_settle(&s, clock_mono_ns() + config->startup_timeout_ns, n_applied, e);
}

enum err service_schema_check(const struct service_config *config, struct err_info *e)
{
    AUTO(sessions) struct sessions s = {.reader = db_conn_new(config->urls.serving, "tracekin schema")};
    int none = 0;
    return s.reader == NULL ? ERR_SET_NOMEM(e) : schema_settle(&s, clock_mono_ns() + config->startup_timeout_ns, &none, e);
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
    struct db_conn *db = db_conn_new(config->urls.owner, "tracekin migrate");
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
