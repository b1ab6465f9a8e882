#include "service/setting/secret.h"

#include "service/setting/file.h"
#include "service/setting/setting.h"

static enum err read_file(const char *setting, const char *path, struct buf *out, struct err_info *e)
{
    struct err_info fault = {0};
    AUTO(buf) struct buf text;
    buf_init(&text, SERVICE_SECRET_MAX_BYTES);
    const enum err code = service_file_read(path, SERVICE_SECRET_MAX_BYTES, &text, &fault);
    const struct str secret = str_trim(buf_str(&text));
    if (code == OK && (secret.len == 0 || memchr(secret.ptr, '\0', secret.len) != NULL))
        (void)ERR_SET(&fault, ERR_INVALID, "it must hold a secret");
    if (fault.code != OK)
        return ERR_SET(e, fault.code, "%s_FILE is '%s': %s", setting, service_setting_shown_path(path), fault.message);
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
