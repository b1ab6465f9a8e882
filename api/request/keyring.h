/* The API keys that a service knows: their names, what each may be used for, and SHA-256 digests in place of the keys.
 *
 * Their file has a line a key:
 *
 *     # name     SHA-256 of the key                                                scopes       its own rate limit
 *     collector  5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9  ingest
 *     dashboard  6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b  read,admin   rate=50 burst=100
 *
 * Digests are not salted: keys are to be random, as api_key_make makes them, not words. A keyring is constant once read; any
 * thread may search it. No message tells anything that a line holds, since somebody may have put a key into it. */
#ifndef TRACEKIN_API_KEYRING_H
#define TRACEKIN_API_KEYRING_H

#include "api/request/scope.h"
#include "core/bucket.h"
#include "core/buf.h"
#include "core/err.h"

enum {
    API_KEYS_MAX = 1024,
    API_KEYS_FILE_MAX_BYTES = 1 << 20,
    API_KEY_NAME_MAX = 64,
    API_KEY_DIGEST_BYTES = 32,
    API_KEY_TEXT_MAX = 64, /* of a key that api_key_make makes, with its NUL */
};

struct api_key {
    char name[API_KEY_NAME_MAX + 1]; /* A-Z a-z 0-9 . _ - */
    uint8_t digest[API_KEY_DIGEST_BYTES];
    unsigned scopes; /* of enum api_scope */
    bool has_rate;   /* a rate of its own, which may be no limit */
    struct bucket_rate rate;
};

struct api_keyring {
    size_t n;
    struct api_key keys[];
};

/* Reads the text of a file; the ring is new. ERR_INVALID, saying in which line and what it must be, also when there is no key in it
 * or one twice; ERR_NOMEM. */
enum err api_keyring_parse(struct str text, struct api_keyring **out, struct err_info *e) MUST_USE;
void api_keyring_free(struct api_keyring *ring);
static inline void api_keyring_auto(struct api_keyring **ring) { api_keyring_free(*ring); }
/* The key whose digest is that of text, borrowed; NULL when there is none. */
const struct api_key *api_keyring_find(const struct api_keyring *ring, struct str text);
/* 1 + its index; 0 when there is none. Takes as long for each key there is, the first, the last or none: what the digests are decides
 * no branch and no address. */
size_t api_keyring_place(const struct api_keyring *ring, struct str text);

/* Makes a new key of 256 random bits, "tk_..." and its NUL. ERR_INTERNAL when the system has no random bytes. */
enum err api_key_make(char text[API_KEY_TEXT_MAX], struct err_info *e) MUST_USE;
/* Appends the line of a key with a name, scopes and the rest of its line as the file has them. ERR_INVALID when they are wrong. */
enum err api_key_put_line(struct buf *line, struct str text, struct str name, struct str scopes, struct str rest,
                          struct err_info *e) MUST_USE;

#endif
