#include "service/command/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/mem.h"

enum { PIECE_BYTES = 256 << 10 };

struct service_lines {
    gzFile file; /* reads plain files as they are */
    const char *path;
    uint64_t n_lines, size;
    atomic_uint_fast64_t position;
    size_t from, to; /* of what is unread in piece */
    bool is_over;
    bool is_too_long; /* the line read last */
    char piece[PIECE_BYTES];
};

static enum err lines_refuse(const char *path, struct err_info *e)
{
    const int error = errno;
    char why[64] = "";
    return ERR_SET(e, ERR_INVALID, "%s cannot be read: %s", path, strerror_r(error, why, sizeof why));
}

enum err service_lines_open(const char *path, struct service_lines **out, struct err_info *e)
{
    const int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0)
        return lines_refuse(path, e);
    struct service_lines *l = mem_calloc(1, sizeof *l);
    gzFile file = l == NULL ? NULL : gzdopen(fd, "rb");
    if (file == NULL) {
        (void)close(fd);
        mem_free(l);
        return ERR_SET_NOMEM(e);
    }
    (void)gzbuffer(file, PIECE_BYTES);
    l->file = file;
    l->path = path;
    l->size = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0;
    *out = l;
    return OK;
}

void service_lines_free(struct service_lines *l)
{
    if (l == NULL)
        return;
    (void)gzclose_r(l->file);
    mem_free(l);
}

static enum err lines_fill(struct service_lines *l, struct err_info *e)
{
    const int n = gzread(l->file, l->piece, PIECE_BYTES);
    int error = Z_OK;
    const char *why = gzerror(l->file, &error);
    if (n < 0 || error == Z_BUF_ERROR)
        return ERR_SET(e, ERR_INVALID, "%s ends too early or is damaged after line %llu: %s", l->path,
                       (unsigned long long)l->n_lines, why);
    const z_off_t position = gzoffset(l->file);
    atomic_store(&l->position, position < 0 ? 0 : (uint64_t)position);
    l->from = 0;
    l->to = (size_t)n;
    l->is_over = n == 0;
    return OK;
}

/* Appends up to the end of the line; *ended tells whether it came. */
static void lines_take(struct service_lines *l, struct buf *line, uint64_t *n_bytes, bool *ended)
{
    const char *start = l->piece + l->from;
    const size_t left = l->to - l->from;
    const char *end = memchr(start, '\n', left);
    const size_t n = end == NULL ? left : (size_t)(end - start);
    buf_put(line, start, n);
    *n_bytes += n;
    l->from += end == NULL ? n : n + 1;
    *ended = end != NULL;
}

/* Reads one line, be it empty. */
static enum err lines_read(struct service_lines *l, struct buf *line, struct err_info *e)
{
    uint64_t n_bytes = 0;
    bool ended = false;
    buf_clear(line);
    l->is_too_long = false;
    while (!ended) {
        if (l->from == l->to)
            TRY(lines_fill(l, e));
        if (l->is_over)
            break;
        lines_take(l, line, &n_bytes, &ended);
    }
    l->is_too_long = n_bytes > line->max;
    return buf_is_ok(line) || l->is_too_long ? OK : ERR_SET_NOMEM(e);
}

enum err service_lines_next(struct service_lines *l, struct buf *line, uint64_t *number, bool *found, struct err_info *e)
{
    while (!l->is_over) {
        TRY(lines_read(l, line, e));
        l->n_lines++;
        *number = l->n_lines;
        if (l->is_too_long)
            return ERR_SET(e, ERR_TOO_LARGE, "the line is longer than %zu bytes, the limit set by TRACEKIN_BODY_MAX_BYTES", line->max);
        *found = str_trim(buf_str(line)).len > 0;
        if (*found)
            return OK;
    }
    *found = false;
    return OK;
}

uint64_t service_lines_position(const struct service_lines *l)
{
    return atomic_load(&l->position);
}

uint64_t service_lines_size(const struct service_lines *l)
{
    return l->size;
}
