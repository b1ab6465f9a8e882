#include "service/job/embeddings.h"

#include "service/setting/secret.h"

static enum err read_spec(const struct service_config *c, struct buf *key, struct api_embedder_spec *out, struct err_info *e)
{
    TRY(service_secret_read("TRACEKIN_EMBEDDINGS_KEY", c->embeddings_key, c->embeddings_key_file, key, e));
    *out = (struct api_embedder_spec){
        .url = c->embeddings_url,
        .model = c->embeddings_model,
        .key = buf_str(key),
        .timeout_ns = c->embeddings_timeout_ns,
        .batch_max = (size_t)c->n_embeddings_batch,
        .cache_max = (size_t)c->n_embeddings_cache,
        .asks_dimensions = c->embeddings_dimensions != 0,
        .allows_link_local = c->embeddings_link_local != 0,
    };
    if (c->embeddings_url.len == 0 && c->embeddings_model.len > 0)
        return ERR_SET(e, ERR_INVALID, "TRACEKIN_EMBEDDINGS_MODEL is set and TRACEKIN_EMBEDDINGS_URL is not: say who has that model");
    return c->embeddings_url.len == 0 ? OK : api_embedder_check(out, e);
}

enum err service_embeddings_check(const struct service_config *c, struct err_info *e)
{
    AUTO(buf) struct buf key;
    struct api_embedder_spec spec;
    buf_init(&key, SERVICE_SECRET_MAX_BYTES);
    return read_spec(c, &key, &spec, e);
}

enum err service_embeddings_new(const struct service_config *c, struct api_embedder **out, struct err_info *e)
{
    AUTO(buf) struct buf key;
    struct api_embedder_spec spec;
    buf_init(&key, SERVICE_SECRET_MAX_BYTES);
    TRY(read_spec(c, &key, &spec, e));
    *out = NULL;
    return spec.url.len == 0 ? OK : api_embedder_new(&spec, out, e);
}
