#include "service/secret.h"

#include <stdio.h>

#include "service/setting.h"

static enum err read_file(const char *setting, const char *path, struct buf *out, struct err_info *e)
{
    char text[SERVICE_SECRET_MAX_BYTES + 1];
    FILE *const file = fopen(path, "re");
    if (file == NULL)
        return ERR_SET(e, ERR_INVALID, "%s_FILE is '%s', which cannot be opened: %m", setting, service_setting_shown_path(path));
    const size_t n = fread(text, 1, sizeof text, file);
    const bool is_read = ferror(file) == 0;
    (void)fclose(file);
    const struct str secret = str_trim((struct str){text, n});
    if (!is_read || secret.len == 0 || n == sizeof text || memchr(secret.ptr, '\0', secret.len) != NULL)
        return ERR_SET(e, ERR_INVALID, "%s_FILE is '%s', which must hold a secret of at most %d bytes", setting, service_setting_shown_path(path),
                       SERVICE_SECRET_MAX_BYTES);
    buf_puts(out, secret);
    return OK;
}

enum err service_secret_read(const char *setting, struct str value, struct str path, struct buf *out, struct err_info *e)
{
    if (value.len > 0 && path.len > 0)
        return ERR_SET(e, ERR_INVALID, "%s and %s_FILE are both set: give one of them", setting, setting);
    if (path.len > 0)
        TRY(read_file(setting, path.ptr, out, e));
    if (value.len > 0)
        buf_puts(out, str_trim(value));
    return buf_is_ok(out) ? OK : ERR_SET_NOMEM(e);
}
