#include "bench/store/world.h"

#include <math.h>

#include "bench/store/random.h"
#include "core/hash.h"

#define HTTP(method, route) \
    {method " " route, SERVER, "\"http.request.method\": \"" method "\", \"http.route\": \"" route "\""}
#define RPC(name) {name, SERVER, "\"rpc.system\": \"grpc\", \"rpc.method\": \"" name "\""}
#define SQL(verb, table) {verb " " table, CLIENT, "\"db.system\": \"postgresql\", \"db.operation.name\": \"" verb "\""}

enum { SERVER = 2, CLIENT = 3, N_HTTP = 20, N_RPC = 15, SYLLABLES = 40, SYLLABLES_MAX = 4 };

const struct world_operation world_operations[WORLD_OPERATIONS] = {
    HTTP("GET", "/products"), HTTP("GET", "/products/{id}"), HTTP("GET", "/search"), HTTP("GET", "/cart"), HTTP("POST", "/cart"),
    HTTP("DELETE", "/cart/{item}"), HTTP("POST", "/checkout"), HTTP("GET", "/orders"), HTTP("GET", "/orders/{id}"),
    HTTP("POST", "/orders/{id}/cancel"), HTTP("GET", "/account"), HTTP("PUT", "/account"), HTTP("POST", "/login"),
    HTTP("POST", "/logout"), HTTP("GET", "/reviews/{id}"), HTTP("POST", "/reviews"), HTTP("GET", "/invoices/{id}"),
    HTTP("GET", "/shipments/{id}"), HTTP("POST", "/returns"), HTTP("GET", "/recommendations"),
    RPC("PlaceOrder"), RPC("Charge"), RPC("Refund"), RPC("Reserve"), RPC("Release"), RPC("Quote"), RPC("Ship"), RPC("Track"),
    RPC("Authenticate"), RPC("LoadProfile"), RPC("RankItems"), RPC("ScoreFraud"), RPC("RenderInvoice"), RPC("SendMail"),
    RPC("RedeemPoints"),
    SQL("SELECT", "products"), SQL("SELECT", "orders"), SQL("INSERT", "orders"), SQL("UPDATE", "orders"), SQL("SELECT", "accounts"),
    SQL("UPDATE", "accounts"), SQL("SELECT", "stock"), SQL("UPDATE", "stock"), SQL("INSERT", "payments"), SQL("SELECT", "payments"),
    SQL("SELECT", "sessions"), SQL("INSERT", "sessions"), SQL("DELETE", "sessions"), SQL("INSERT", "reviews"),
    SQL("SELECT", "reviews"),
};

static const char *const services[WORLD_SERVICES] = {
    "storefront", "gateway", "catalog", "search", "cart", "orders", "payments", "pricing", "inventory", "warehouse",
    "shipping", "accounts", "sessions", "mailer", "reviews", "recommendations", "invoices", "fraud", "loyalty", "exports",
};

/* Eight kinds of errors about five things. */
static const struct {
    const char *type, *before, *after;
} faults[] = {
    {"DatabaseTimeout", "timeout after 3000 ms waiting for table ", ""},
    {"ConnectionRefused", "connection refused by ", ": no route to host"},
    {"NotFound", "no such entry in ", ""},
    {"Conflict", "", " were changed by another transaction, giving up"},
    {"PermissionDenied", "the caller may not read ", " of this account"},
    {"QuotaExceeded", "quota of ", " exceeded, retry after 30 s"},
    {"InvalidArgument", "malformed identifier in ", ": expected a number"},
    {"OutOfMemory", "cannot allocate a buffer for ", ""},
};
static const char *const things[] = {"orders", "payments", "products", "sessions", "shipments"};

static const struct {
    const char *name, *unit, *description;
    enum db_metric_kind kind;
    uint8_t temporality;
    bool is_monotonic;
} metrics[WORLD_METRICS] = {
    {"http.server.request.duration", "ms", "Time to answer a request.", DB_METRIC_HISTOGRAM, 2, false},
    {"http.server.requests", "{request}", "Requests answered.", DB_METRIC_SUM, 2, true},
    {"process.memory.usage", "By", "Memory in use.", DB_METRIC_GAUGE, 0, false},
    {"queue.depth", "{message}", "Messages that wait.", DB_METRIC_GAUGE, 0, false},
    {"db.client.connections.usage", "{connection}", "Connections in use.", DB_METRIC_SUM, 2, false},
};

