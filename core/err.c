#include "core/err.h"

#include <stdarg.h>
#include <stdio.h>

PRINTF_LIKE(5, 0)
static void err_fill(struct err_info *e, const char *file, int line, enum err code, const char *fmt, va_list args)
{
    e->code = code;
    e->file = file;
    e->line = line;
    (void)vsnprintf(e->message, sizeof e->message, fmt, args);
}

void err_set(struct err_info *e, const char *file, int line, enum err code, const char *fmt, ...)
{
    if (e == NULL || e->code != OK)
        return;
    va_list args;
    va_start(args, fmt);
    err_fill(e, file, line, code, fmt, args);
    va_end(args);
}

void err_set_param(struct err_info *e, const char *file, int line, const char *parameter, const char *fmt, ...)
{
    if (e == NULL || e->code != OK)
        return;
    va_list args;
    va_start(args, fmt);
    err_fill(e, file, line, ERR_INVALID, fmt, args);
    va_end(args);
    (void)snprintf(e->parameter, sizeof e->parameter, "%s", parameter);
}

const char *err_name(enum err code)
{
    static const char *const names[] = {
        [OK] = "ok",
        [ERR_INVALID] = "invalid",
        [ERR_UNAUTHENTICATED] = "unauthenticated",
        [ERR_FORBIDDEN] = "forbidden",
        [ERR_RATE] = "rate",
        [ERR_NOT_FOUND] = "not_found",
        [ERR_TOO_LARGE] = "too_large",
        [ERR_UNSUPPORTED] = "unsupported",
        [ERR_BUSY] = "busy",
        [ERR_TIMEOUT] = "timeout",
        [ERR_CANCELLED] = "cancelled",
        [ERR_OUTCOME_UNKNOWN] = "outcome_unknown",
        [ERR_UNAVAILABLE] = "unavailable",
        [ERR_NOMEM] = "nomem",
        [ERR_INTERNAL] = "internal",
    };
    return names[code];
}
