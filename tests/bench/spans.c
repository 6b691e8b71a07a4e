/* Writing the requests. Every message is written into a buffer of its own and then copied, framed,
 * into its parent's, because none of this is timed. Places are noted relative to the innermost
 * message and moved along as it is framed. */
#include "tests/bench/spans.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SERVICES = 4,
    SCOPES = 3,   /* of every service: HTTP, SQL, Kafka */
    PATTERN = 12, /* spans, after which a longer trace repeats itself */
};

enum span_sort { HTTP_SERVER, HTTP_CLIENT, SQL, PRODUCER, CONSUMER };

/* One span of a trace: what it is, in which service, and the distance to its parent. */
static const struct {
    enum span_sort sort;
    uint8_t service;
    uint8_t parent; /* spans back */
} pattern[PATTERN] = {
    {HTTP_SERVER, 0, 0}, {HTTP_CLIENT, 0, 1}, {HTTP_SERVER, 1, 1}, {SQL, 1, 1},
    {HTTP_CLIENT, 1, 2}, {HTTP_SERVER, 2, 1}, {SQL, 2, 1},         {PRODUCER, 2, 2},
    {CONSUMER, 3, 1},    {SQL, 3, 1},         {HTTP_CLIENT, 3, 2}, {HTTP_SERVER, 0, 1},
};

static const uint8_t scope_of_sort[] = {
    [HTTP_SERVER] = 0, [HTTP_CLIENT] = 0, [SQL] = 1, [PRODUCER] = 2, [CONSUMER] = 2,
};
static const uint8_t kind_of_sort[] = {
    [HTTP_SERVER] = 2, [HTTP_CLIENT] = 3, [SQL] = 3, [PRODUCER] = 4, [CONSUMER] = 5,
};
static const char *const services[SERVICES] = {"frontend", "checkout", "inventory", "shipping"};
static const char *const scopes[SCOPES] = {
    "io.opentelemetry.netty-4.1",
    "io.opentelemetry.jdbc",
    "io.opentelemetry.kafka-clients-2.6",
};

struct writer {
    uint8_t *data;
    size_t len;
    size_t capacity;
};

static void put(struct writer *w, const void *data, size_t len)
{
    if (w->len + len > w->capacity) {
        w->capacity = (w->len + len) * 2;
        w->data = realloc(w->data, w->capacity);
        if (!w->data)
            abort();
    }
    memcpy(w->data + w->len, data, len);
    w->len += len;
}

