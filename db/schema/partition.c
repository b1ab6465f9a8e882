#include "db/schema/partition.h"

#include <pthread.h>
#include <stdio.h>

#include "core/clock.h"
#include "core/hash.h"
#include "core/mem.h"

/* Sets our advisory locks apart from other programs' in the same database. */
#define LOCK_SEED UINT64_C(0x7472616365706172)
/* Room for a table's name, "_" and eight digits, and for more digits of far years. */
enum { NAME_MAX_BYTES = 48, SQL_MAX_BYTES = 512, RFC_MAX_BYTES = 16 };
/* The comment of a partition that is being dropped: what tells one that a crash left behind from one that an operator has
 * detached to keep. */
#define MARK "tracekin drops this"

const char *const db_partitioned_tables[DB_PARTITIONED_TABLES] = {"spans", "logs", "metric_points", "log_chunks",
                                                                   "error_chunks"};

struct name {
    char text[NAME_MAX_BYTES];
};

/* A day's eight digits. */
struct digits {
    char text[RFC_MAX_BYTES + 1];
};

/* Without memory of its own, so that there is no name without a day. */
static struct digits digits_of(int64_t day)
{
    struct digits digits;
    struct buf fixed = {.data = digits.text, .cap = RFC_MAX_BYTES, .max = RFC_MAX_BYTES};
    clock_put_day(&fixed, day);
    digits.text[fixed.len] = '\0';
    return digits;
}

static struct name name_of(const char *table, int64_t day)
{
    const struct digits digits = digits_of(day);
    struct name name;
    (void)snprintf(name.text, sizeof name.text, "%s_%s", table, digits.text);
    return name;
}

/* Takes the lock until the transaction ends, and tells whether the partition is there and attached. What a drop of the same
 * day left behind goes. */
static enum err is_made(struct db_conn *c, const struct db_wait *wait, const char *table, const char *name, bool *out,
                        struct err_info *e)
{
    char sql[SQL_MAX_BYTES];
    const int64_t lock = (int64_t)hash64(str_of(name), LOCK_SEED);
    (void)snprintf(sql, sizeof sql, "SELECT pg_advisory_xact_lock(%lld)", (long long)lock);
    TRY(db_exec(c, wait, sql, NULL, e));
    (void)snprintf(sql, sizeof sql,
                   "SELECT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass('%s')"
                   " AND inhparent = to_regclass('%s'))::int, obj_description(to_regclass('%s'), 'pg_class')",
                   name, table, name);
    AUTO(db_result) struct db_result *r = NULL;
    TRY(db_exec(c, wait, sql, &r, e));
    *out = str_equal(db_get_str(r, 0, 0), STR("1"));
    if (*out || !str_equal(db_get_str(r, 0, 1), STR(MARK)))
        return OK;
    (void)snprintf(sql, sizeof sql, "DROP TABLE %s", name);
    return db_exec(c, wait, sql, NULL, e);
}

static enum err make(struct db_conn *c, const struct db_wait *wait, const char *table, int64_t day, struct err_info *e)
{
    const struct name name = name_of(table, day);
    bool made = false;
    TRY(is_made(c, wait, table, name.text, &made, e));
    if (made)
        return OK;
    char sql[SQL_MAX_BYTES];
    (void)snprintf(sql, sizeof sql,
                   "CREATE TABLE %s (LIKE %s INCLUDING ALL);"
                   "ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (to_timestamp(%lld)) TO (to_timestamp(%lld))",
                   name.text, table, table, name.text, (long long)(day * 86400), (long long)((day + 1) * 86400));
    return db_exec(c, wait, sql, NULL, e);
}

enum err db_partition_make(struct db_conn *c, const struct db_wait *wait, const char *table, int64_t day, struct err_info *e)
{
    TRY(db_exec(c, wait, "BEGIN", NULL, e));
    enum err code = make(c, wait, table, day, e);
    if (code == OK)
        code = db_exec(c, wait, "COMMIT", NULL, e);
    if (code != OK)
        db_rollback(c, wait);
    return code;
}

/* Whole days only: what ends at or before the instant. The name says the day. A table has at most one detachment under way,
 * which is to be ended before the next. */
static const struct db_statement list_old = {
    "list_old_partitions",
    "SELECT c.relname, i.inhrelid IS NOT NULL, coalesce(i.inhdetachpending, false) FROM pg_class c"
    " LEFT JOIN pg_inherits i ON i.inhrelid = c.oid"
    " WHERE c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass($1))"
    " AND (i.inhparent = to_regclass($1) OR i.inhrelid IS NULL AND obj_description(c.oid, 'pg_class') = '" MARK "')"
    " AND c.relname ~ ('^' || $1 || '_[0-9]{8}$') AND right(c.relname, 8) < $2 ORDER BY 3 DESC, 1",
};
enum old_column { OLD_NAME, OLD_IS_ATTACHED, OLD_IS_DETACHING };

/* ERR_BUSY when transactions that were there before do not end for so long. */
static enum err exec_patiently(struct db_conn *c, const struct db_wait *wait, const char *sql, struct err_info *e)
{
    struct err_info why = {.code = OK};
    struct db_wait patience = *wait;
    const int64_t until_ns = clock_mono_ns() + DB_PARTITION_PATIENCE_MS * NS_PER_MS;
    if (until_ns < patience.deadline_ns)
        patience.deadline_ns = until_ns;
    const enum err code = db_exec(c, &patience, sql, NULL, &why);
    if (code == ERR_TIMEOUT && clock_left_ms(wait->deadline_ns) > 0)
        return ERR_SET(e, ERR_BUSY, "an old partition is still in use by a transaction; it is dropped when that has ended");
    if (code != OK && e != NULL && e->code == OK)
        *e = why;
    return code;
}

