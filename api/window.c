#include "api/window.h"

#include "api/params.h"

static int64_t earlier(int64_t wall_ns, int64_t by_ns)
{
    int64_t result;
    return __builtin_sub_overflow(wall_ns, by_ns, &result) ? INT64_MIN : result;
}

enum err api_window_read(const struct api_req *req, int64_t default_ns, struct api_window *out, struct err_info *e)
{
    const struct api_value *start = api_param(req->params, "start");
    const struct api_value *end = api_param(req->params, "end");
    const struct api_value *since = api_param(req->params, "since");
    if (start->is_given && since->is_given)
        return ERR_PARAM(e, "since", "since and start both say where the window begins; give one of them");
    const bool is_open = default_ns == API_WINDOW_ALL;
    const bool has_start = start->is_given || since->is_given;
    struct api_window w = {INT64_MIN, INT64_MAX, !has_start};
    if (end->is_given)
        w.end_ns = end->number;
    else if (!is_open || since->is_given)
        w.end_ns = req->world->wall_ns();
    if (start->is_given)
        w.start_ns = start->number;
    else if (since->is_given)
        w.start_ns = earlier(w.end_ns, since->number);
    else if (!is_open)
        w.start_ns = earlier(w.end_ns, default_ns);
    if (w.start_ns > w.end_ns)
        return ERR_PARAM(e, "start", "start must not be after end%s", end->is_given ? "" : ", which is now when it is not given");
    *out = w;
    return OK;
}
