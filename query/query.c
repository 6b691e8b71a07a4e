/* The extension: configuration, the server and its threads, and what every request has in common.
 *
 * The server has THREADS threads, and there are as many store readers, so a request never waits for
 * one while it holds a thread, and at most that many searches run at a time. The store's writer is
 * never waited for. */
#include "query/query.h"

#include "component/clock.h"
#include "component/config.h"
#include "component/telemetry.h"
#include "metrics/history.h"
#include "query/router.h"
#include "storage/sqlite_exporter.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    THREADS = 4,
    CONNECTIONS = 256,
    BODY_LIMIT = 16 << 20,       /* of POST /api/transform */
    MEMORY_LIMIT = 256 << 20,    /* for the model of one trace: some 300,000 spans */
    REPLY_LIMIT = 256 << 20,     /* bytes of JSON */
    REPLIES_IN_ALL = 512 << 20,  /* that are on their way, and bodies too */
    CALL_MEMORY_LIMIT = 4 << 20, /* for what a request's parameters are taken apart into */
};

struct settings {
    const char *endpoint;
    const char *store;
    const char *metrics;
    struct tls_server_settings tls;
    bool tls_present;
    int64_t max_limit;
    int64_t timeout_ns;
    int erase;
    struct {
        struct config_strings allowed_origins;
    } cors;
};

struct query {
    struct component base;
    struct settings settings;
    struct call_limits limits;
    struct component *exporter;
    struct http_server *server;
    struct counter *answered[3]; /* 2xx, 4xx, 5xx */

    pthread_mutex_t lock; /* guards the readers that are free */
    struct store_reader *readers[THREADS];
    unsigned free_readers;
};

static const struct config_field cors_fields[] = {
    {.key = "allowed_origins",
     .type = FIELD_STRINGS,
     .offset = offsetof(struct settings, cors.allowed_origins) - offsetof(struct settings, cors)},
    CONFIG_END,
};

/* In the order of enum erase_access. */
static const char *const erase_choices[] = {"local", "always", "never", NULL};

static const struct config_field fields[] = {
    {.key = "endpoint",
     .type = FIELD_STRING,
     .offset = offsetof(struct settings, endpoint),
     .fallback = "localhost:16686"},
    {.key = "store",
     .type = FIELD_STRING,
     .offset = offsetof(struct settings, store),
     .fallback = "sqlite"},
    {.key = "metrics", .type = FIELD_STRING, .offset = offsetof(struct settings, metrics)},
    {.key = "tls",
     .type = FIELD_SECTION,
     .offset = offsetof(struct settings, tls),
     .section = tls_server_fields,
     .present = offsetof(struct settings, tls_present)},
    {.key = "max_limit",
     .type = FIELD_INT,
     .offset = offsetof(struct settings, max_limit),
     .fallback = "1500",
     .min = 1,
     .max = 100000},
    {.key = "timeout",
     .type = FIELD_DURATION,
     .offset = offsetof(struct settings, timeout_ns),
     .fallback = "10s"},
    {.key = "erase",
     .type = FIELD_CHOICE,
     .offset = offsetof(struct settings, erase),
     .fallback = "local",
     .choices = erase_choices},
    {.key = "cors",
     .type = FIELD_SECTION,
     .offset = offsetof(struct settings, cors),
     .section = cors_fields},
    CONFIG_END,
};

/* Readers. */

static struct store_reader *take_reader(struct query *q)
{
    pthread_mutex_lock(&q->lock);
    struct store_reader *r = q->free_readers ? q->readers[--q->free_readers] : NULL;
    pthread_mutex_unlock(&q->lock);
    return r;
}

static void give_reader(struct query *q, struct store_reader *r)
{
    pthread_mutex_lock(&q->lock);
    q->readers[q->free_readers++] = r;
    pthread_mutex_unlock(&q->lock);
}

static void close_readers(struct query *q)
{
    while (q->free_readers)
        store_reader_close(q->readers[--q->free_readers]);
}

