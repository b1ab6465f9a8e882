/* A fuzz target without a fuzzer: gives it each FILE, each file in a FOLDER, or the standard input.
 *
 * Built by afl-clang-fast it is AFL++'s, in persistent mode. Any other way it replays: when an input ends the process, or takes
 * longer than INPUT_MAX_S, its name and its bytes in base64 are told. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/hex.h"
#include "tests/fuzz/fuzz.h"

enum { INPUT_MAX_BYTES = 64 << 20, INPUT_MAX_S = 60, PIECE_BYTES = 64 << 10, TOLD_MAX_BYTES = 8 << 10 };

static const char *current_name = "";
static struct str current;

/* --- telling of an end */

static void tell(void)
{
    AUTO(buf) struct buf text;
    buf_init(&text, 4 * TOLD_MAX_BYTES);
    buf_printf(&text, "\nreproducer: %s\nbase64: ", current_name);
    base64_put(&text, (const uint8_t *)current.ptr, current.len < TOLD_MAX_BYTES ? current.len : TOLD_MAX_BYTES);
    buf_printf(&text, "%s\n", current.len < TOLD_MAX_BYTES ? "" : " (cut)");
    const struct str told = buf_str(&text);
    (void)!write(STDERR_FILENO, told.ptr, told.len);
}

static void on_signal(int number)
{
    (void)signal(number, SIG_DFL);
    tell();
    (void)raise(number);
}

/* A sanitizer leaves without a signal. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void watch(void)
{
    static const int signals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM};
    if (__sanitizer_set_death_callback != NULL)
        __sanitizer_set_death_callback(tell);
    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        if (__sanitizer_set_death_callback == NULL || signals[i] == SIGALRM || signals[i] == SIGABRT)
            (void)signal(signals[i], on_signal);
}

/* --- inputs */

static void give(const char *name, struct str input)
{
    char *const exact = fuzz_exact(input);
    current_name = name;
    current = (struct str){exact, input.len};
    (void)alarm(INPUT_MAX_S);
    (void)LLVMFuzzerTestOneInput((const uint8_t *)exact, input.len);
    (void)alarm(0);
    free(exact);
}

static void give_file(const char *name, FILE *file)
{
    AUTO(buf) struct buf bytes;
    buf_init(&bytes, INPUT_MAX_BYTES);
    for (size_t n = 1; n > 0 && buf_is_ok(&bytes);) {
        char *const room = buf_reserve(&bytes, PIECE_BYTES);
        n = room == NULL ? 0 : fread(room, 1, PIECE_BYTES, file);
        buf_advance(&bytes, n);
    }
    FUZZ_CHECK(buf_is_ok(&bytes), "%s is larger than %d bytes", name, INPUT_MAX_BYTES);
    give(name, buf_str(&bytes));
}

static size_t give_path(const char *path);

static int is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static size_t give_folder(const char *path)
{
    struct dirent **entries = NULL;
    size_t n_given = 0;
    const int n = scandir(path, &entries, is_shown, alphasort);
    for (int i = 0; i < n; i++) {
        char name[PATH_MAX];
        (void)snprintf(name, sizeof name, "%s/%s", path, entries[i]->d_name);
        n_given += give_path(name);
        free(entries[i]);
    }
    free(entries);
    return n_given;
}

static size_t give_path(const char *path)
{
    struct stat status;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return give_folder(path);
    FILE *const file = fopen(path, "rb");
    FUZZ_CHECK(file != NULL, "%s cannot be read: %s", path, strerror(errno));
    give_file(path, file);
    (void)fclose(file);
    return 1;
}

#ifdef __AFL_FUZZ_TESTCASE_LEN
#pragma GCC diagnostic ignored "-Wconversion" /* in AFL++'s own macro */
__AFL_FUZZ_INIT();

static void give_all_of_afl(void)
{
    const unsigned char *const bytes = __AFL_FUZZ_TESTCASE_BUF;
    while (__AFL_LOOP(UINT_MAX))
        give("(from AFL++)", (struct str){(const char *)bytes, (size_t)__AFL_FUZZ_TESTCASE_LEN});
}
#else
static void give_all_of_afl(void)
{
    give_file("(standard input)", stdin);
}
#endif

int main(int argc, char **argv)
{
    size_t n_given = 0;
    if (argc == 1) {
        give_all_of_afl();
        return 0;
    }
    watch();
    for (int i = 1; i < argc; i++)
        n_given += give_path(argv[i]);
    (void)printf("%zu inputs\n", n_given);
    return n_given > 0 ? 0 : 1;
}