static void put_varint(struct writer *w, uint64_t v)
{
    uint8_t out[10];
    size_t n = 0;
    while (v >= 0x80) {
        out[n++] = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    out[n++] = (uint8_t)v;
    put(w, out, n);
}

static void put_number(struct writer *w, unsigned field, uint64_t v)
{
    put_varint(w, field << 3);
    put_varint(w, v);
}

static void put_fixed64(struct writer *w, unsigned field)
{
    put_varint(w, field << 3 | 1);
    put(w, (uint8_t[8]){0}, 8);
}

static void put_bytes(struct writer *w, unsigned field, const void *data, size_t len)
{
    put_varint(w, field << 3 | 2);
    put_varint(w, len);
    put(w, data, len);
}

static void put_message(struct writer *w, unsigned field, struct writer *message)
{
    put_bytes(w, field, message->data, message->len);
    message->len = 0;
}

static void put_attribute(struct writer *w, unsigned field, const char *key,
                          const struct writer *value)
{
    struct writer pair = {0};
    put_bytes(&pair, 1, key, strlen(key));
    put_bytes(&pair, 2, value->data, value->len);
    put_message(w, field, &pair);
    free(pair.data);
}

static void put_text(struct writer *w, unsigned field, const char *key, const char *string)
{
    struct writer value = {0};
    put_bytes(&value, 1, string, strlen(string));
    put_attribute(w, field, key, &value);
    free(value.data);
}

/* The same with a format and its arguments. */
#define TEXT(w, field, key, ...)                                                                   \
    do {                                                                                           \
        char string_[512];                                                                         \
        snprintf(string_, sizeof string_, __VA_ARGS__);                                            \
        put_text((w), (field), (key), string_);                                                    \
    } while (0)

static void number(struct writer *w, unsigned field, const char *key, uint64_t v)
{
    struct writer value = {0};
    put_number(&value, 3, v);
    put_attribute(w, field, key, &value);
    free(value.data);
}

static const char *pick(struct random *r, const char *const *of, uint32_t count)
{
    return of[random_below(r, count)];
}

#define PICK(r, ...)                                                                               \
    pick(r, (const char *const[]){__VA_ARGS__},                                                    \
         sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

enum { SPAN_ATTRIBUTES = 9, RESOURCE_ATTRIBUTES = 1 };

static void write_thread(struct writer *w, struct random *r)
{
    uint32_t id = 20 + random_below(r, 60);
    number(w, SPAN_ATTRIBUTES, "thread.id", id);
    TEXT(w, SPAN_ATTRIBUTES, "thread.name", "worker-%" PRIu32, id - 20);
}

static void write_http(struct writer *w, struct random *r, bool server)
{
    enum { A = SPAN_ATTRIBUTES };
    const char *method = PICK(r, "GET", "GET", "GET", "POST", "PUT");
    const char *noun = PICK(r, "products", "carts", "orders", "customers", "shipments");
    uint32_t id = random_below(r, 1000000);
    char name[64];
    snprintf(name, sizeof name, "%s /api/v1/%s/{id}", method, noun);
    put_bytes(w, 5, name, strlen(name));
    TEXT(w, A, "http.request.method", "%s", method);
    number(w, A, "http.response.status_code", random_below(r, 50) ? 200 : 503);
    TEXT(w, A, "network.protocol.version", "1.1");
    TEXT(w, A, "network.peer.address", "10.42.%" PRIu32 ".%" PRIu32, random_below(r, 16),
         random_below(r, 255));
    number(w, A, "network.peer.port", 32768 + random_below(r, 28000));
    TEXT(w, A, "server.address", "%s.shop.svc.cluster.local", noun);
    number(w, A, "server.port", 8080);
    if (server) {
        TEXT(w, A, "http.route", "/api/v1/%s/{id}", noun);
        TEXT(w, A, "url.scheme", "http");
        TEXT(w, A, "url.path", "/api/v1/%s/%" PRIu32, noun, id);
        TEXT(w, A, "client.address", "192.168.%" PRIu32 ".%" PRIu32, random_below(r, 255),
             random_below(r, 255));
        TEXT(w, A, "user_agent.original", "%s",
             PICK(r, "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
                  "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15",
                  "okhttp/4.12.0", "Apache-HttpClient/5.3.1 (Java/21.0.3)"));
    } else {
        TEXT(w, A, "url.full", "http://%s.shop.svc.cluster.local:8080/api/v1/%s/%" PRIu32, noun,
             noun, id);
        TEXT(w, A, "http.request.header.x-request-id", "%016" PRIx64 "%08" PRIx32, random_next(r),
             (uint32_t)random_next(r));
    }
    write_thread(w, r);
}

static void write_sql(struct writer *w, struct random *r)
{
    enum { A = SPAN_ATTRIBUTES };
    const char *table = PICK(r, "product", "cart", "order_line", "customer", "shipment");
    const char *operation = PICK(r, "SELECT", "SELECT", "SELECT", "INSERT", "UPDATE");
    char name[64];
    snprintf(name, sizeof name, "%s shop.%s", operation, table);
    put_bytes(w, 5, name, strlen(name));
    TEXT(w, A, "db.system.name", "postgresql");
    TEXT(w, A, "db.namespace", "shop");
    TEXT(w, A, "db.operation.name", "%s", operation);
    TEXT(w, A, "db.collection.name", "%s", table);
    if (*operation == 'S')
        TEXT(w, A, "db.query.text",
             "SELECT id, sku, amount, currency, created_at, updated_at FROM %s WHERE id = ? AND "
             "tenant = ? ORDER BY created_at DESC LIMIT %" PRIu32,
             table, 10 + random_below(r, 90));
    else
        TEXT(w, A, "db.query.text",
             "%s %s (id, sku, amount, currency, created_at) VALUES (?, ?, ?, ?, ?) RETURNING id",
             operation, table);
    TEXT(w, A, "server.address", "pg-%" PRIu32 ".shop.svc.cluster.local", random_below(r, 3));
    number(w, A, "server.port", 5432);
    TEXT(w, A, "network.peer.address", "10.43.0.%" PRIu32, random_below(r, 255));
    number(w, A, "db.response.returned_rows", random_below(r, 200));
    write_thread(w, r);
}

static void write_kafka(struct writer *w, struct random *r, bool producer)
{
    enum { A = SPAN_ATTRIBUTES };
    const char *topic = PICK(r, "orders", "payments", "shipments", "stock-levels");
    const char *operation = producer ? "send" : "process";
    char name[64];
    snprintf(name, sizeof name, "%s %s", operation, topic);
    put_bytes(w, 5, name, strlen(name));
    TEXT(w, A, "messaging.system", "kafka");
    TEXT(w, A, "messaging.operation.name", "%s", operation);
    TEXT(w, A, "messaging.operation.type", "%s", operation);
    TEXT(w, A, "messaging.destination.name", "%s", topic);
    TEXT(w, A, "messaging.destination.partition.id", "%" PRIu32, random_below(r, 12));
    number(w, A, "messaging.kafka.offset", 1000000 + random_below(r, 90000000));
    TEXT(w, A, "messaging.kafka.message.key", "customer-%06" PRIu32, random_below(r, 1000000));
    TEXT(w, A, "messaging.client.id", "%s-%s-%" PRIu32, topic, operation, random_below(r, 4));
    number(w, A, "messaging.message.body.size", 200 + random_below(r, 3000));
    if (!producer)
        TEXT(w, A, "messaging.consumer.group.name", "%s-workers", topic);
    TEXT(w, A, "server.address", "kafka-%" PRIu32 ".kafka.svc.cluster.local", random_below(r, 3));
    number(w, A, "server.port", 9092);
    write_thread(w, r);
}

/* Writes the fields that are patched first, so that their places follow from the span's own. */
static void write_span(struct writer *w, struct random *r, enum span_sort sort, bool root,
                       struct span_place *at)
{
    put_bytes(w, 1, (uint8_t[16]){0}, 16);
    at->trace_id = (uint32_t)w->len - 16;
    put_bytes(w, 2, (uint8_t[8]){0}, 8);
    at->span_id = (uint32_t)w->len - 8;
    if (!root) {
        put_bytes(w, 4, (uint8_t[8]){0}, 8);
        at->parent_id = (uint32_t)w->len - 8;
    }
    put_fixed64(w, 7);
    at->start = (uint32_t)w->len - 8;
    put_fixed64(w, 8);
    at->end = (uint32_t)w->len - 8;
    put_number(w, 6, kind_of_sort[sort]);
    switch (sort) {
    case HTTP_SERVER:
    case HTTP_CLIENT:
        write_http(w, r, sort == HTTP_SERVER);
        break;
    case SQL:
        write_sql(w, r);
        break;
    case PRODUCER:
    case CONSUMER:
        write_kafka(w, r, sort == PRODUCER);
        break;
    }
    if (random_below(r, 50) == 0) {
        struct writer status = {0};
        put_number(&status, 3, 2);
        put_message(w, 15, &status);
        free(status.data);
    }
    put_varint(w, 16 << 3 | 5); /* flags */
    put(w, (uint8_t[4]){1}, 4);
}

static void write_resource(struct writer *w, struct random *r, uint32_t service)
{
    enum { A = RESOURCE_ATTRIBUTES };
    const char *name = services[service];
    TEXT(w, A, "service.name", "%s", name);
    TEXT(w, A, "service.namespace", "shop");
    TEXT(w, A, "service.version", "2.%" PRIu32 ".0", service + 3);
    TEXT(w, A, "service.instance.id", "%016" PRIx64, random_next(r));
    TEXT(w, A, "deployment.environment.name", "production");
    TEXT(w, A, "telemetry.sdk.name", "opentelemetry");
    TEXT(w, A, "telemetry.sdk.language", "java");
    TEXT(w, A, "telemetry.sdk.version", "1.43.0");
    TEXT(w, A, "k8s.pod.name", "%s-7c9d8b6f5-%05" PRIx32, name, random_below(r, 0xfffff));
    TEXT(w, A, "k8s.namespace.name", "shop");
    TEXT(w, A, "host.name", "node-%02" PRIu32, random_below(r, 30));
}

/* The part of `i` in its trace. */
static uint32_t part_of(const struct request_shape *shape, uint32_t i)
{
    return i % shape->spans_per_trace % PATTERN;
}

static bool is_root(const struct request_shape *shape, uint32_t i)
{
    return i % shape->spans_per_trace == 0;
}

static void plan(struct request *q, const struct request_shape *shape, struct random *r)
{
    for (uint32_t i = 0; i < shape->spans; i++) {
        struct span_place *at = &q->places[i];
        uint32_t back = pattern[part_of(shape, i)].parent;
        at->trace = i / shape->spans_per_trace;
        if (is_root(shape, i)) {
            at->length_us = 20000 + random_below(r, 80000);
            continue;
        }
        at->parent = i - (back ? back : 1);
        const struct span_place *parent = &q->places[at->parent];
        at->length_us = 1 + parent->length_us * (40 + random_below(r, 55)) / 100;
        at->start_us = parent->start_us + (parent->length_us + 1 - at->length_us) / 2;
    }
}

/* The spans of one scope; the places that write_span() noted are relative to the span's body. */
static void write_scope(struct request *q, struct writer *w, const struct request_shape *shape,
                        struct random *r, uint32_t service, uint32_t scope)
{
    struct writer span = {0}, head = {0};
    put_bytes(&head, 1, scopes[scope], strlen(scopes[scope]));
    put_bytes(&head, 2, "2.9.0-alpha", 11);
    put_message(w, 1, &head);
    for (uint32_t i = 0; i < shape->spans; i++) {
        uint32_t part = part_of(shape, i);
        if (pattern[part].service != service || scope_of_sort[pattern[part].sort] != scope)
            continue;
        struct span_place *at = &q->places[i];
        write_span(&span, r, pattern[part].sort, is_root(shape, i), at);
        size_t len = span.len;
        put_message(w, 2, &span);
        uint32_t body = (uint32_t)(w->len - len);
        at->trace_id += body;
        at->span_id += body;
        at->parent_id += at->parent_id ? body : 0;
        at->start += body;
        at->end += body;
    }
    free(span.data);
    free(head.data);
}

/* Moves the places of one service's (and scope's) spans to where their message came to lie. */
static void shift(struct request *q, const struct request_shape *shape, uint32_t service, int scope,
                  size_t by)
{
    for (uint32_t i = 0; i < shape->spans; i++) {
        uint32_t part = part_of(shape, i);
        if (pattern[part].service != service ||
            (scope >= 0 && scope_of_sort[pattern[part].sort] != scope))
            continue;
        struct span_place *at = &q->places[i];
        at->trace_id += (uint32_t)by;
        at->span_id += (uint32_t)by;
        at->parent_id += at->parent_id ? (uint32_t)by : 0;
        at->start += (uint32_t)by;
        at->end += (uint32_t)by;
    }
}

static bool has_spans(const struct request_shape *shape, uint32_t service, int scope)
{
    for (uint32_t i = 0; i < shape->spans; i++) {
        uint32_t part = part_of(shape, i);
        if (pattern[part].service == service &&
            (scope < 0 || scope_of_sort[pattern[part].sort] == scope))
            return true;
    }
    return false;
}

static void write_service(struct request *q, struct writer *w, const struct request_shape *shape,
                          struct random *r, uint32_t service)
{
    struct writer resource = {0}, spans = {0};
    write_resource(&resource, r, service);
    put_message(w, 1, &resource);
    for (uint32_t scope = 0; scope < SCOPES; scope++) {
        if (!has_spans(shape, service, (int)scope))
            continue;
        write_scope(q, &spans, shape, r, service, scope);
        size_t len = spans.len;
        put_message(w, 2, &spans);
        shift(q, shape, service, (int)scope, w->len - len);
    }
    free(resource.data);
    free(spans.data);
}

void request_build(struct request *q, const struct request_shape *shape, struct random *r)
{
    *q = (struct request){
        .spans = shape->spans,
        .traces = (shape->spans + shape->spans_per_trace - 1) / shape->spans_per_trace,
        .places = calloc(shape->spans, sizeof *q->places),
    };
    if (!q->places)
        abort();
    plan(q, shape, r);
    struct writer request = {0}, service = {0};
    for (uint32_t s = 0; s < SERVICES; s++) {
        if (!has_spans(shape, s, -1))
            continue;
        write_service(q, &service, shape, r, s);
        size_t len = service.len;
        put_message(&request, 1, &service);
        shift(q, shape, s, -1, request.len - len);
    }
    free(service.data);
    q->data = request.data;
    q->len = request.len;
}

void request_free(struct request *q)
{
    free(q->data);
    free(q->places);
}

static void patch64(struct request *q, uint32_t at, uint64_t v)
{
    memcpy(q->data + at, &v, sizeof v);
}

void request_refresh(struct request *q, struct random *r, uint64_t now_ns)
{
    uint64_t high = 0, low = 0;
    uint32_t trace = UINT32_MAX;
    for (uint32_t i = 0; i < q->spans; i++) {
        const struct span_place *at = &q->places[i];
        if (at->trace != trace) {
            trace = at->trace;
            high = random_next(r);
            low = random_next(r) | 1;
        }
        patch64(q, at->trace_id, high);
        patch64(q, at->trace_id + 8, low);
        patch64(q, at->span_id, random_next(r) | 1);
        if (at->parent_id)
            memcpy(q->data + at->parent_id, q->data + q->places[at->parent].span_id, 8);
        uint64_t start = now_ns - 100000000u + at->start_us * 1000ull;
        patch64(q, at->start, start);
        patch64(q, at->end, start + at->length_us * 1000ull);
    }
}
