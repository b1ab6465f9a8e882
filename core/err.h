/* Errors: a code that says what the caller can do, and a detail for people.
 *
 * A fallible function returns enum err (0 is OK) and leaves its out-parameters untouched on failure. The detail goes to
 * the caller's struct err_info, which may be NULL; the first error set wins, so a caller may add nothing by accident.
 * Only api/ maps codes to HTTP. Messages are for users: no SQL, no server text, no secrets. */
#ifndef TRACEKIN_CORE_ERR_H
#define TRACEKIN_CORE_ERR_H

#include "core/attr.h"

enum err {
    OK = 0,
    ERR_INVALID,     /* the caller's input is wrong; trying again is useless */
    ERR_UNAUTHENTICATED, /* who asks has not said who they are, or not truly */
    ERR_FORBIDDEN,   /* nobody, or not this one, may do that */
    ERR_RATE,        /* who asks does so too often; try again soon */
    ERR_NOT_FOUND,   /* what was asked for is not there */
    ERR_TOO_LARGE,   /* a bound was exceeded */
    ERR_UNSUPPORTED, /* a media type or encoding this service does not speak */
    ERR_BUSY,        /* a bounded queue or pool is full; try again soon */
    ERR_TIMEOUT,     /* the deadline passed */
    ERR_CANCELLED,   /* the client went away, or the process is stopping */
    ERR_OUTCOME_UNKNOWN, /* whether it was done cannot be told, as the answer was lost; doing it again is safe */
    ERR_UNAVAILABLE, /* the database, or the embeddings endpoint, cannot be reached; try again later */
    ERR_NOMEM,       /* out of memory; try again later */
    ERR_INTERNAL,    /* a defect of this program or of its database schema */
};

enum { ERR_MESSAGE_MAX = 512, ERR_PARAMETER_MAX = 64 };

struct err_info {
    enum err code;
    char message[ERR_MESSAGE_MAX];     /* for the user; cut at the bound */
    char parameter[ERR_PARAMETER_MAX]; /* the request parameter at fault, or "" */
    char detail[ERR_MESSAGE_MAX];      /* for the log only: the server's own words, never shown to a client */
    char sqlstate[6];                  /* five characters, or "" */
    const char *file;                  /* where it was first set, within the tree */
    int line;
};

/* Sets e (which may be NULL) unless it holds an error already. */
void err_set(struct err_info *e, const char *file, int line, enum err code, const char *fmt, ...) PRINTF_LIKE(5, 6);

/* As err_set, naming the request parameter that is wrong; the code is ERR_INVALID. */
void err_set_param(struct err_info *e, const char *file, int line, const char *parameter, const char *fmt, ...)
    PRINTF_LIKE(5, 6);

/* "invalid", "not_found", ...: the name used in logs and metrics. */
const char *err_name(enum err code);

/* Their value is the code as the caller wrote it, a constant or a variable, so that compilers and analyzers see that what returns it
 * has failed. */
#define ERR_SET(e, code, ...) (err_set((e), __FILE__, __LINE__, (code), __VA_ARGS__), (enum err)(code))
#define ERR_PARAM(e, parameter, ...) (err_set_param((e), __FILE__, __LINE__, (parameter), __VA_ARGS__), ERR_INVALID)
#define ERR_SET_NOMEM(e) ERR_SET((e), ERR_NOMEM, "out of memory")

/* Returns from the calling function with the error of expr, if it has one. */
#define TRY(expr)                        \
    do {                                 \
        const enum err try_err_ = (expr); \
        if (try_err_ != OK)              \
            return try_err_;             \
    } while (0)

#endif