/* Dropped as a partition it would lock its parent against all: behind one slow reader every other reader and writer would
 * wait. Detaching concurrently waits for those that are there, and hinders nobody. */
static enum err drop(struct db_conn *c, const struct db_wait *wait, const char *table, const struct db_result *old, int i,
                     struct err_info *e)
{
    char sql[SQL_MAX_BYTES];
    const struct str name = db_get_str(old, i, OLD_NAME);
    if (db_get_bool(old, i, OLD_IS_ATTACHED)) {
        (void)snprintf(sql, sizeof sql, "COMMENT ON TABLE %.*s IS '" MARK "'", STR_ARG(name));
        TRY(exec_patiently(c, wait, sql, e));
        (void)snprintf(sql, sizeof sql, "ALTER TABLE %s DETACH PARTITION %.*s %s", table, STR_ARG(name),
                       db_get_bool(old, i, OLD_IS_DETACHING) ? "FINALIZE" : "CONCURRENTLY");
        TRY(exec_patiently(c, wait, sql, e));
    }
    (void)snprintf(sql, sizeof sql, "DROP TABLE IF EXISTS %.*s", STR_ARG(name));
    return exec_patiently(c, wait, sql, e);
}

static enum err drop_of_table(struct db_conn *c, const struct db_wait *wait, const char *table, struct str first_kept,
                              int *n_out, struct err_info *e)
{
    AUTO(arena) struct arena scratch;
    arena_init(&scratch, SQL_MAX_BYTES * 16);
    struct db_params p;
    db_params_init(&p, &scratch);
    db_put_text(&p, str_of(table));
    db_put_text(&p, first_kept);
    AUTO(db_result) struct db_result *r = NULL;
    TRY(db_run(c, wait, &list_old, &p, &r, e));
    for (int i = 0; i < db_n_rows(r); i++) {
        TRY(drop(c, wait, table, r, i, e));
        ++*n_out;
    }
    return OK;
}

enum err db_partition_drop_before(struct db_conn *c, const struct db_wait *wait, int64_t before_ns, int *n_out,
                                  struct err_info *e)
{
    const struct digits first_kept = digits_of(clock_day(before_ns));
    enum err code = OK;
    *n_out = 0;
    for (size_t i = 0; i < ARRAY_LEN(db_partitioned_tables) && (code == OK || code == ERR_BUSY); i++) {
        const enum err dropped = drop_of_table(c, wait, db_partitioned_tables[i], str_of(first_kept.text), n_out, e);
        code = dropped == OK ? code : dropped;
    }
    return code;
}

struct known_day {
    const char *table;
    int64_t day;
};

struct db_partition_days {
    char *owner_url; /* NULL: whoever asks is the owner */
    pthread_mutex_t lock;
    size_t n;
    struct known_day items[DB_PARTITION_DAYS_KNOWN_MAX];
};

struct db_partition_days *db_partition_days_new(const char *owner_url)
{
    struct db_partition_days *const d = mem_calloc(1, sizeof *d);
    if (d == NULL)
        return NULL;
    pthread_mutex_init(&d->lock, NULL);
    d->owner_url = owner_url == NULL ? NULL : mem_strdup(str_of(owner_url));
    if (owner_url == NULL || d->owner_url != NULL)
        return d;
    db_partition_days_free(d);
    return NULL;
}

void db_partition_days_free(struct db_partition_days *d)
{
    if (d == NULL)
        return;
    pthread_mutex_destroy(&d->lock);
    mem_free(d->owner_url);
    mem_free(d);
}

static bool knows(struct db_partition_days *d, const char *table, int64_t day)
{
    bool found = false;
    pthread_mutex_lock(&d->lock);
    for (size_t i = d->n; i > 0 && !found; i--) /* the newest first: it is the day being written */
        found = d->items[i - 1].day == day && strcmp(d->items[i - 1].table, table) == 0;
    pthread_mutex_unlock(&d->lock);
    return found;
}

/* Most days are premade, so the owner's session is not worth keeping. */
static enum err make_as_owner(const struct db_partition_days *d, struct db_conn *c, const struct db_wait *wait, const char *table,
                              int64_t day, struct err_info *e)
{
    if (d->owner_url == NULL)
        return db_partition_make(c, wait, table, day, e);
    AUTO(db_conn) struct db_conn *owner = db_conn_new(d->owner_url, "tracekin partition");
    return owner == NULL ? ERR_SET_NOMEM(e) : db_partition_make(owner, wait, table, day, e);
}

enum err db_partition_days_ensure(struct db_partition_days *d, struct db_conn *c, const struct db_wait *wait,
                                  const char *table, int64_t day, struct err_info *e)
{
    if (knows(d, table, day))
        return OK;
    TRY(make_as_owner(d, c, wait, table, day, e));
    pthread_mutex_lock(&d->lock);
    if (d->n == DB_PARTITION_DAYS_KNOWN_MAX)
        d->n = 0;
    d->items[d->n++] = (struct known_day){table, day};
    pthread_mutex_unlock(&d->lock);
    return OK;
}

void db_partition_days_forget(struct db_partition_days *d)
{
    pthread_mutex_lock(&d->lock);
    d->n = 0;
    pthread_mutex_unlock(&d->lock);
}
