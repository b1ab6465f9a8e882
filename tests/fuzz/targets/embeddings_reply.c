/* api/embed/embeddings_wire.c: a byte with the number of texts, then what an embeddings endpoint answers. Vectors that are taken
 * are as many as were asked for, point somewhere, and are what jansson reads. */
#include "api/embed/embeddings_wire.h"

#include <jansson.h>

#include "tests/fuzz/fuzz.h"

enum { TEXTS_MAX = 4 };

/* Where jansson sees the same: no key twice, no number too large. */
static void compare(struct str text, size_t n, float (*vectors)[EMBEDDING_DIMENSIONS])
{
    json_t *const root = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, NULL);
    const json_t *const list = json_object_get(root, "data");
    FUZZ_CHECK(root == NULL || json_array_size(list) == n, "%zu vectors of %zu", n, json_array_size(list));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *const item = json_array_get(list, i), *const index = json_object_get(item, "index");
        const json_t *const numbers = json_object_get(item, "embedding");
        const size_t at = json_is_number(index) ? (size_t)json_number_value(index) : i;
        FUZZ_CHECK(at < n && json_array_size(numbers) == EMBEDDING_DIMENSIONS, "vector %zu of %zu numbers", at, json_array_size(numbers));
        for (size_t k = 0; k < EMBEDDING_DIMENSIONS; k++)
            FUZZ_CHECK(vectors[at][k] == (float)json_number_value(json_array_get(numbers, k)), "number %zu of vector %zu", k, at);
    }
    json_decref(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static float vectors[TEXTS_MAX][EMBEDDING_DIMENSIONS];
    struct fuzz_input in = fuzz_input_of(data, size);
    struct err_info e = {0};
    const size_t n = 1 + fuzz_byte(&in) % TEXTS_MAX;
    const enum err code = api_embeddings_read_reply(in.rest, n, vectors, &e);
    FUZZ_CHECK(code == OK || (code == ERR_INVALID && e.message[0] != '\0'), "the code is %d: %s", (int)code, e.message);
    if (code != OK)
        return 0;
    for (size_t i = 0; i < n; i++)
        FUZZ_CHECK(embedding_is_valid(vectors[i]) && embedding_has_direction(vectors[i]), "vector %zu points nowhere", i);
    compare(in.rest, n, vectors);
    return 0;
}
