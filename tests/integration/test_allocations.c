/* How often the service asks for memory to answer a request, libpq and libmicrohttpd included: every call of its process is counted.
 *
 * One client on one connection and one worker of each kind, so that each request does what the last one did. Threads that work in the
 * background are left out by their names; what the others do beside requests, by taking the least of several rounds. */
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/clock.h"
#include "tests/integration/preload/allocations.h"
#include "tests/integration/support/database.h"
#include "tests/integration/support/http.h"
#include "tests/integration/support/server.h"

enum { N_WARM_UP = 20, N_ROUNDS = 7, N_OF_ROUND = 20, N_ITEMS = 100, SPANS_OF_TRACE = 5, ASSEMBLED_MS = 30000 };
enum { NAME_MAX_BYTES = 32, PATH_MAX_BYTES = 64, SETTING_MAX_BYTES = 64, REQUEST_MAX_BYTES = 1 << 20 };

/* A quarter above what was measured: the libraries' own differ a little from version to version. Each row is a result of libpq's. */
static const struct {
    const char *target;
    double n_max;
} reads[] = {
    {"/healthz", 28},
    {"/api/v1/services", 40},
    {"/api/v1/traces/1", 79},
    {"/api/v1/traces/1/similar?since=1h&limit=10", 134},
    {"/api/v1/errors?since=1h&limit=20", 121},
    {"/api/v1/logs?since=1h&limit=20&q=accepted", 129},
};
static const double n_max_of_export = 64;

static struct server server;
static struct preload_allocations *counted;
static struct buf request;
static int connection;
static unsigned n_made;

/* --- the service, and what it has counted */

