#include "db/chunk/chunk.h"

/* OTLP's severity numbers come in levels of four (1 to 4 are TRACE), which are enough to tell apart. The tag of a level says
 * that some record is at least of it; those of a service, and of all, are apart. */
enum { LEVEL_STEP = 4, LEVELS = 7 };
enum tag { TAG_LEVEL, TAG_SERVICE_LEVEL = TAG_LEVEL + LEVELS, TAG_SERVICE = TAG_SERVICE_LEVEL + LEVELS, TAG_NAME, TAG_TYPE };

static unsigned level_of(int64_t severity)
{
    return (unsigned)((severity + LEVEL_STEP - 1) / LEVEL_STEP);
}

const char *db_chunked_name(enum db_chunked table)
{
    static const char *const names[DB_CHUNKED_TABLES] = {[DB_CHUNKED_LOGS] = "logs", [DB_CHUNKED_ERRORS] = "errors"};
    return names[table];
}

void db_chunk_add_log(struct grams *g, struct str service, int64_t severity, struct str body)
{
    for (unsigned level = 0; level <= level_of(severity); level++) {
        grams_add_tag(g, TAG_LEVEL + level, STR(""));
        grams_add_tag(g, TAG_SERVICE_LEVEL + level, service);
    }
    grams_add_text(g, body);
}

void db_chunk_add_error(struct grams *g, struct str service, struct str name, struct str type, struct str message)
{
    grams_add_tag(g, TAG_SERVICE, service);
    grams_add_tag(g, TAG_NAME, name);
    grams_add_tag(g, TAG_TYPE, type);
    grams_add_text(g, message);
}

void db_chunk_want_log(struct grams *g, struct str service, int64_t min_severity)
{
    if (service.ptr != NULL)
        grams_add_tag(g, TAG_SERVICE_LEVEL + level_of(min_severity), service);
    else if (min_severity > 0)
        grams_add_tag(g, TAG_LEVEL + level_of(min_severity), STR(""));
}

void db_chunk_want_error(struct grams *g, struct str service, struct str name, struct str type)
{
    if (service.ptr != NULL)
        grams_add_tag(g, TAG_SERVICE, service);
    if (name.ptr != NULL)
        grams_add_tag(g, TAG_NAME, name);
    if (type.ptr != NULL)
        grams_add_tag(g, TAG_TYPE, type);
}
