/* Fails on purpose, so that a failure is seen to be told (tests/fuzz/alarm.sh). */
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct str input = {(const char *)data, size};
    FUZZ_CHECK(!str_starts_with(input, STR("BAD")), "this target fails on purpose");
    return 0;
}