static bool open_readers(struct query *q, struct error *e)
{
    struct store *s = sqlite_exporter_store(q->exporter);
    while (s && q->free_readers < THREADS) {
        struct store_reader *r = store_reader_open(s);
        if (!r)
            break;
        q->readers[q->free_readers++] = r;
    }
    if (q->free_readers == THREADS)
        return true;
    close_readers(q);
    return error_set(e, "%s: the store of exporter %s cannot be read", q->base.id,
                     q->settings.store);
}

/* Requests. */

/* The origin itself when it is allowed; NULL when not, or when it is no browser that asks. */
static const char *allowed_origin(const struct query *q, const struct http_request *rq)
{
    const struct config_strings *allowed = &q->settings.cors.allowed_origins;
    const char *origin = allowed->count ? http_header(rq, "Origin") : NULL;
    for (size_t i = 0; origin && i < allowed->count; i++)
        if (strcmp(allowed->items[i], "*") == 0 || strcmp(allowed->items[i], origin) == 0)
            return origin;
    return NULL;
}

static void allow_origin(const struct query *q, const struct http_request *rq,
                         struct http_reply *reply)
{
    if (q->settings.cors.allowed_origins.count)
        http_reply_header(reply, "Vary", "Origin");
    const char *origin = allowed_origin(q, rq);
    if (!origin)
        return;
    http_reply_header(reply, "Access-Control-Allow-Origin", origin);
    if (strcmp(rq->method, "OPTIONS") == 0) {
        http_reply_header(reply, "Access-Control-Allow-Methods", "GET, HEAD, POST, OPTIONS");
        http_reply_header(reply, "Access-Control-Allow-Headers", "Content-Type, Accept");
        http_reply_header(reply, "Access-Control-Max-Age", "7200");
    }
}

static void run(struct query *q, const struct route *route, struct call *c)
{
    c->limits = &q->limits;
    c->arena.limit = CALL_MEMORY_LIMIT;
    c->deadline_ns = monotonic_ns() + q->limits.timeout_ns;
    c->reader = take_reader(q);
    if (c->reader) {
        route->handle(c);
        give_reader(q, c->reader);
    } else {
        http_reply_text(c->reply, 503, "all readers of the store are busy; try again");
        http_reply_header(c->reply, "Retry-After", "1");
    }
    arena_free(&c->arena);
}

static void refuse(const struct http_request *rq, struct http_reply *reply, const char *allowed)
{
    if (!allowed) {
        http_reply_text(reply, 404, "404 page not found");
        return;
    }
    http_reply_header(reply, "Allow", allowed);
    if (strcmp(rq->method, "OPTIONS") == 0)
        reply->status = 204;
    else
        http_reply_text(reply, 405, "method not allowed");
}

static void handle(void *context, const struct http_request *rq, struct http_reply *reply)
{
    struct query *q = context;
    struct call *c = calloc(1, sizeof *c);
    if (!c) {
        http_reply_text(reply, 500, "out of memory");
        return;
    }
    const char *allowed;
    const struct route *route = router_find(routes, rq->method, rq->path, c->parameter, &allowed);
    c->http = rq;
    c->reply = reply;
    if (route)
        run(q, route, c);
    else
        refuse(rq, reply, allowed);
    free(c);
    allow_origin(q, rq, reply);
    unsigned status = reply->status ? reply->status : 200;
    counter_add(q->answered[status >= 500 ? 2 : status >= 400 ? 1 : 0], 1);
}

/* The component's life. */

static bool query_start(struct component *c, struct error *e)
{
    struct query *q = (struct query *)c;
    if (!open_readers(q, e))
        return false;
    q->limits.store = sqlite_exporter_store(q->exporter);
    struct http_server_options o = {
        .endpoint = q->settings.endpoint,
        .name = c->id,
        .threads = THREADS,
        .connections = CONNECTIONS,
        .body_limit = BODY_LIMIT,
        .memory = REPLIES_IN_ALL,
        .tls = q->settings.tls_present ? &q->settings.tls : NULL,
        .handle = handle,
        .context = q,
    };
    q->server = http_server_start(&o, e);
    if (!q->server) {
        close_readers(q);
        return false;
    }
    component_set_ok(c);
    return true;
}