static bool make_resources(struct world *w, struct arena *arena)
{
    bool is_ok = true;
    for (unsigned i = 0; i < WORLD_SERVICES; i++) {
        struct db_resource *const r = &w->resources[i];
        r->service = str_of(services[i]);
        r->attributes = arena_printf(arena, "{\"service.name\": \"%s\", \"service.version\": \"1.%u.0\", \"host.name\": \"%s-1\","
                                     " \"deployment.environment.name\": \"production\"}", services[i], i, services[i]);
        r->schema_url = STR("");
        r->resource_id = (int64_t)hash64(r->attributes, 0);
        is_ok = is_ok && r->attributes.ptr != NULL;
    }
    w->scopes[0] = (struct db_scope){.name = STR("tracekin.store"), .version = STR("1"), .attributes = STR("{}"),
                                     .schema_url = STR(""), .scope_id = (int64_t)hash64(STR("tracekin.store"), 0)};
    return is_ok;
}

static bool make_errors(struct world *w, struct arena *arena)
{
    bool is_ok = true;
    for (size_t i = 0; i < WORLD_ERRORS; i++) {
        const size_t fault = i % ARRAY_LEN(faults);
        const char *const thing = things[i / ARRAY_LEN(faults)];
        w->errors[i] = (struct world_error){str_of(faults[fault].type),
                                            arena_printf(arena, "%s%s%s", faults[fault].before, thing, faults[fault].after)};
        is_ok = is_ok && w->errors[i].message.ptr != NULL;
    }
    return is_ok;
}

static void make_metrics(struct world *w)
{
    for (size_t i = 0; i < WORLD_METRICS; i++)
        w->metrics[i] = (struct db_metric){
            .metric_id = (int64_t)hash64(str_of(metrics[i].name), 0),
            .name = str_of(metrics[i].name),
            .unit = str_of(metrics[i].unit),
            .description = str_of(metrics[i].description),
            .kind = metrics[i].kind,
            .temporality = metrics[i].temporality,
            .is_monotonic = metrics[i].is_monotonic,
        };
}

/* Requests come in by HTTP, go on to other services by RPC, and each may ask a database. */
static void make_shape(struct world_shape *s, unsigned number, uint64_t *state)
{
    s->n_calls = 2 + (int)random_below(state, WORLD_SPANS_MAX - 1);
    s->calls[0] = (struct world_call){-1, number % WORLD_SERVICES, number % N_HTTP};
    for (int i = 1; i < s->n_calls; i++) {
        const int parent = (int)random_below(state, (unsigned)i);
        const bool is_rpc = random_below(state, 2) == 0 && s->calls[parent].operation < N_HTTP + N_RPC;
        s->calls[i] = is_rpc ? (struct world_call){parent, random_below(state, WORLD_SERVICES), N_HTTP + random_below(state, N_RPC)}
                             : (struct world_call){parent, s->calls[parent].service,
                                                   N_HTTP + N_RPC + random_below(state, WORLD_OPERATIONS - N_HTTP - N_RPC)};
    }
    for (unsigned i = 0; i < WORLD_ERRORS_OF_SHAPE; i++)
        s->errors[i] = (number * WORLD_ERRORS_OF_SHAPE + i) % WORLD_ERRORS;
}

bool world_init(struct world *w, uint64_t seed, struct arena *arena)
{
    uint64_t state = seed;
    make_metrics(w);
    for (unsigned i = 0; i < WORLD_SHAPES; i++)
        make_shape(&w->shapes[i], i, &state);
    return make_resources(w, arena) && make_errors(w, arena);
}

/* Its number, in digits that can be spoken. */
struct str world_word(unsigned n, char room[16])
{
    static const char syllables[SYLLABLES][4] = {
        "ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "qui", "ro", "su", "ta", "ve", "wi", "xo", "zu",
        "bra", "cle", "dri", "flo", "gru", "pla", "sme", "tri", "sto", "blu", "can", "den", "fin", "gor", "hul", "lam", "men",
        "nil", "por", "tus"};
    size_t len = 0;
    for (unsigned left = n + SYLLABLES; left > 0; left /= SYLLABLES) {
        const struct str s = str_of(syllables[left % SYLLABLES]);
        memcpy(room + len, s.ptr, s.len);
        len += s.len;
    }
    return (struct str){room, len};
}

struct str world_word_any(uint64_t *state, char room[16])
{
    return world_word((unsigned)exp(random_uniform(state) * log(WORLD_WORDS)) - 1, room);
}
