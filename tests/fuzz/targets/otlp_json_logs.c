/* api/otlp*.c: the body of POST /v1/logs in JSON (support/otlp.h). */
#include "tests/fuzz/support/otlp.h"

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_otlp_json(DB_SIGNAL_LOGS, data, size);
    return 0;
}
