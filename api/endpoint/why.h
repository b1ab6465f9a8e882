/* Why two traces look alike: the operations they share, those that only one of them has, and the error they share. */
#ifndef TRACEKIN_API_WHY_H
#define TRACEKIN_API_WHY_H

#include "api/json/jsonwrite.h"
#include "db/pattern/pattern_shapes.h"

/* Operations named of each kind; all are counted. */
enum { API_WHY_NAMED_MAX = 10 };

/* What is known of a trace: its pattern's shape (NULL: none), and its error (absent: none). */
struct api_why_trace {
    const struct db_pattern_shape *shape;
    struct str error_message;
};

/* The key why: null unless both shapes are known or they share an error. ERR_NOMEM. */
enum err api_put_why(struct api_json *w, const struct api_why_trace *asked, const struct api_why_trace *found,
                     struct err_info *e) MUST_USE;

#endif
