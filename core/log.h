/* The log: one JSON object a line on stderr, written whole by one write().
 *
 * Each line has ts, level, event (a stable snake_case name), request_id and key when the thread has them, then the caller's
 * fields.
 * Values are escaped and cut at LOG_VALUE_MAX; ill-formed UTF-8 is repaired. Never log bodies, parameter values or secrets.
 * Any thread. An error is logged once, where it is handled. */
#ifndef TRACEKIN_CORE_LOG_H
#define TRACEKIN_CORE_LOG_H

#include "core/err.h"
#include "core/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

enum { LOG_VALUE_MAX = 1024, LOG_LINE_MAX = 8192 };

struct log_field {
    const char *key; /* snake_case with its unit */
    enum { LOG_FIELD_TEXT, LOG_FIELD_INT, LOG_FIELD_REAL } kind;
    union {
        struct str text;
        int64_t integer;
        double real;
    };
};

#define LOG_TEXT(k, s) ((struct log_field){.key = (k), .kind = LOG_FIELD_TEXT, .text = (s)})
#define LOG_CSTR(k, s) LOG_TEXT(k, str_of(s))
#define LOG_INT(k, v) ((struct log_field){.key = (k), .kind = LOG_FIELD_INT, .integer = (int64_t)(v)})
#define LOG_REAL(k, v) ((struct log_field){.key = (k), .kind = LOG_FIELD_REAL, .real = (v)})

void log_set_level(enum log_level least);
bool log_parse_level(struct str text, enum log_level *out);
/* Where lines go; 2 (stderr) unless a test says otherwise. */
void log_set_fd(int fd);
/* The calling thread's request id, borrowed until replaced; absent for none. */
void log_set_request_id(struct str id);
struct str log_request_id(void);
/* The name of the API key that the thread's request came with, borrowed likewise. */
void log_set_key(struct str name);
struct str log_key(void);

void log_event(enum log_level level, const char *event, const struct log_field *fields, size_t n_fields);
#define LOG(level, event, ...)                                                                       \
    log_event((level), (event), (const struct log_field[]){__VA_ARGS__},                             \
              sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))
/* One line for an error: its name, message, detail, sqlstate and place, plus fields. */
void log_err(enum log_level level, const char *event, const struct err_info *e);

/* Lines lost because stderr would not take them, and lines written at a level, since the start. */
uint64_t log_n_dropped(void);
uint64_t log_n_lines(enum log_level level);

#endif
