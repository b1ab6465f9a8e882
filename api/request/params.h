/* The query parameters of a request: a table of what a route takes, and the strict parser of what was sent.
 *
 * The tables are static; parsed parameters live in the request's arena. Nothing here touches the database. Every error is
 * ERR_INVALID, names the parameter and says what it may be. */
#ifndef TRACEKIN_API_PARAMS_H
#define TRACEKIN_API_PARAMS_H

#include "core/arena.h"
#include "core/err.h"

enum { API_PARAMS_MAX = 24, API_ATTRS_MAX = 8, API_QUERY_MAX_BYTES = 16384, API_ID_BYTES = 16 };

enum api_param_type {
    API_PARAM_TEXT,     /* not empty; .text */
    API_PARAM_PATTERN,  /* as text; a LIKE pattern that does not end in a lone backslash */
    API_PARAM_LIMIT,    /* 1 and up, cut at max: .number, .is_clamped */
    API_PARAM_TIME,     /* .number: nanoseconds since 1970 */
    API_PARAM_DURATION, /* .number: nanoseconds */
    API_PARAM_ENUM,     /* .number: index into values */
    API_PARAM_BOOL,     /* .number: 0 or 1 */
    API_PARAM_UNIT,     /* .real: 0 to 1 */
    API_PARAM_TRACE_ID, /* .id, 16 bytes */
    API_PARAM_SPAN_ID,  /* .id, 8 bytes */
    API_PARAM_LEVEL,    /* .number: the least severity number of the level */
    API_PARAM_ATTR,     /* key:value, repeatable: in attr_keys and attr_values */
    API_PARAM_CURSOR,   /* .text; read by api/request/cursor.h */
    API_PARAM_SINCE,    /* as time, or how long ago: .number: nanoseconds since 1970 */
};

struct api_param_spec {
    const char *name; /* NULL ends the table */
    enum api_param_type type;
    bool is_required;
    int64_t by_default;         /* of LIMIT, ENUM and BOOL */
    int64_t max;                /* of LIMIT */
    double unit_default;        /* of UNIT */
    const char *const *values;  /* of ENUM, up to NULL */
};

/* The rows that make a time window. */
#define API_PARAMS_WINDOW                                                                    \
    {.name = "start", .type = API_PARAM_TIME}, {.name = "end", .type = API_PARAM_TIME},      \
    {.name = "since", .type = API_PARAM_DURATION}

/* The rows of a list that is paged. */
#define API_PARAMS_PAGE(limit_default, limit_max)                                                          \
    {.name = "limit", .type = API_PARAM_LIMIT, .by_default = (limit_default), .max = (limit_max)},         \
    {.name = "cursor", .type = API_PARAM_CURSOR}

struct api_value {
    bool is_given;
    bool is_clamped;
    struct str text; /* as sent, decoded; clean UTF-8; absent when not given */
    int64_t number;
    double real;
    uint8_t id[API_ID_BYTES];
};

struct api_params {
    const struct api_param_spec *specs;
    struct api_value values[API_PARAMS_MAX]; /* in the order of specs */
    struct str attr_keys[API_ATTRS_MAX], attr_values[API_ATTRS_MAX];
    size_t n_attrs;
};

/* Parses the part of the target after '?' (absent for none) by specs (NULL: takes none). *out is in the arena. */
enum err api_params_parse(struct str query, const struct api_param_spec *specs, int64_t now_ns, struct arena *arena,
                          const struct api_params **out, struct err_info *e) MUST_USE;
/* Adds one parameter that came otherwise than in the query, such as in a body; text is clean UTF-8 and lives in the arena. */
enum err api_params_put(struct api_params *params, struct str name, struct str text, int64_t now_ns, struct arena *arena,
                        struct err_info *e) MUST_USE;
/* A parameter of the table, with its default when it was not given. name must be in the table. */
const struct api_value *api_param(const struct api_params *p, const char *name);
/* As api_param, NULL when the table has no such row. */
const struct api_value *api_param_find(const struct api_params *p, const char *name);

#endif
