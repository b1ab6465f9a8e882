#include "core/log.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/utf8.h"

/* What a full line still has room for: the mark that fields were left out, and its end. */
enum { LOG_TAIL_BYTES = 32, LOG_LEVELS = LOG_ERROR + 1, LOG_REPAIRED_MAX = 3 * LOG_VALUE_MAX };

static const struct str level_names[LOG_LEVELS] = {
    [LOG_DEBUG] = STR("debug"), [LOG_INFO] = STR("info"), [LOG_WARN] = STR("warn"), [LOG_ERROR] = STR("error")};

static atomic_int least_level = LOG_INFO;
static atomic_int log_fd = STDERR_FILENO;
static atomic_uint_fast64_t n_dropped;
static atomic_uint_fast64_t n_lines[LOG_LEVELS];
static _Thread_local struct str request_id, key_name;

void log_set_level(enum log_level least)
{
    atomic_store(&least_level, (int)least);
}

bool log_parse_level(struct str text, enum log_level *out)
{
    for (size_t i = 0; i < LOG_LEVELS; i++)
        if (str_equal(text, level_names[i])) {
            *out = (enum log_level)i;
            return true;
        }
    return false;
}

void log_set_fd(int fd)
{
    atomic_store(&log_fd, fd);
}

void log_set_request_id(struct str id)
{
    request_id = id;
}

struct str log_request_id(void)
{
    return request_id;
}

void log_set_key(struct str name)
{
    key_name = name;
}

struct str log_key(void)
{
    return key_name;
}

uint64_t log_n_dropped(void)
{
    return atomic_load(&n_dropped);
}

uint64_t log_n_lines(enum log_level level)
{
    return atomic_load(&n_lines[level]);
}

/* A buffer over the caller's storage of max_bytes + 1: it is at its bound from the start, so it never allocates. */
static struct buf fixed_buf(char *storage, size_t max_bytes)
{
    return (struct buf){.data = storage, .cap = max_bytes, .max = max_bytes};
}

static void put_escaped_char(struct buf *line, char c)
{
    if (c == '"' || c == '\\') {
        buf_putc(line, '\\');
        buf_putc(line, c);
    } else if (c == '\n') {
        BUF_LITERAL(line, "\\n");
    } else if ((unsigned char)c < ' ') {
        buf_printf(line, "\\u%04x", (unsigned)c);
    } else {
        buf_putc(line, c);
    }
}

static void put_text(struct buf *line, struct str text)
{
    char storage[LOG_REPAIRED_MAX + 1];
    struct buf repaired = fixed_buf(storage, LOG_REPAIRED_MAX);
    utf8_put_repaired(&repaired, utf8_cut(text, LOG_VALUE_MAX));
    buf_putc(line, '"');
    for (size_t i = 0; i < repaired.len; i++)
        put_escaped_char(line, storage[i]);
    buf_putc(line, '"');
}

static void put_real(struct buf *line, double value)
{
    if (isfinite(value))
        buf_printf(line, "%.15g", value);
    else
        BUF_LITERAL(line, "null");
}

static void put_value(struct buf *line, const struct log_field *field)
{
    switch (field->kind) {
    case LOG_FIELD_TEXT:
        put_text(line, field->text);
        return;
    case LOG_FIELD_INT:
        buf_put_i64(line, field->integer);
        return;
    case LOG_FIELD_REAL:
        put_real(line, field->real);
        return;
    }
}

/* Appends the field whole, or, when the line has no room for it, not at all. */
static bool put_field(struct buf *line, const struct log_field *field)
{
    const size_t start = line->len;
    buf_putc(line, start == 0 ? '{' : ',');
    put_text(line, str_of(field->key));
    buf_putc(line, ':');
    put_value(line, field);
    if (buf_is_ok(line))
        return true;
    buf_clear(line);
    buf_advance(line, start);
    return false;
}

static void put_head(struct buf *line, enum log_level level, const char *event)
{
    char storage[CLOCK_RFC3339_MAX + 1];
    struct buf now = fixed_buf(storage, CLOCK_RFC3339_MAX);
    clock_put_rfc3339(&now, clock_wall_ns() / NS_PER_US * NS_PER_US);
    const struct log_field head[] = {LOG_TEXT("ts", buf_str(&now)), LOG_TEXT("level", level_names[level]),
                                     LOG_CSTR("event", event)};
    const struct log_field context[] = {LOG_TEXT("request_id", request_id), LOG_TEXT("key", key_name)};
    for (size_t i = 0; i < ARRAY_LEN(head); i++)
        (void)put_field(line, &head[i]);
    for (size_t i = 0; i < ARRAY_LEN(context); i++)
        if (context[i].text.len > 0)
            (void)put_field(line, &context[i]);
}

static void write_line(enum log_level level, struct str line)
{
    ssize_t n = 0;
    do
        n = write(atomic_load(&log_fd), line.ptr, line.len);
    while (n < 0 && errno == EINTR);
    /* A short write is a lost line: finishing it could tear another thread's. */
    atomic_fetch_add(n == (ssize_t)line.len ? &n_lines[level] : &n_dropped, 1);
}

void log_event(enum log_level level, const char *event, const struct log_field *fields, size_t n_fields)
{
    if ((int)level < atomic_load(&least_level))
        return;
    const int saved_errno = errno;
    char storage[LOG_LINE_MAX + 1];
    struct buf line = fixed_buf(storage, LOG_LINE_MAX - LOG_TAIL_BYTES);
    put_head(&line, level, event);
    bool is_whole = true;
    for (size_t i = 0; i < n_fields; i++)
        is_whole = put_field(&line, &fields[i]) && is_whole;
    line.cap = line.max = LOG_LINE_MAX;
    if (!is_whole)
        BUF_LITERAL(&line, ",\"is_truncated\":true");
    BUF_LITERAL(&line, "}\n");
    write_line(level, buf_str(&line));
    errno = saved_errno;
}

void log_err(enum log_level level, const char *event, const struct err_info *e)
{
    const struct log_field all[] = {
        LOG_CSTR("error", err_name(e->code)),
        LOG_CSTR("message", e->message),
        LOG_CSTR("parameter", e->parameter),
        LOG_CSTR("detail", e->detail),
        LOG_CSTR("sqlstate", e->sqlstate),
        LOG_CSTR("file", e->file),
    };
    struct log_field fields[ARRAY_LEN(all) + 1];
    size_t n_fields = 0;
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (all[i].text.len > 0)
            fields[n_fields++] = all[i];
    if (e->file != NULL)
        fields[n_fields++] = LOG_INT("line", e->line);
    log_event(level, event, fields, n_fields);
}