static void query_stop(struct component *c)
{
    struct query *q = (struct query *)c;
    if (q->server)
        http_server_stop(q->server);
    q->server = NULL;
    close_readers(q);
}

static void query_destroy(struct component *c)
{
    struct query *q = (struct query *)c;
    pthread_mutex_destroy(&q->lock);
    free(q);
}

static const struct component_ops ops = {
    .start = query_start,
    .stop = query_stop,
    .destroy = query_destroy,
};

uint16_t query_port(const struct component *c)
{
    assert(c->kind == &query_extension);
    return http_server_port(((const struct query *)c)->server);
}

static const struct config_value *place_of(const struct config_value *config, const char *key)
{
    const struct config_value *child =
        config->type == CONFIG_MAP ? config_child(config, key) : NULL;
    return child ? child : config;
}

/* Of the span_metrics connector that `metrics` names. */
static struct history *find_history(const struct component_spec *spec, const char *id,
                                    struct error *e)
{
    const struct config_value *place = place_of(spec->config, "metrics");
    struct component *connector =
        spec->find ? spec->find(spec->find_context, COMPONENT_CONNECTOR, id) : NULL;
    struct error why = {{0}};
    struct history *history = connector ? span_metrics_history(connector, &why) : NULL;
    if (!connector)
        config_error(place, e, "%s is no connector of a pipeline; `metrics` names a span_metrics",
                     id);
    else if (!history)
        config_error(place, e, "%s", why.text);
    return history;
}

static bool configure(struct query *q, const struct component_spec *spec, struct error *e)
{
    struct settings *s = &q->settings;
    if (!config_read(spec->config, fields, s, e))
        return false;
    if (s->timeout_ns == 0)
        return config_error(place_of(spec->config, "timeout"), e,
                            "it has to be more than 0: no search would ever end in time");
    q->exporter = spec->find ? spec->find(spec->find_context, COMPONENT_EXPORTER, s->store) : NULL;
    if (!q->exporter || q->exporter->kind != &sqlite_exporter)
        return config_error(place_of(spec->config, "store"), e,
                            "%s is no sqlite exporter of a pipeline; `store` has to name one, "
                            "because it holds the traces that are asked for",
                            s->store);
    struct history *history = NULL;
    if (s->metrics && !(history = find_history(spec, s->metrics, e)))
        return false;
    q->limits = (struct call_limits){
        .history = history,
        .traces = (uint32_t)s->max_limit,
        .timeout_ns = (uint64_t)s->timeout_ns,
        .memory = MEMORY_LIMIT,
        .reply = REPLY_LIMIT,
        .erase = (enum erase_access)s->erase,
    };
    return true;
}

static struct component *query_create(const struct component_spec *spec, struct error *e)
{
    static const char *const classes[] = {"2xx", "4xx", "5xx"};
    struct query *q = calloc(1, sizeof *q);
    if (!q) {
        error_set(e, "out of memory");
        return NULL;
    }
    if (!configure(q, spec, e)) {
        free(q);
        return NULL;
    }
    component_init(&q->base, spec, &ops);
    pthread_mutex_init(&q->lock, NULL);
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        q->answered[i] = telemetry_counter(spec->telemetry, "tailspan_query_requests",
                                           "Requests to the query API, by status.",
                                           LABELS({"extension", spec->id}, {"status", classes[i]}));
    return &q->base;
}

const struct component_kind query_extension = {
    .type = "query",
    .class = COMPONENT_EXTENSION,
    .summary = "HTTP API over a sqlite exporter's traces: Jaeger's v1 and v3, and Tailspan's own",
    .create = query_create,
};
