/* api/endpoint/routes.c and what each route does before and after it asks the database (support/stub_db.h): a line with the method, then
 * the target. Every answer is whole, none is 500. */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/support/stub_db.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = fuzz_input_of(data, size);
    const struct str method = fuzz_line(&in);
    stub_db = (struct stub_db){.outcome = OK};
    struct api_req req = {.method = method, .target = in.rest, .body = {"", 0}};
    stub_dispatch(&req);
    return 0;
}
