#include "service/setting/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct file {
    int fd;
};

static void file_auto(struct file *file)
{
    if (file->fd >= 0)
        (void)close(file->fd);
}

enum err service_file_read(const char *path, size_t max_bytes, struct buf *out, struct err_info *e)
{
    char bytes[4096];
    struct stat status;
    AUTO(file) struct file file = {open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (file.fd < 0)
        return ERR_SET(e, ERR_INVALID, "it cannot be opened: %m");
    if (fstat(file.fd, &status) != 0 || !S_ISREG(status.st_mode))
        return ERR_SET(e, ERR_INVALID, "it is not a file");
    ssize_t n = 0;
    for (size_t n_bytes = 0; buf_is_ok(out) && (n = read(file.fd, bytes, sizeof bytes)) > 0;) {
        n_bytes += (size_t)n;
        if (n_bytes > max_bytes)
            return ERR_SET(e, ERR_INVALID, "it may have at most %zu bytes", max_bytes);
        buf_put(out, bytes, (size_t)n);
    }
    if (n < 0)
        return ERR_SET(e, ERR_INVALID, "it cannot be read: %m");
    return buf_is_ok(out) ? OK : ERR_SET_NOMEM(e);
}
