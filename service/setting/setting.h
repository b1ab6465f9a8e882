/* One setting: how its text is read, checked against its range, and shown. The table of them is in config.c. Any thread. */
#ifndef TRACEKIN_SERVICE_SETTING_H
#define TRACEKIN_SERVICE_SETTING_H

#include <stdio.h>

#include "core/err.h"
#include "core/str.h"

enum service_setting_type {
    SETTING_ADDRESS,         /* struct service_address */
    SETTING_URL,             /* struct str, as the next six; shown without its password */
    SETTING_ENDPOINT,        /* of HTTP; shown without its password and query */
    SETTING_NAME,
    SETTING_PATH,
    SETTING_NETWORKS,        /* checked by service/setting/network.h */
    SETTING_ORIGINS,         /* checked by service/http/cors.h */
    SETTING_SECRET,          /* never shown */
    SETTING_BOOL,            /* this and the rest: int64_t */
    SETTING_COUNT,
    SETTING_COUNT_OR_AUTO,   /* auto is 0 */
    SETTING_COUNT_OR_OFF,    /* off is 0 */
    SETTING_BYTES,           /* 1048576, 1024KiB, 1MiB, 1GiB */
    SETTING_DURATION,        /* nanoseconds */
    SETTING_DURATION_OR_OFF, /* off is 0 */
    SETTING_LOG_LEVEL,       /* enum log_level */
    SETTING_VECTOR_METHOD,   /* enum db_vector_method */
    SETTING_RATIO,           /* thousandths: 0.95 is 950 */
};

struct service_setting {
    const char *flag; /* without its dashes */
    const char *env;
    enum service_setting_type type;
    size_t offset; /* of the field in its struct */
    const char *standard;
    int64_t least, most; /* of numbers, in the unit of the field */
    const char *help;
};

/* Whether its text may hold a password or a key. */
bool service_setting_is_secret(enum service_setting_type type);
/* The path when it, or the folder it lies in, is there, else "***": what is set may be no path but the secret itself, by mistake. */
const char *service_setting_shown_path(const char *path);
/* Reads text into the field; a refusal names the setting as source and name ("--", "listen") and says what it may be. */
enum err service_setting_parse(const struct service_setting *s, const char *source, const char *name, struct str text,
                               void *field, struct err_info *e) MUST_USE;
/* "TRACEKIN_X=value", then the flag, the default, the range and the help. */
void service_setting_print(const struct service_setting *s, const void *field, FILE *out);

#endif
