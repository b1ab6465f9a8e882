/* api/endpoint/similar.c, api/request/body.c, api/request/syntax.c: the body of POST /api/v1/traces/similar, with its embedding and
 * its filters. */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/support/stub_db.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    stub_db = (struct stub_db){.outcome = OK};
    struct api_req req = {.method = STR("POST"), .target = STR("/api/v1/traces/similar"), .content_type = STR("application/json"),
                          .body = fuzz_input_of(data, size).rest};
    stub_dispatch(&req);
    return 0;
}
