/* Attribute conditions of a question: each key must have its value, as a string, as the number or boolean it reads as, or
 * as an element of an array of either. Borrowed until the question is answered. */
#ifndef TRACEKIN_DB_ATTRS_H
#define TRACEKIN_DB_ATTRS_H

#include "db/session/conn.h"

struct db_attrs {
    const struct str *keys, *values;
    size_t n;
};

/* SQL that is true when the jsonb column holds the one pair of k (key), v (value) and j (value as JSON, '' for none). */
#define DB_ATTR_MATCHES(column, k, v, j) column " @> ANY(" DB_ATTR_FORMS(k, v, j) ")"
/* The same for a pair of parameters: its forms are made once, not for each row. The planner then knows nothing of them. */
#define DB_ATTR_MATCHES_ONCE(column, k, v, j) column " @> ANY((SELECT " DB_ATTR_FORMS(k, v, j) ")::jsonb[])"
#define DB_ATTR_FORMS(k, v, j)                                                                                          \
    "ARRAY[jsonb_build_object(" k ", " v "), jsonb_build_object(" k ", " DB_ATTR_JSON(v, j) "),"                        \
    " jsonb_build_object(" k ", jsonb_build_array(" v ")),"                                                             \
    " jsonb_build_object(" k ", jsonb_build_array(" DB_ATTR_JSON(v, j) "))]"
#define DB_ATTR_JSON(v, j) "coalesce(nullif(" j ", '')::jsonb, to_jsonb(" v "))"
/* SQL that is true when the jsonb column holds all pairs of three text arrays, as db_put_attrs puts them. */
#define DB_ATTRS_MATCH(column, ks, vs, js)                                                                              \
    "NOT EXISTS (SELECT FROM unnest(" ks "::text[], " vs "::text[], " js "::text[]) AS pair(k, v, j) WHERE NOT "         \
    DB_ATTR_MATCHES(column, "pair.k", "pair.v", "pair.j") ")"

/* At most this many pairs; more fail the parameters. */
enum { DB_ATTRS_MAX = 16 };

/* Three text arrays: keys, values, values as JSON. */
void db_put_attrs(struct db_params *p, const struct db_attrs *attrs);
/* Three texts: key, value, value as JSON. */
void db_put_attr(struct db_params *p, struct str key, struct str value);

#endif
