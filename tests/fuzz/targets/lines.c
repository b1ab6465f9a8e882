/* service/command/lines.c: a byte with the bound of a line, then a file for import, plain or gzip. Of a plain one, each line that is not
 * blank comes with its number, or is said to be too long. */
#include "service/command/lines.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

enum { PATH_BYTES = 64, LINE_UNIT = 16, LINES_MAX = 1 << 20 };

/* The lines of a plain file, once more. */
struct reference {
    struct fuzz_input in;
    size_t line_max;
    uint64_t number;
};

static bool reference_next(struct reference *r, struct str *line)
{
    while (r->in.rest.len > 0) {
        *line = fuzz_line(&r->in);
        r->number++;
        if (str_trim(*line).len > 0 || line->len > r->line_max)
            return true;
    }
    return false;
}

static void check_next(struct reference *r, enum err code, bool found, const struct buf *line, uint64_t number)
{
    struct str want;
    const bool is_more = reference_next(r, &want);
    FUZZ_CHECK(is_more == (found || code == ERR_TOO_LARGE), "line %llu is there or not", (unsigned long long)r->number);
    if (!is_more)
        return;
    FUZZ_CHECK(number == r->number, "line %llu is called %llu", (unsigned long long)r->number, (unsigned long long)number);
    FUZZ_CHECK((code == ERR_TOO_LARGE) == (want.len > line->max), "line %llu of %zu bytes", (unsigned long long)number, want.len);
    FUZZ_CHECK(code != OK || str_equal(buf_str(line), want), "line %llu is another", (unsigned long long)number);
}

static void read_all(const char *path, struct str file, size_t line_max)
{
    struct service_lines *lines = NULL;
    struct err_info e = {0};
    AUTO(buf) struct buf line;
    struct reference r = {.in = {file}, .line_max = line_max};
    const bool is_plain = !str_starts_with(file, STR("\x1f\x8b"));
    buf_init(&line, line_max);
    FUZZ_CHECK(service_lines_open(path, &lines, &e) == OK, "%s", e.message);
    for (size_t i = 0; i < LINES_MAX; i++) {
        uint64_t number = 0;
        bool found = false;
        const enum err code = service_lines_next(lines, &line, &number, &found, NULL);
        if (is_plain)
            check_next(&r, code, found, &line, number);
        if ((code == OK && !found) || (code != OK && code != ERR_TOO_LARGE))
            break;
    }
    (void)service_lines_position(lines);
    (void)service_lines_size(lines);
    service_lines_free(lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = fuzz_input_of(data, size);
    const size_t line_max = (size_t)fuzz_byte(&in) * LINE_UNIT;
    const struct str file = in.rest;
    char path[PATH_BYTES];
    const int fd = memfd_create("fuzz", MFD_CLOEXEC);
    FUZZ_CHECK(fd >= 0 && write(fd, file.ptr, file.len) == (ssize_t)file.len, "no file can be made");
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    read_all(path, file, line_max);
    (void)close(fd);
    return 0;
}
