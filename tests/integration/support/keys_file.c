#include "tests/integration/support/keys_file.h"

#include <check.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "api/request/keyring.h"

void keys_file_open(struct keys_file *f)
{
    f->fd = memfd_create("keys", MFD_CLOEXEC);
    ck_assert_int_ge(f->fd, 0);
    (void)snprintf(f->setting, sizeof f->setting, "TRACEKIN_API_KEYS_FILE=/proc/%d/fd/%d", (int)getpid(), f->fd);
    buf_init(&f->text, API_KEYS_FILE_MAX_BYTES);
}

void keys_file_close(struct keys_file *f)
{
    (void)close(f->fd);
    buf_close(&f->text);
}

void keys_file_add(struct keys_file *f, const char *key, const char *name, const char *scopes, const char *limits)
{
    ck_assert_int_eq(api_key_put_line(&f->text, str_of(key), str_of(name), str_of(scopes), str_of(limits), NULL), OK);
    buf_putc(&f->text, '\n');
}

void keys_file_write(struct keys_file *f)
{
    keys_file_write_text(f, buf_str(&f->text));
    buf_clear(&f->text);
}

void keys_file_write_text(struct keys_file *f, struct str text)
{
    ck_assert_int_eq(ftruncate(f->fd, 0), 0);
    ck_assert_int_eq(pwrite(f->fd, text.ptr, text.len, 0), (ssize_t)text.len);
}
