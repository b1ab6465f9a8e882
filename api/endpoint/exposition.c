#include "api/endpoint/handlers.h"
#include "core/metrics.h"

/* The q of one element of an Accept header, "type/subtype; a=b; q=0.5": 1 when it has none. */
static double quality_of(struct str element)
{
    struct str rest;
    (void)str_split(element, ';', &rest);
    while (rest.ptr != NULL) {
        const struct str parameter = str_trim(str_split(rest, ';', &rest));
        double q;
        if (str_starts_with(parameter, STR("q=")) && str_to_double((struct str){parameter.ptr + 2, parameter.len - 2}, &q))
            return q;
    }
    return 1;
}

/* The highest q that an Accept header gives to a media type, 0 when it does not name it. */
static double accepted_quality(struct str accept, struct str media_type)
{
    double best = 0;
    for (struct str rest = accept; rest.ptr != NULL;) {
        const struct str element = str_trim(str_split(rest, ',', &rest));
        struct str ignored;
        if (!str_equal_nocase(str_trim(str_split(element, ';', &ignored)), media_type))
            continue;
        const double q = quality_of(element);
        best = q > best ? q : best;
    }
    return best;
}

enum err api_metrics(struct api_req *req, struct api_reply *reply, struct err_info *e)
{
    (void)e;
    const double openmetrics = accepted_quality(req->accept, STR("application/openmetrics-text"));
    const bool is_openmetrics = openmetrics > 0 && openmetrics >= accepted_quality(req->accept, STR("text/plain"));
    reply->content_type = is_openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                         : "text/plain; version=0.0.4; charset=utf-8";
    metrics_render(&reply->body, is_openmetrics);
    return OK;
}
