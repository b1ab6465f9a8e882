#include "api/endpoint/dispatch.h"

#include <stdio.h>

#include "api/endpoint/problem.h"
#include "api/request/params.h"
#include "api/request/status.h"
#include "core/log.h"

enum { HTTP_OK = 200 };

static struct str query_of(struct str target)
{
    struct str query;
    (void)str_split(target, '?', &query);
    return query;
}

/* Who asks again for as much is answered the same. */
static enum err answer_too_large(size_t max_bytes, struct err_info *e)
{
    (void)ERR_SET(e, ERR_TOO_LARGE, "the answer needs more than the %zu bytes that one may have: ask for less, with a smaller limit or a "
                                    "narrower window", max_bytes);
    if (e != NULL)
        (void)snprintf(e->parameter, sizeof e->parameter, "answer");
    return ERR_TOO_LARGE;
}

/* What was to be stored is by now, however little room there is to say so. */
static enum err no_room_for_answer(const struct api_req *req, const struct api_reply *reply, struct err_info *e)
{
    if (req->route->lane == API_LANE_INGEST)
        return ERR_SET(e, ERR_OUTCOME_UNKNOWN, "there was no memory for the answer, though what was sent may be stored; send it "
                                               "again, nothing is stored twice");
    return reply->body.is_full ? answer_too_large(reply->body.max, e) : ERR_SET_NOMEM(e);
}

enum err api_run(struct api_req *req, struct api_reply *reply, struct err_info *e)
{
    TRY(api_params_parse(query_of(req->target), req->route->params, req->world->wall_ns(), req->arena, &req->params, e));
    TRY(req->route->handler(req, reply, e));
    return buf_is_ok(&reply->body) ? OK : no_room_for_answer(req, reply, e);
}

/* Handlers see that there is no memory; only the share knows when that is so by a bound. */
static void explain_bound(const struct api_req *req, struct err_info *e)
{
    const enum budget_bound reached = req->memory == NULL ? BUDGET_UNREACHED : req->memory->reached;
    if (e->code != ERR_NOMEM || reached == BUDGET_UNREACHED)
        return;
    *e = (struct err_info){0};
    if (reached == BUDGET_OF_WHOLE) {
        (void)ERR_SET(e, ERR_BUSY, "the memory for requests is in use; try again in a moment");
    } else if (req->route->lane == API_LANE_INGEST) {
        (void)ERR_SET(e, ERR_TOO_LARGE, "the request needs more than the %zu bytes of memory that one may have: send less at a time",
                      req->memory->max_bytes);
    } else {
        (void)answer_too_large(req->memory->max_bytes, e);
    }
}

static void reply_reset(struct api_reply *reply)
{
    buf_close(&reply->body); /* which may be most of an answer that failed */
    reply->status = 0;
    reply->content_type = "application/json";
    reply->n_headers = 0;
}

/* What went wrong on our side is logged here, once; what the client got wrong is the client's to read. */
static void log_failure(const struct err_info *e)
{
    if (e->code == ERR_INTERNAL || e->code == ERR_NOMEM)
        log_err(LOG_ERROR, "request_failed", e);
    else if (api_status_of(e->code) >= api_status_of(ERR_INTERNAL))
        log_err(LOG_WARN, "request_failed", e);
}

void api_dispatch(struct api_req *req, struct api_reply *reply)
{
    struct err_info e = {0};
    reply_reset(reply);
    const enum err code = api_run(req, reply, &e);
    if (code == OK) {
        reply->status = reply->status == 0 ? HTTP_OK : reply->status;
        return;
    }
    /* Whoever fails should have said why; without that it is the code that decides, or a failure would be a 200. */
    (void)ERR_SET(&e, code, "the request failed, and nobody said why (%s)", err_name(code));
    budget_share_excuse(req->memory);
    explain_bound(req, &e);
    log_failure(&e);
    reply_reset(reply);
    api_reply_error(req, reply, &e);
}
