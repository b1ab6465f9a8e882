#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/log.h"

void fuzz_fail(const char *file, int line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)fprintf(stderr, "%s:%d: ", file, line);
    (void)vfprintf(stderr, format, arguments);
    (void)fputc('\n', stderr);
    va_end(arguments);
    abort();
}

int64_t fuzz_wall_ns(void)
{
    return FUZZ_NOW_NS;
}

void fuzz_quiet(void)
{
    static int fd = -1;
    if (fd >= 0)
        return;
    fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    log_set_fd(fd);
}

struct str fuzz_bytes(struct fuzz_input *in, size_t n)
{
    const size_t len = n < in->rest.len ? n : in->rest.len;
    const struct str bytes = {in->rest.ptr, len};
    in->rest = (struct str){in->rest.ptr + len, in->rest.len - len};
    return bytes;
}

uint8_t fuzz_byte(struct fuzz_input *in)
{
    const struct str byte = fuzz_bytes(in, 1);
    return byte.len == 0 ? 0 : (uint8_t)byte.ptr[0];
}

uint64_t fuzz_u64(struct fuzz_input *in)
{
    uint64_t value = 0;
    for (size_t i = 0; i < sizeof value; i++)
        value = value << 8 | fuzz_byte(in);
    return value;
}

struct str fuzz_line(struct fuzz_input *in)
{
    struct str rest;
    const struct str line = str_split(in->rest, '\n', &rest);
    in->rest = rest.ptr == NULL ? (struct str){"", 0} : rest;
    return line;
}

char *fuzz_exact(struct str text)
{
    char *const copy = malloc(text.len == 0 ? 1 : text.len);
    FUZZ_CHECK(copy != NULL, "out of memory");
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    return copy;
}

bool fuzz_is_clean(struct str text)
{
    json_t *const string = json_stringn(text.len == 0 ? "" : text.ptr, text.len);
    const bool is_clean = string != NULL && (text.len == 0 || memchr(text.ptr, '\0', text.len) == NULL);
    json_decref(string);
    return is_clean;
}

bool fuzz_is_json(struct str text)
{
    json_t *const root = json_loadb(text.ptr, text.len, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
    json_decref(root);
    return root != NULL;
}

bool fuzz_is_beyond_jansson(struct str text, const json_error_t *error)
{
    const enum json_error_code code = json_error_code(error);
    return code == json_error_invalid_utf8 || code == json_error_null_character || code == json_error_null_byte_in_key ||
           code == json_error_numeric_overflow || code == json_error_stack_overflow ||
           str_contains(text, STR("\\ud")) || str_contains(text, STR("\\uD")); /* a lone surrogate */
}
