/* The invented company whose telemetry a store holds: its services, what they do and call, what fails, and the words they log.
 *
 * 20 services, 50 operations, 60 shapes of call, each with three of 40 errors it may end in, 5 metrics, and 20,000 words of which
 * the n-th is as frequent as 1/n: half of what is logged are the first 150, and of the last ones each comes once in 200,000.
 * Made once from a seed by world_init, then only read. */
#ifndef TRACEKIN_BENCH_STORE_WORLD_H
#define TRACEKIN_BENCH_STORE_WORLD_H

#include "db/write/batch.h"

enum {
    WORLD_SERVICES = 20,
    WORLD_OPERATIONS = 50,
    WORLD_SHAPES = 60,
    WORLD_SPANS_MAX = 9,
    WORLD_ERRORS = 40,
    WORLD_ERRORS_OF_SHAPE = 3,
    WORLD_METRICS = 5,
    WORLD_WORDS = 20000,
};

struct world_operation {
    const char *name;
    uint8_t kind;           /* as OTLP numbers them */
    const char *attributes; /* members of a JSON object */
};

struct world_error {
    struct str type, message;
};

/* A call of a shape: the first is the root, the last the one that fails. */
struct world_call {
    int parent; /* -1: none */
    unsigned service, operation;
};

struct world_shape {
    struct world_call calls[WORLD_SPANS_MAX];
    int n_calls;
    unsigned errors[WORLD_ERRORS_OF_SHAPE];
};

extern const struct world_operation world_operations[WORLD_OPERATIONS];

struct world {
    struct db_resource resources[WORLD_SERVICES]; /* one a service */
    struct db_scope scopes[1];
    struct db_metric metrics[WORLD_METRICS];
    struct world_error errors[WORLD_ERRORS];
    struct world_shape shapes[WORLD_SHAPES];
};

/* Texts are in the arena; false when it is full. */
bool world_init(struct world *w, uint64_t seed, struct arena *arena);
/* The n-th most frequent word. */
struct str world_word(unsigned n, char room[16]);
/* A word, by its frequency. */
struct str world_word_any(uint64_t *state, char room[16]);

#endif
