/* faulty KIND: does on purpose what a tool of the test run must see. Where it is not seen, the alarm is broken. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"

enum { BLOCK_BYTES = 24 };

/* Through these the compiler does not see what is wrong. */
static char *volatile block;
static volatile int number = INT32_MAX, at = BLOCK_BYTES;

static void leak(void)
{
    block = mem_alloc(BLOCK_BYTES);
    if (block != NULL)
        block[0] = 'x';
    block = NULL;
}

static void overflow(void)
{
    block = mem_alloc(BLOCK_BYTES);
    if (block != NULL)
        block[at] = 'x';
    mem_free(block);
}

static void use_after_free(void)
{
    char *const freed = block = mem_alloc(BLOCK_BYTES);
    mem_free(freed);
    if (block != NULL)
        block[0] = 'x';
}

static void undefined(void)
{
    number = number + 1;
}

static void *write_number(void *arg)
{
    (void)arg;
    for (int i = 0; i < 1000; i++)
        number = i;
    return NULL;
}

static void race(void)
{
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        if (pthread_create(&threads[i], NULL, write_number, NULL) != 0)
            return;
    for (int i = 0; i < 2; i++)
        (void)pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
    static const struct { const char *kind; void (*run)(void); } faults[] = {
        {"leak", leak}, {"overflow", overflow}, {"use-after-free", use_after_free}, {"undefined", undefined}, {"race", race}};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        if (argc == 2 && strcmp(argv[1], faults[i].kind) == 0)
            faults[i].run();
    return 0;
}
