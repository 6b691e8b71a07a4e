/* Stories are built of protobuf-c's messages, because nothing here is hot and they read well. All
 * of it lies in the story's arena, lists included, which double as they grow. */
#include "collector/demo/story.h"

#include "collector/demo/story_arena.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb-c.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceRequest Request;
typedef Opentelemetry__Proto__Trace__V1__ResourceSpans ResourceSpans;
typedef Opentelemetry__Proto__Trace__V1__ScopeSpans ScopeSpans;
typedef Opentelemetry__Proto__Trace__V1__Span Span;
typedef Opentelemetry__Proto__Trace__V1__Span__Event Event;
typedef Opentelemetry__Proto__Trace__V1__Span__Link Link;
typedef Opentelemetry__Proto__Trace__V1__Status Status;
typedef Opentelemetry__Proto__Resource__V1__Resource Resource;
typedef Opentelemetry__Proto__Common__V1__InstrumentationScope Scope;
typedef Opentelemetry__Proto__Common__V1__KeyValue KeyValue;
typedef Opentelemetry__Proto__Common__V1__KeyValueList KeyValueList;
typedef Opentelemetry__Proto__Common__V1__ArrayValue ArrayValue;
typedef Opentelemetry__Proto__Common__V1__AnyValue AnyValue;

#define VALUE(which) OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_##which

enum { TEXT_MAX = 2048 };

struct span {
    Span pb; /* first: lists of spans point here */
    struct story *story;
};

struct story {
    struct story_arena arena;
    uint64_t random;
    size_t spans;
    size_t traces;
    uint8_t first_trace[16];
    uint64_t last_us;
    struct {
        Span **spans;
        size_t count;
    } services[SERVICES];
};

static const struct {
    const char *name;
    const char *language;
    const char *scope;
    const char *version;
} services[SERVICES] = {
    [FRONTEND] = {"frontend", "nodejs", "@opentelemetry/instrumentation-http", "4.12.0"},
    [CHECKOUT] = {"checkout", "java", "io.opentelemetry.spring-webmvc-6.0", "2.7.1"},
    [CART] = {"cart", "dotnet", "Microsoft.AspNetCore", "1.9.0"},
    [PAYMENT] = {"payment", "go", "go.opentelemetry.io/contrib/net/http/otelhttp", "3.1.4"},
    [INVENTORY] = {"inventory", "java", "io.opentelemetry.jdbc", "5.0.2"},
    [SHIPPING_WORKER] = {"shipping-worker", "python",
                         "opentelemetry.instrumentation.confluent_kafka", "1.4.0"},
    [EMAIL_WORKER] = {"email-worker", "nodejs", "@opentelemetry/instrumentation-kafkajs", "0.9.3"},
};

const char *shop_service_name(enum service s)
{
    return services[s].name;
}

/* ---- chance ---- */

