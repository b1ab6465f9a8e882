/* Measures single functions of the service: bench/micro/cases.h tells which. Prints lines of JSON, for bench/micro/measure.py. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/micro/cases.h"
#include "core/clock.h"

enum { ARENA_MAX_BYTES = 1 << 30, KEPT_MAX_BYTES = 1 << 30, MAPPED_MIN_BYTES = 32 << 20 };

typedef enum err (*adder)(struct micro_list *list, const struct micro_input *in, struct arena *arena, struct err_info *e);

static const adder adders[] = {micro_decode_add, micro_write_add, micro_params_add, micro_embed_add};

static enum err run(char **argv, struct err_info *e)
{
    static struct micro_list list;
    AUTO(arena) struct arena arena;
    arena_init(&arena, ARENA_MAX_BYTES);
    struct micro_input in = {.n_items = (size_t)atoll(argv[2]), .now_ns = atoll(argv[3]) * NS_PER_S};
    TRY(micro_input_read(&in, argv[1], &arena, e));
    for (size_t i = 0; i < ARRAY_LEN(adders); i++)
        TRY(adders[i](&list, &in, &arena, e));
    return micro_list_measure(&list, atoi(argv[4]), atoll(argv[5]) * NS_PER_MS, e);
}

/* What is freed is kept for the next run: a library that frees a whole tree would else pay the kernel for its pages again and again. */
static void keep_memory(void)
{
    (void)mallopt(M_TRIM_THRESHOLD, KEPT_MAX_BYTES);
    (void)mallopt(M_MMAP_THRESHOLD, MAPPED_MIN_BYTES);
}

int main(int argc, char **argv)
{
    struct err_info e = {0};
    if (argc != 6) {
        fputs("usage: micro FOLDER ITEMS NOW_S ROUNDS ROUND_MS\n", stderr);
        return 2;
    }
    keep_memory();
    if (run(argv, &e) != OK) {
        fprintf(stderr, "micro: cannot measure: %s\n", e.message);
        return 2;
    }
    return EXIT_SUCCESS;
}
