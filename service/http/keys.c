#include "service/http/keys.h"

#include <pthread.h>

#include "core/buf.h"
#include "core/mem.h"
#include "service/setting/file.h"
#include "service/setting/setting.h"

struct service_keys {
    struct str path;
    pthread_rwlock_t lock; /* of ring */
    struct api_keyring *ring; /* NULL: there are none */
};

static enum err keys_read(const char *path, struct api_keyring **out, struct err_info *e)
{
    struct err_info fault = {0};
    AUTO(buf) struct buf text;
    buf_init(&text, API_KEYS_FILE_MAX_BYTES);
    enum err code = service_file_read(path, API_KEYS_FILE_MAX_BYTES, &text, &fault);
    if (code == OK)
        code = api_keyring_parse(buf_str(&text), out, &fault);
    return code == OK ? OK : ERR_SET(e, code, "TRACEKIN_API_KEYS_FILE is '%s': %s", service_setting_shown_path(path), fault.message);
}

static void lock_init(pthread_rwlock_t *lock)
{
    pthread_rwlockattr_t attributes;
    (void)pthread_rwlockattr_init(&attributes);
    /* Requests that never pause must not keep a reload waiting. */
    (void)pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    (void)pthread_rwlock_init(lock, &attributes);
    (void)pthread_rwlockattr_destroy(&attributes);
}

enum err service_keys_new(struct str path, struct service_keys **out, struct err_info *e)
{
    AUTO(api_keyring) struct api_keyring *ring = NULL;
    if (path.len > 0)
        TRY(keys_read(path.ptr, &ring, e));
    struct service_keys *const keys = mem_calloc(1, sizeof *keys);
    if (keys == NULL)
        return ERR_SET_NOMEM(e);
    keys->path = path;
    keys->ring = TAKE(ring);
    lock_init(&keys->lock);
    *out = keys;
    return OK;
}

void service_keys_free(struct service_keys *keys)
{
    if (keys == NULL)
        return;
    (void)pthread_rwlock_destroy(&keys->lock);
    api_keyring_free(keys->ring);
    mem_free(keys);
}

enum err service_keys_reload(struct service_keys *keys, struct err_info *e)
{
    struct api_keyring *ring = NULL;
    if (keys->path.len == 0)
        return OK;
    TRY(keys_read(keys->path.ptr, &ring, e));
    (void)pthread_rwlock_wrlock(&keys->lock);
    struct api_keyring *const before = keys->ring;
    keys->ring = ring;
    (void)pthread_rwlock_unlock(&keys->lock);
    api_keyring_free(before);
    return OK;
}

size_t service_keys_count(struct service_keys *keys)
{
    (void)pthread_rwlock_rdlock(&keys->lock);
    const size_t n = keys->ring == NULL ? 0 : keys->ring->n;
    (void)pthread_rwlock_unlock(&keys->lock);
    return n;
}

enum err service_keys_check(struct service_keys *keys, const struct api_route *route, const struct api_credentials *given,
                            struct api_caller *caller, struct err_info *e)
{
    (void)pthread_rwlock_rdlock(&keys->lock);
    const enum err code = api_access_check(keys->ring, route, given, caller, e);
    (void)pthread_rwlock_unlock(&keys->lock);
    return code;
}