static uint64_t next_random(struct story *s)
{
    uint64_t z = (s->random += 0x9e3779b97f4a7c15u); /* SplitMix64 */
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint32_t story_chance(struct story *s, uint32_t below)
{
    return (uint32_t)(((next_random(s) >> 32) * below) >> 32);
}

uint64_t story_took(struct story *s, uint64_t usual_us)
{
    uint32_t luck = story_chance(s, 100);
    uint32_t percent = luck < 90   ? 60 + story_chance(s, 80)
                       : luck < 99 ? 150 + story_chance(s, 150)
                                   : 300 + story_chance(s, 500);
    return 1 + usual_us * percent / 100;
}

/* ---- lists and values ---- */

/* Room for one more pointer in a list of `count`: capacities are the powers of two. */
static void *more(struct story *s, void *list, size_t count)
{
    if (count & (count - 1))
        return list;
    void *larger = story_arena_take(&s->arena, sizeof(void *) * (count ? count * 2 : 1));
    if (count)
        memcpy(larger, list, sizeof(void *) * count);
    return larger;
}

#define APPEND(story, list, count, item)                                                           \
    ((list) = more((story), (list), (count)), (list)[(count)++] = (item))

static AnyValue *new_value(struct story *s)
{
    AnyValue *v = story_arena_take(&s->arena, sizeof *v);
    opentelemetry__proto__common__v1__any_value__init(v);
    return v;
}

static AnyValue *text_value(struct story *s, const char *text)
{
    AnyValue *v = new_value(s);
    v->value_case = VALUE(STRING_VALUE);
    v->string_value = story_arena_print(&s->arena, "%s", text);
    return v;
}

static AnyValue *number_value(struct story *s, int64_t number)
{
    AnyValue *v = new_value(s);
    v->value_case = VALUE(INT_VALUE);
    v->int_value = number;
    return v;
}

static KeyValue *pair(struct story *s, const char *key, AnyValue *value)
{
    KeyValue *p = story_arena_take(&s->arena, sizeof *p);
    opentelemetry__proto__common__v1__key_value__init(p);
    p->key = story_arena_print(&s->arena, "%s", key);
    p->value = value;
    return p;
}

static void put(struct span *s, const char *key, AnyValue *value)
{
    APPEND(s->story, s->pb.attributes, s->pb.n_attributes, pair(s->story, key, value));
}

/* ---- stories ---- */

struct story *story_create(uint64_t seed)
{
    struct story *s = calloc(1, sizeof *s);
    if (!s) {
        fputs("tailspan demo: out of memory\n", stderr);
        exit(1);
    }
    s->random = seed;
    return s;
}

void story_free(struct story *s)
{
    story_arena_free(&s->arena);
    free(s);
}

static ProtobufCBinaryData new_id(struct story *s, size_t len)
{
    ProtobufCBinaryData id = {.len = len, .data = story_arena_take(&s->arena, len)};
    for (size_t i = 0; i < len; i += 8) {
        uint64_t part = next_random(s) | 1; /* never zero */
        memcpy(id.data + i, &part, 8);
    }
    return id;
}

static struct span *new_span(struct story *s, enum service service, enum span_kind kind,
                             uint64_t at_us, const char *name, va_list args)
{
    char text[TEXT_MAX];
    vsnprintf(text, sizeof text, name, args);
    struct span *span = story_arena_take(&s->arena, sizeof *span);
    opentelemetry__proto__trace__v1__span__init(&span->pb);
    span->story = s;
    span->pb.name = story_arena_print(&s->arena, "%s", text);
    span->pb.kind = (Opentelemetry__Proto__Trace__V1__Span__SpanKind)kind;
    span->pb.span_id = new_id(s, 8);
    span->pb.start_time_unix_nano = at_us;
    span->pb.end_time_unix_nano = at_us;
    span->pb.flags = 1; /* sampled */
    APPEND(s, s->services[service].spans, s->services[service].count, &span->pb);
    s->spans++;
    return span;
}

struct span *story_begin_trace(struct story *s, enum service service, enum span_kind kind,
                               uint64_t at_us, const char *name, ...)
{
    va_list args;
    va_start(args, name);
    struct span *span = new_span(s, service, kind, at_us, name, args);
    va_end(args);
    span->pb.trace_id = new_id(s, 16);
    if (s->traces++ == 0)
        memcpy(s->first_trace, span->pb.trace_id.data, 16);
    return span;
}

struct span *story_begin(struct story *s, struct span *parent, enum service service,
                         enum span_kind kind, uint64_t at_us, const char *name, ...)
{
    va_list args;
    va_start(args, name);
    struct span *span = new_span(s, service, kind, at_us, name, args);
    va_end(args);
    span->pb.trace_id = parent->pb.trace_id;
    span->pb.parent_span_id = parent->pb.span_id;
    return span;
}

uint64_t span_end(struct span *s, uint64_t at_us)
{
    s->pb.end_time_unix_nano = at_us;
    if (at_us > s->story->last_us)
        s->story->last_us = at_us;
    return at_us;
}

void span_text(struct span *s, const char *key, const char *format, ...)
{
    char text[TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    put(s, key, text_value(s->story, text));
}

void span_number(struct span *s, const char *key, int64_t value)
{
    put(s, key, number_value(s->story, value));
}

void span_flag(struct span *s, const char *key, bool value)
{
    AnyValue *v = new_value(s->story);
    v->value_case = VALUE(BOOL_VALUE);
    v->bool_value = value;
    put(s, key, v);
}

void span_header(struct span *s, const char *key, const char *value)
{
    ArrayValue *array = story_arena_take(&s->story->arena, sizeof *array);
    opentelemetry__proto__common__v1__array_value__init(array);
    APPEND(s->story, array->values, array->n_values, text_value(s->story, value));
    AnyValue *v = new_value(s->story);
    v->value_case = VALUE(ARRAY_VALUE);
    v->array_value = array;
    put(s, key, v);
}

void span_nested(struct span *s, const char *key, const char *inner_key, const char *value)
{
    KeyValueList *list = story_arena_take(&s->story->arena, sizeof *list);
    opentelemetry__proto__common__v1__key_value_list__init(list);
    APPEND(s->story, list->values, list->n_values,
           pair(s->story, inner_key, text_value(s->story, value)));
    AnyValue *v = new_value(s->story);
    v->value_case = VALUE(KVLIST_VALUE);
    v->kvlist_value = list;
    put(s, key, v);
}

static Event *new_event(struct span *s, uint64_t at_us, const char *name)
{
    Event *e = story_arena_take(&s->story->arena, sizeof *e);
    opentelemetry__proto__trace__v1__span__event__init(e);
    e->time_unix_nano = at_us;
    e->name = story_arena_print(&s->story->arena, "%s", name);
    APPEND(s->story, s->pb.events, s->pb.n_events, e);
    return e;
}

static void put_event(struct span *s, Event *e, const char *key, const char *text)
{
    APPEND(s->story, e->attributes, e->n_attributes,
           pair(s->story, key, text_value(s->story, text)));
}

void span_exception(struct span *s, uint64_t at_us, const char *type, const char *format, ...)
{
    char message[TEXT_MAX], stack[2 * TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    snprintf(stack, sizeof stack, "%s: %s\n\tat shop.handle(shop:120)\n\tat shop.serve(shop:44)",
             type, message);
    Event *e = new_event(s, at_us, "exception");
    put_event(s, e, "exception.type", type);
    put_event(s, e, "exception.message", message);
    put_event(s, e, "exception.stacktrace", stack);
    span_text(s, "error.type", "%s", type);
    span_error(s, message);
}

void span_event(struct span *s, uint64_t at_us, const char *name, const char *key,
                const char *value)
{
    put_event(s, new_event(s, at_us, name), key, value);
}

void span_error(struct span *s, const char *message)
{
    Status *status = story_arena_take(&s->story->arena, sizeof *status);
    opentelemetry__proto__trace__v1__status__init(status);
    status->code = OPENTELEMETRY__PROTO__TRACE__V1__STATUS__STATUS_CODE__STATUS_CODE_ERROR;
    status->message = story_arena_print(&s->story->arena, "%s", message);
    s->pb.status = status;
}

void span_link(struct span *s, const struct span *to, int64_t offset)
{
    Link *link = story_arena_take(&s->story->arena, sizeof *link);
    opentelemetry__proto__trace__v1__span__link__init(link);
    link->trace_id = to->pb.trace_id;
    link->span_id = to->pb.span_id;
    link->flags = 1;
    if (offset >= 0)
        APPEND(s->story, link->attributes, link->n_attributes,
               pair(s->story, "messaging.kafka.offset", number_value(s->story, offset)));
    APPEND(s->story, s->pb.links, s->pb.n_links, link);
}

size_t story_spans(const struct story *s)
{
    return s->spans;
}

size_t story_traces(const struct story *s)
{
    return s->traces;
}

void story_trace_id(const struct story *s, char out[33])
{
    for (size_t i = 0; i < 16; i++)
        snprintf(out + 2 * i, 3, "%02x", s->first_trace[i]);
}

/* ---- the request ---- */

static Resource *resource_of(struct story *s, enum service service)
{
    const struct {
        const char *key;
        const char *value;
    } attributes[] = {
        {"service.name", services[service].name},
        {"service.namespace", "demo-shop"},
        {"service.version", services[service].version},
        {"deployment.environment.name", "demo"},
        {"telemetry.sdk.name", "opentelemetry"},
        {"telemetry.sdk.language", services[service].language},
        {"host.name", story_arena_print(&s->arena, "shop-%d", (int)service % 3 + 1)},
        {"service.instance.id", story_arena_print(&s->arena, "%s-1", services[service].name)},
    };
    Resource *r = story_arena_take(&s->arena, sizeof *r);
    opentelemetry__proto__resource__v1__resource__init(r);
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++)
        APPEND(s, r->attributes, r->n_attributes,
               pair(s, attributes[i].key, text_value(s, attributes[i].value)));
    return r;
}

static ResourceSpans *spans_of(struct story *s, enum service service)
{
    Scope *scope = story_arena_take(&s->arena, sizeof *scope);
    opentelemetry__proto__common__v1__instrumentation_scope__init(scope);
    scope->name = story_arena_print(&s->arena, "%s", services[service].scope);
    ScopeSpans *spans = story_arena_take(&s->arena, sizeof *spans);
    opentelemetry__proto__trace__v1__scope_spans__init(spans);
    spans->scope = scope;
    spans->n_spans = s->services[service].count;
    spans->spans = s->services[service].spans;
    ResourceSpans *r = story_arena_take(&s->arena, sizeof *r);
    opentelemetry__proto__trace__v1__resource_spans__init(r);
    r->resource = resource_of(s, service);
    APPEND(s, r->scope_spans, r->n_scope_spans, spans);
    return r;
}

/* From microseconds after the beginning to nanoseconds since the epoch. */
static void lay_in_time(struct story *s, uint64_t now_ns)
{
    uint64_t begin_ns = now_ns - s->last_us * 1000;
    for (size_t service = 0; service < SERVICES; service++) {
        for (size_t i = 0; i < s->services[service].count; i++) {
            Span *span = s->services[service].spans[i];
            span->start_time_unix_nano = begin_ns + span->start_time_unix_nano * 1000;
            span->end_time_unix_nano = begin_ns + span->end_time_unix_nano * 1000;
            for (size_t e = 0; e < span->n_events; e++)
                span->events[e]->time_unix_nano = begin_ns + span->events[e]->time_unix_nano * 1000;
        }
    }
}

uint8_t *story_request(struct story *s, uint64_t now_ns, size_t *len)
{
    Request request;
    opentelemetry__proto__collector__trace__v1__export_trace_service_request__init(&request);
    lay_in_time(s, now_ns);
    for (size_t service = 0; service < SERVICES; service++)
        if (s->services[service].count)
            APPEND(s, request.resource_spans, request.n_resource_spans,
                   spans_of(s, (enum service)service));
    *len = protobuf_c_message_get_packed_size(&request.base);
    uint8_t *out = malloc(*len ? *len : 1);
    if (!out) {
        fputs("tailspan demo: out of memory\n", stderr);
        exit(1);
    }
    protobuf_c_message_pack(&request.base, out);
    return out;
}
