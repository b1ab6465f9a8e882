#include "api/request/window.h"

#include "api/request/params.h"

/* Never before 1970, where everything begins. */
static int64_t earlier(int64_t wall_ns, int64_t by_ns)
{
    return wall_ns > by_ns ? wall_ns - by_ns : 0;
}

/* Where the window ends when there is no end: now, unless everything is wanted. */
static int64_t default_end(const struct api_req *req, bool is_open)
{
    return is_open ? DB_WINDOW_ALL.end_ns : req->world->wall_ns();
}

enum err api_window_read(const struct api_req *req, int64_t default_ns, struct api_window *out, struct err_info *e)
{
    const struct api_value *start = api_param(req->params, "start");
    const struct api_value *end = api_param(req->params, "end");
    const struct api_value *since = api_param(req->params, "since");
    if (start->is_given && since->is_given)
        return ERR_PARAM(e, "since", "since and start both say where the window begins; give one of them");
    const bool is_open = default_ns == API_WINDOW_ALL && !since->is_given;
    struct db_window w = {0, end->is_given ? end->number : default_end(req, is_open)};
    if (start->is_given)
        w.start_ns = start->number;
    else if (!is_open)
        w.start_ns = earlier(w.end_ns, since->is_given ? since->number : default_ns);
    if (w.start_ns > w.end_ns)
        return ERR_PARAM(e, "start", "start must not be after end%s", end->is_given ? "" : ", which is now when it is not given");
    *out = (struct api_window){w, !start->is_given && !since->is_given};
    return OK;
}