static void start(void)
{
    static char fd_setting[SETTING_MAX_BYTES];
    static const char *const settings[] = {"LD_PRELOAD=" PRELOAD_LIBRARY, fd_setting, "TRACEKIN_READ_WORKERS=1",
                                           "TRACEKIN_SEARCH_WORKERS=1", "TRACEKIN_INGEST_WORKERS=1", "TRACEKIN_WRITER_THREADS=1",
                                           "TRACEKIN_ASSEMBLER_QUIET=100ms", NULL};
    const int fd = memfd_create("allocations", 0);
    ck_assert(fd >= 0 && ftruncate(fd, sizeof *counted) == 0);
    counted = mmap(NULL, sizeof *counted, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ck_assert_ptr_ne(counted, MAP_FAILED);
    (void)snprintf(fd_setting, sizeof fd_setting, PRELOAD_ALLOCATIONS_FD "=%d", fd);
    server_start(&server, database_url(), settings);
    connection = http_connect(&server);
    buf_init(&request, REQUEST_MAX_BYTES);
}

static void end(void)
{
    buf_close(&request);
    server_kill(&server);
}

/* Those of libmicrohttpd, of the lanes, and the writer's, which has the name of the process. */
static bool answers_requests(int tid)
{
    char path[PATH_MAX_BYTES], name[NAME_MAX_BYTES] = "";
    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/comm", (int)server.pid, tid);
    FILE *const file = fopen(path, "re");
    if (file == NULL)
        return false;
    (void)fgets(name, sizeof name, file);
    (void)fclose(file);
    const struct str is = str_trim(str_of(name));
    return str_starts_with(is, STR("MHD-")) || str_starts_with(is, STR("tk-")) || str_equal(is, STR("tracekin"));
}

static uint64_t n_calls(void)
{
    uint64_t sum = 0;
    const unsigned n_threads = atomic_load(&counted->n_threads);
    ck_assert_uint_lt(n_threads, PRELOAD_THREADS_MAX);
    for (unsigned i = 0; i < n_threads; i++)
        if (answers_requests(atomic_load(&counted->threads[i].tid)))
            sum += atomic_load(&counted->threads[i].n_calls);
    return sum;
}

/* --- requests */

static void make_get(const char *target)
{
    buf_clear(&request);
    buf_printf(&request, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", target);
    buf_putc(&request, '\0');
}

static void make_post(const char *target, struct str json)
{
    buf_clear(&request);
    buf_printf(&request, "POST %s HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", target, json.len);
    buf_puts(&request, json);
    buf_putc(&request, '\0');
}

static void send_request(void)
{
    struct http_reply reply;
    ck_assert(buf_is_ok(&request));
    http_write(connection, request.data);
    ck_assert_msg(http_read(connection, HTTP_TIMEOUT_MS, false, &reply), "no answer to %.100s", request.data);
    ck_assert_msg(reply.status == 200, "%d of %.100s: %s", reply.status, request.data, reply.body);
    http_reply_close(&reply);
}

/* Each span is called by the one before; the last of a trace fails. */
static void put_span(struct buf *out, unsigned i, int64_t now_ns)
{
    const unsigned place = i % SPANS_OF_TRACE;
    buf_printf(out, "%s{\"traceId\":\"%032x\",\"spanId\":\"%016x\",", i % N_ITEMS == 0 ? "" : ",", i / SPANS_OF_TRACE + 1, i + 1);
    if (place > 0)
        buf_printf(out, "\"parentSpanId\":\"%016x\",", i);
    buf_printf(out,
               "\"name\":\"GET /items/%u\",\"kind\":2,\"startTimeUnixNano\":\"%lld\",\"endTimeUnixNano\":\"%lld\",\"attributes\":"
               "[{\"key\":\"http.route\",\"value\":{\"stringValue\":\"/items/{id}\"}},{\"key\":\"http.status\",\"value\":"
               "{\"intValue\":\"200\"}}],\"status\":%s}",
               place, (long long)now_ns, (long long)now_ns + i, place + 1 == SPANS_OF_TRACE ? "{\"code\":2,\"message\":\"boom\"}" : "{}");
}

static void put_log(struct buf *out, unsigned i, int64_t now_ns)
{
    buf_printf(out,
               "%s{\"timeUnixNano\":\"%lld\",\"severityNumber\":9,\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"body\":"
               "{\"stringValue\":\"payment accepted for order %u\"}}",
               i % N_ITEMS == 0 ? "" : ",", (long long)now_ns + i, i / SPANS_OF_TRACE + 1, i + 1, i);
}

/* Makes a request of the next hundred, in names of OTLP/JSON: "resourceSpans", "scopeSpans", "spans". */
static void make_export(const char *target, const char *resources, const char *scopes, const char *items,
                        void (*put)(struct buf *out, unsigned i, int64_t now_ns))
{
    AUTO(buf) struct buf json;
    buf_init(&json, REQUEST_MAX_BYTES);
    buf_printf(&json,
               "{\"%s\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"shop\"}}]},\"%s\":"
               "[{\"scope\":{\"name\":\"tests\"},\"%s\":[",
               resources, scopes, items);
    for (unsigned i = 0; i < N_ITEMS; i++)
        put(&json, n_made + i, clock_wall_ns());
    BUF_LITERAL(&json, "]}]}]}");
    make_post(target, buf_str(&json));
}

static void make_traces(void)
{
    make_export("/v1/traces", "resourceSpans", "scopeSpans", "spans", put_span);
    n_made += N_ITEMS;
}

static void await_assembled(void)
{
    const int64_t until = clock_mono_ns() + ASSEMBLED_MS * NS_PER_MS;
    while (database_number(database_url(), "SELECT count(*) FROM trace_arrivals") > 0) {
        ck_assert_msg(clock_mono_ns() < until, "the traces are not assembled");
        (void)nanosleep(&(struct timespec){.tv_nsec = 20 * NS_PER_MS}, NULL);
    }
}

/* --- ceilings */

/* Calls of one request, made anew each time when make is not NULL. */
static double measure(void (*make)(void))
{
    uint64_t least = UINT64_MAX;
    for (int round = -1; round < N_ROUNDS; round++) {
        const uint64_t before = n_calls();
        for (int i = 0; i < (round < 0 ? N_WARM_UP : N_OF_ROUND); i++) {
            if (make != NULL)
                make();
            send_request();
        }
        const uint64_t n = n_calls() - before;
        if (round >= 0 && n < least)
            least = n;
    }
    return (double)least / N_OF_ROUND;
}

static void expect_at_most(const char *what, double n, double n_max)
{
    printf("%-50s %6.1f allocations a request, at most %.0f\n", what, n, n_max);
    ck_assert_msg(n >= 1, "nothing is counted of %s", what);
    ck_assert_msg(n <= n_max, "%s asks for memory %.1f times, not %.0f", what, n, n_max);
}

START_TEST(reads_ask_for_memory_no_more_often)
{
    make_export("/v1/logs", "resourceLogs", "scopeLogs", "logRecords", put_log);
    send_request();
    make_traces();
    send_request();
    await_assembled();
    for (size_t i = 0; i < ARRAY_LEN(reads); i++) {
        make_get(reads[i].target);
        expect_at_most(reads[i].target, measure(NULL), reads[i].n_max);
    }
}
END_TEST

START_TEST(exports_ask_for_memory_no_more_often)
{
    expect_at_most("/v1/traces of 100 spans", measure(make_traces), n_max_of_export);
}
END_TEST

static TCase *tcase_allocations(void)
{
    TCase *const tc = tcase_create("allocations");
    tcase_add_checked_fixture(tc, start, end);
    tcase_add_test(tc, reads_ask_for_memory_no_more_often);
    tcase_add_test(tc, exports_ask_for_memory_no_more_often);
    return tc;
}

DATABASE_MAIN("allocations", tcase_allocations)
