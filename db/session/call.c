#include "db/session/call.h"

#include "core/mem.h"

static bool copy_value(struct db_call *call, const struct db_params *from, int i)
{
    struct db_params *const to = &call->params;
    to->oids[i] = from->oids[i];
    to->lengths[i] = from->lengths[i];
    if (from->values[i] == NULL)
        return true;
    to->values[i] = arena_copy(&call->arena, (struct str){from->values[i], (size_t)from->lengths[i]}).ptr;
    return to->values[i] != NULL;
}

struct db_call *db_call_copy(const struct db_statement *statement, const struct db_params *params)
{
    struct db_call *const call = mem_calloc(1, sizeof *call);
    if (call == NULL)
        return NULL;
    arena_init(&call->arena, DB_CALL_MAX_BYTES);
    call->statement = statement;
    for (; call->params.n < params->n; call->params.n++)
        if (!copy_value(call, params, call->params.n)) {
            db_call_free(call);
            return NULL;
        }
    return call;
}

void db_call_free(struct db_call *call)
{
    if (call == NULL)
        return;
    arena_close(&call->arena);
    mem_free(call);
}
