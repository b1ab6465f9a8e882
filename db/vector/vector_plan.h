/* What is to be done about the vector index over traces: decided from facts alone, so that every case can be tested.
 *
 * Sizes follow pgvector's README (rows / 1000 lists up to a million rows, the root of rows above) but for small stores: there
 * 100 lists, the least that pays, and fewer below 5,000 rows, since lists of ten rows find little. Below DB_VECTOR_ROWS_MIN an
 * exact search is as fast, and there is no index. Pure functions. */
#ifndef TRACEKIN_DB_VECTOR_PLAN_H
#define TRACEKIN_DB_VECTOR_PLAN_H

#include "core/err.h"
#include "db/vector/vector_use.h"

enum { DB_VECTOR_ROWS_MIN = 1000, DB_VECTOR_INDEXES_MAX = 16, DB_VECTOR_NAME_MAX = 64 };

/* The names of the current index by method, of one being built beside it, and of one that was replaced. */
#define DB_VECTOR_IVFFLAT_NAME "ix_traces_embedding_ivfflat"
#define DB_VECTOR_HNSW_NAME "ix_traces_embedding_hnsw"
#define DB_VECTOR_NEXT_SUFFIX "_next"
#define DB_VECTOR_OLD_SUFFIX "_old"

/* What somebody wants. */
struct db_vector_wish {
    enum db_vector_method method;
    int64_t lists;            /* 0: by the number of rows */
    double recall_target;     /* 0 to 1 */
    int64_t memory_max_bytes; /* for a build */
    int64_t measure_every_ns;
};

/* An index over traces.embedding as the catalog has it. */
struct db_vector_index {
    char name[DB_VECTOR_NAME_MAX];
    enum db_vector_method method;
    bool is_valid;
    int64_t lists, size_bytes;
};

/* What was recorded of the current index. */
struct db_vector_record {
    bool is_there;
    char name[DB_VECTOR_NAME_MAX];
    enum db_vector_method method;
    int64_t generation, lists, n_rows_built, build_ms, effort, n_queries;
    bool is_measured;
    double recall, recall_error, recall_target; /* error: the standard error of the mean */
    int64_t built_ns, measured_ns; /* wall time; measured_ns 0: never */
};

struct db_vector_facts {
    int64_t n_rows; /* with an embedding, roughly */
    struct db_vector_index indexes[DB_VECTOR_INDEXES_MAX];
    size_t n_indexes;
    struct db_vector_record record;
    bool is_rebuild_wanted;
    int64_t now_ns;
    int64_t extension_version; /* 800 is 0.8.0 */
};

enum db_vector_action {
    DB_VECTOR_REST,
    DB_VECTOR_DROP,      /* the index name: what a failed build or a swap left, or what is not wanted any more */
    DB_VECTOR_ADOPT,     /* name is whole and waits to take the current one's place */
    DB_VECTOR_BUILD,     /* a new generation of method, with lists */
    DB_VECTOR_CALIBRATE, /* find the least effort that reaches the target */
    DB_VECTOR_MEASURE,   /* see whether it still does */
};

struct db_vector_decision {
    enum db_vector_action action;
    const char *why; /* static; for the log */
    char name[DB_VECTOR_NAME_MAX];
    enum db_vector_method method;
    int64_t lists;
};

struct db_vector_decision db_vector_plan(const struct db_vector_wish *wish, const struct db_vector_facts *facts);

/* Lists for so many rows; at least 1. */
int64_t db_vector_lists_for(int64_t n_rows);
/* What maintenance_work_mem must be at least, for IVFFlat to be built at all, and for HNSW to be built in memory. From pgvector's
 * ivfbuild.c and hnswbuild.c, held against what 0.8.0 asks for. */
int64_t db_vector_build_bytes(enum db_vector_method method, int64_t n_rows, int64_t lists);
/* The most lists for which an IVFFlat build fits into so many bytes; at least 1. */
int64_t db_vector_lists_within(int64_t n_rows, int64_t lists, int64_t memory_max_bytes);
/* The efforts that a calibration tries, the least first; returns how many, at most n_max. */
size_t db_vector_efforts(enum db_vector_method method, int64_t lists, int64_t *out, size_t n_max);
/* What to try between an effort that finds too little and one that finds enough; 0 once a sixteenth of it would be gained at most. */
int64_t db_vector_effort_between(int64_t too_little, int64_t enough);
/* A good effort for an index that was not measured yet. */
int64_t db_vector_first_effort(enum db_vector_method method, int64_t lists);
/* The current index by name, of that method; NULL when there is none. */
const struct db_vector_index *db_vector_current(const struct db_vector_facts *facts, enum db_vector_method method);
const char *db_vector_name(enum db_vector_method method);
/* Whether what was measured is below the target, and not by chance. */
bool db_vector_is_below(const struct db_vector_record *record, double recall_target);
bool db_vector_can_iterate(const struct db_vector_facts *facts);

#endif
