#include "api/endpoint/why.h"

#include "api/json/items.h"
#include "core/mask.h"
#include "core/shape.h"
#include "core/utf8.h"

enum side { SHARED, ONLY_ASKED, ONLY_FOUND, SIDES };

static const char *const keys[SIDES] = {"shared_operations", "only_in_query", "only_in_this"};

/* Both lists are in order, so one walk over both sorts them out. */
struct walk {
    const struct db_pattern_shape *asked, *found;
    size_t i_asked, i_found;
};

static bool walk_next(struct walk *w, enum side *side, struct str *operation)
{
    const bool has_asked = w->i_asked < w->asked->n_operations;
    const bool has_found = w->i_found < w->found->n_operations;
    if (!has_asked && !has_found)
        return false;
    const int order = !has_asked   ? 1
                      : !has_found ? -1
                                   : str_compare(w->asked->operations[w->i_asked], w->found->operations[w->i_found]);
    *operation = order <= 0 ? w->asked->operations[w->i_asked] : w->found->operations[w->i_found];
    *side = order < 0 ? ONLY_ASKED : order > 0 ? ONLY_FOUND : SHARED;
    w->i_asked += order <= 0;
    w->i_found += order >= 0;
    return true;
}

static void put_side(struct api_json *w, struct walk walk, enum side wanted)
{
    size_t n = 0;
    enum side side;
    struct str operation;
    api_json_key(w, keys[wanted]);
    api_json_open(w, '{');
    api_json_key(w, "items");
    api_json_open(w, '[');
    while (walk_next(&walk, &side, &operation))
        if (side == wanted && n++ < API_WHY_NAMED_MAX)
            api_put_operation(w, operation);
    api_json_close(w, ']');
    api_put_i64(w, "count", (int64_t)n);
    api_json_close(w, '}');
}

static void put_null(struct api_json *w, const char *key)
{
    api_json_key(w, key);
    api_json_null(w);
}

static void mask_into(struct buf *out, struct str message)
{
    buf_init(out, SHAPE_TEXT_MAX * MASK_GROWTH_MAX);
    mask_put(out, utf8_cut(message, SHAPE_TEXT_MAX));
}

/* Errors that differ in numbers and ids only are one, and so are an error and a part of it, such as a text that was asked for. */
static enum err share_error(const struct api_why_trace *asked, const struct api_why_trace *found, bool *out,
                            struct err_info *e)
{
    AUTO(buf) struct buf a;
    AUTO(buf) struct buf b;
    mask_into(&a, asked->error_message);
    mask_into(&b, found->error_message);
    if (!buf_is_ok(&a) || !buf_is_ok(&b))
        return ERR_SET_NOMEM(e);
    *out = a.len > 0 && b.len > 0 && (str_contains(buf_str(&b), buf_str(&a)) || str_contains(buf_str(&a), buf_str(&b)));
    return OK;
}

enum err api_put_why(struct api_json *w, const struct api_why_trace *asked, const struct api_why_trace *found,
                     struct err_info *e)
{
    bool is_error_shared = false;
    TRY(share_error(asked, found, &is_error_shared, e));
    const bool has_shapes = asked->shape != NULL && found->shape != NULL;
    if (!has_shapes && !is_error_shared) {
        put_null(w, "why");
        return OK;
    }
    api_json_key(w, "why");
    api_json_open(w, '{');
    for (enum side side = SHARED; side < SIDES; side++)
        if (has_shapes)
            put_side(w, (struct walk){.asked = asked->shape, .found = found->shape}, side);
        else
            put_null(w, keys[side]);
    api_put_str(w, "shared_error", is_error_shared ? found->error_message : (struct str){NULL, 0});
    api_json_close(w, '}');
    return OK;
}
