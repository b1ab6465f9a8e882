#include "bench/micro/input.h"

#include <stdio.h>

#include "api/otlp/otlp.h"

static const char *const signals[MICRO_SIGNALS] = {"traces", "logs", "metrics"};
static const char *const encodings[MICRO_ENCODINGS] = {"protobuf", "gzip", "json"};

static enum err read_open(FILE *file, struct arena *arena, struct str *out, struct err_info *e)
{
    if (fseek(file, 0, SEEK_END) != 0)
        return ERR_SET(e, ERR_INVALID, "an input has no end");
    const size_t len = (size_t)ftell(file);
    char *const bytes = arena_alloc(arena, len);
    if (bytes == NULL)
        return ERR_SET_NOMEM(e);
    rewind(file);
    *out = (struct str){bytes, fread(bytes, 1, len, file)};
    return out->len == len && len > 0 ? OK : ERR_SET(e, ERR_INVALID, "an input is empty or cut short");
}

static enum err read_file(const char *folder, const char *signal, const char *encoding, struct arena *arena, struct str *out,
                          struct err_info *e)
{
    const struct str path = arena_printf(arena, "%s/%s.%s", folder, signal, encoding);
    FILE *const file = path.ptr == NULL ? NULL : fopen(path.ptr, "rb");
    if (file == NULL)
        return ERR_SET(e, ERR_NOT_FOUND, "cannot read %s.%s", signal, encoding);
    const enum err code = read_open(file, arena, out, e);
    (void)fclose(file);
    return code;
}

static enum err decode_traces(struct micro_input *in, struct arena *arena, struct err_info *e)
{
    const struct api_otlp_input request = {.signal = DB_SIGNAL_TRACES,
                                           .encoding = DB_ENCODING_PROTOBUF,
                                           .body = in->bodies[DB_SIGNAL_TRACES][MICRO_PROTOBUF],
                                           .now_ns = in->now_ns};
    struct api_otlp_rejects rejects;
    TRY(api_otlp_decode(&request, arena, &in->traces, &rejects, e));
    return in->traces.spans.n == in->n_items ? OK : ERR_SET(e, ERR_INVALID, "the traces have %zu spans", in->traces.spans.n);
}

enum err micro_input_read(struct micro_input *in, const char *folder, struct arena *arena, struct err_info *e)
{
    for (size_t i = 0; i < MICRO_SIGNALS; i++)
        for (size_t j = 0; j < MICRO_ENCODINGS; j++)
            TRY(read_file(folder, signals[i], encodings[j], arena, &in->bodies[i][j], e));
    return decode_traces(in, arena, e);
}
