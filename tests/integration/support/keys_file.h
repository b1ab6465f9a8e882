/* A file of API keys for tests, which is in no folder: the service opens it by the test's /proc, and it ends with the test. */
#ifndef TRACEKIN_TESTS_KEYS_FILE_H
#define TRACEKIN_TESTS_KEYS_FILE_H

#include "core/buf.h"

enum { KEYS_FILE_SETTING_MAX = 64 };

struct keys_file {
    int fd;
    char setting[KEYS_FILE_SETTING_MAX]; /* "TRACEKIN_API_KEYS_FILE=..." */
    struct buf text;                     /* of keys_file_add, not yet written */
};

void keys_file_open(struct keys_file *f);
void keys_file_close(struct keys_file *f);
/* Adds the line of a key; limits: "rate=5", or "". */
void keys_file_add(struct keys_file *f, const char *key, const char *name, const char *scopes, const char *limits);
/* The file is then what was added since the last time. */
void keys_file_write(struct keys_file *f);
/* The file is then this text. */
void keys_file_write_text(struct keys_file *f, struct str text);

#endif
