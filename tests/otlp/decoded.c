#include "decoded.h"

#include <check.h>

#include "batch_text.h"
#include "from_json.h"

enum { ARENA_BYTES = 256 << 20, TEXT_BYTES = 64 << 20 };

void tests_otlp_decode_kept(struct tests_otlp_decoded *d, const struct api_otlp_input *in)
{
    *d = (struct tests_otlp_decoded){.code = OK};
    arena_init(&d->arena, ARENA_BYTES);
    buf_init(&d->text, TEXT_BYTES);
    d->code = api_otlp_decode(in, &d->arena, &d->batch, &d->rejects, &d->e);
    if (d->code == OK)
        tests_otlp_put_batch(&d->text, &d->batch);
    ck_assert(buf_is_ok(&d->text));
}

void tests_otlp_decode(struct tests_otlp_decoded *d, enum db_signal signal, enum db_encoding encoding, struct str body)
{
    tests_otlp_decode_kept(d, &(struct api_otlp_input){signal, encoding, body, TESTS_OTLP_NOW_NS, 0});
}

void tests_otlp_close(struct tests_otlp_decoded *d)
{
    arena_close(&d->arena);
    buf_close(&d->text);
}

void tests_otlp_decode_both(struct tests_otlp_decoded *d, enum db_signal signal, const char *json)
{
    struct tests_otlp_decoded other;
    struct buf proto;
    buf_init(&proto, TEXT_BYTES);
    tests_otlp_from_json(signal, json, &proto);
    tests_otlp_decode(d, signal, DB_ENCODING_JSON, str_of(json));
    tests_otlp_decode(&other, signal, DB_ENCODING_PROTOBUF, buf_str(&proto));
    ck_assert_msg(d->code == OK, "JSON: %s", d->e.message);
    ck_assert_msg(other.code == OK, "protobuf: %s", other.e.message);
    ck_assert_str_eq(d->text.data, other.text.data);
    ck_assert_int_eq(d->rejects.n_items, other.rejects.n_items);
    ck_assert_str_eq(d->rejects.reasons, other.rejects.reasons);
    tests_otlp_close(&other);
    buf_close(&proto);
}
