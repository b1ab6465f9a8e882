#include "db/session/plan.h"

#include <ctype.h>

#include "core/hash.h"

enum { NODE_MAX_BYTES = 256, NODES_MAX = 256 };

static const char *const explain_of[] = {
    [DB_PLAN_SHAPE] = "EXPLAIN (COSTS OFF) ",
    [DB_PLAN_COSTS] = "EXPLAIN ",
    [DB_PLAN_ACTUAL] = "EXPLAIN (ANALYZE, BUFFERS) ",
};

/* --- the hash */

/* The node that a line of EXPLAIN's text names, without its indentation and costs; absent when the line tells something else.
 * The first line is a node, the others follow an arrow. */
static struct str node_of(struct str line, bool is_first)
{
    static const char arrow[] = "->";
    const char *const costs = memmem(line.ptr, line.len, "  (", 3);
    struct str node = str_trim(line);
    if (!is_first && !str_starts_with(node, STR("->")))
        return (struct str){NULL, 0};
    if (!is_first)
        node = (struct str){node.ptr + sizeof arrow - 1, node.len - (sizeof arrow - 1)};
    if (costs > node.ptr)
        node.len = (size_t)(costs - node.ptr);
    return str_trim(node);
}

/* Leaves out what numbers the parts of a partitioned table and their aliases: "logs_20230129_pkey on logs_20230129 l_1". */
static struct str without_numbers(struct str node, char storage[NODE_MAX_BYTES])
{
    size_t n = 0;
    for (size_t i = 0; i < node.len && n < NODE_MAX_BYTES; i++) {
        size_t end = i + 1;
        while (node.ptr[i] == '_' && end < node.len && isdigit((unsigned char)node.ptr[end]))
            end++;
        if (end > i + 1)
            i = end - 1;
        else
            storage[n++] = node.ptr[i];
    }
    return (struct str){storage, n};
}

/* How many partitions there are shows only in these. */
static bool joins_partitions(struct str node)
{
    return str_equal(node, STR("Append")) || str_equal(node, STR("Merge Append"));
}

static bool is_among(const uint64_t *hashes, size_t n, uint64_t hash)
{
    for (size_t i = 0; i < n; i++)
        if (hashes[i] == hash)
            return true;
    return false;
}

uint64_t db_plan_hash(const struct str *lines, size_t n_lines)
{
    uint64_t seen[NODES_MAX];
    size_t n_seen = 0;
    for (size_t i = 0; i < n_lines && n_seen < NODES_MAX; i++) {
        char storage[NODE_MAX_BYTES];
        const struct str node = node_of(lines[i], i == 0);
        if (node.ptr == NULL || joins_partitions(node))
            continue;
        const uint64_t hash = hash64(without_numbers(node, storage), 0);
        if (!is_among(seen, n_seen, hash))
            seen[n_seen++] = hash;
    }
    return hash64((struct str){(const char *)seen, n_seen * sizeof *seen}, 0);
}

/* --- EXPLAIN */

static enum err take_lines(const struct db_result *r, struct arena *arena, struct db_plan *out, struct err_info *e)
{
    const size_t n = (size_t)db_n_rows(r);
    struct str *const lines = arena_calloc(arena, n, sizeof *lines);
    if (lines == NULL)
        return ERR_SET_NOMEM(e);
    for (size_t i = 0; i < n; i++) {
        lines[i] = arena_copy(arena, db_get_str(r, (int)i, 0));
        if (lines[i].ptr == NULL)
            return ERR_SET_NOMEM(e);
    }
    *out = (struct db_plan){lines, n, db_plan_hash(lines, n)};
    return OK;
}

enum err db_plan_read(struct db_conn *c, const struct db_wait *wait, struct arena *arena, const struct db_statement *statement,
                      const struct db_params *params, enum db_plan_depth depth, struct db_plan *out, struct err_info *e)
{
    const struct str sql = arena_printf(arena, "%s%s", explain_of[depth], statement->sql);
    if (sql.ptr == NULL)
        return ERR_SET_NOMEM(e);
    const struct db_statement explain = {statement->name, sql.ptr};
    AUTO(db_result) struct db_result *r = NULL;
    TRY(db_run_anew(c, wait, &explain, params, &r, e));
    return take_lines(r, arena, out, e);
}
