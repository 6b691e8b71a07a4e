/* Holds the index and the readers in place against protobuf-c, which decodes the same bytes.
 *
 * Used by tests and by the fuzzer, so a difference aborts. */
#ifndef TAILSPAN_TESTS_ORACLE_H
#define TAILSPAN_TESTS_ORACLE_H

#include "opentelemetry/proto/collector/trace/v1/trace_service.pb-c.h"
#include "proto/attribute.h"
#include "proto/batch.h"
#include "proto/wire.h"

#include <stdio.h>
#include <stdlib.h>

typedef Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceRequest oracle_request;
typedef Opentelemetry__Proto__Trace__V1__ResourceSpans oracle_resource_spans;
typedef Opentelemetry__Proto__Trace__V1__ScopeSpans oracle_scope_spans;
typedef Opentelemetry__Proto__Trace__V1__Span oracle_span;
typedef Opentelemetry__Proto__Trace__V1__Span__Event oracle_event;
typedef Opentelemetry__Proto__Trace__V1__Span__Link oracle_link;
typedef Opentelemetry__Proto__Common__V1__KeyValue oracle_key_value;
typedef Opentelemetry__Proto__Common__V1__AnyValue oracle_value;

#define oracle_check(condition)                                                                    \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static inline oracle_request *oracle_unpack(struct bytes request)
{
    static const uint8_t nothing;
    return opentelemetry__proto__collector__trace__v1__export_trace_service_request__unpack(
        NULL, request.len, request.len > 0 ? request.data : &nothing);
}

static inline void oracle_free(oracle_request *m)
{
    opentelemetry__proto__collector__trace__v1__export_trace_service_request__free_unpacked(m,
                                                                                            NULL);
}

/* protobuf-c's strings end at the first NUL. */
static inline bool oracle_text(struct bytes a, const char *text)
{
    size_t len = strlen(text);
    return a.len >= len && (len == 0 || memcmp(a.data, text, len) == 0) &&
           (a.len == len || a.data[len] == 0);
}

static inline bool oracle_bytes(struct bytes a, ProtobufCBinaryData b)
{
    return bytes_equal(a, bytes_of(b.data, b.len));
}

/* Messages that come in parts are merged, and there protobuf-c takes a zero or an empty string that
 * was sent for one that was not. So a Status or a value in parts is not compared; scopes and
 * resources are, unless this says that they may hold such. */
static bool oracle_skips_parts;

static inline unsigned oracle_parts(struct bytes message, uint32_t number)
{
    const uint8_t *at = message.data;
    const uint8_t *end = wire_end(message);
    struct wire_field f;
    unsigned parts = 0;
    while (at < end && (at = wire_field(at, end, &f)))
        parts += f.tag == WIRE_TAG(number, WIRE_LENGTH);
    return parts;
}

static inline void oracle_attributes(struct bytes message, uint32_t field, size_t n,
                                     oracle_key_value **expected);

static inline void oracle_any(const struct value *v, const oracle_value *expected)
{
    struct value_iterator it;
    struct value element;
    size_t count = 0;
    uint64_t bits[2];
    oracle_check((int)v->type == (expected ? (int)expected->value_case : 0));
    switch (v->type) {
    case VALUE_EMPTY:
        break;
    case VALUE_STRING:
        oracle_check(oracle_text(v->bytes, expected->string_value));
        break;
    case VALUE_BOOL:
        oracle_check(v->boolean == expected->bool_value);
        break;
    case VALUE_INT:
        oracle_check(v->integer == expected->int_value);
        break;
    case VALUE_DOUBLE:
        memcpy(bits, &v->real, sizeof v->real);
        memcpy(bits + 1, &expected->double_value, sizeof v->real);
        oracle_check(bits[0] == bits[1]); /* NaN is NaN */
        break;
    case VALUE_ARRAY:
        value_begin(&it, v->bytes);
        for (; value_next(&it, &element); count++) {
            oracle_check(count < expected->array_value->n_values);
            oracle_any(&element, expected->array_value->values[count]);
        }
        oracle_check(count == expected->array_value->n_values);
        break;
    case VALUE_MAP:
        oracle_attributes(v->bytes, 1, expected->kvlist_value->n_values,
                          expected->kvlist_value->values);
        break;
    case VALUE_BYTES:
        oracle_check(oracle_bytes(v->bytes, expected->bytes_value));
        break;
    }
}

static inline void oracle_attributes(struct bytes message, uint32_t field, size_t n,
                                     oracle_key_value **expected)
{
    struct attribute_iterator it;
    struct attribute a;
    size_t count = 0;
    attribute_begin(&it, message, field);
    for (; attribute_next(&it, &a); count++) {
        oracle_check(count < n);
        oracle_check(oracle_text(a.key, expected[count]->key));
        oracle_check(bytes_equal(attribute_key(a.key_value), a.key));
        if (oracle_parts(a.key_value, 2) < 2)
            oracle_any(&a.value, expected[count]->value);
        oracle_check(a.framed.data < a.key_value.data || a.key_value.len == 0);
    }
    oracle_check(count == n);
}

static inline bool oracle_identified(const oracle_span *s)
{
    static const uint8_t zero[16];
    return s->trace_id.len == 16 && memcmp(s->trace_id.data, zero, 16) != 0 &&
           s->span_id.len == 8 && memcmp(s->span_id.data, zero, 8) != 0 &&
           (s->parent_span_id.len == 0 || s->parent_span_id.len == 8);
}

static inline void oracle_same_events(struct bytes body, const oracle_span *s)
{
    struct span_cursor c;
    struct event_view e;
    struct link_view l;
    size_t count = 0;
    span_events_begin(&c, body);
    for (; event_next(&c, &e); count++) {
        oracle_check(count < s->n_events);
        const oracle_event *expected = s->events[count];
        oracle_check(e.time_ns == expected->time_unix_nano);
        oracle_check(oracle_text(e.name, expected->name));
        oracle_attributes(e.message, EVENT_ATTRIBUTES, expected->n_attributes,
                          expected->attributes);
    }
    oracle_check(count == s->n_events);
    count = 0;
    span_links_begin(&c, body);
    for (; link_next(&c, &l); count++) {
        oracle_check(count < s->n_links);
        const oracle_link *expected = s->links[count];
        oracle_check(oracle_bytes(l.trace_id, expected->trace_id));
        oracle_check(oracle_bytes(l.span_id, expected->span_id));
        oracle_check(oracle_text(l.trace_state, expected->trace_state));
        oracle_check(l.flags == expected->flags);
        oracle_attributes(l.message, LINK_ATTRIBUTES, expected->n_attributes, expected->attributes);
    }
    oracle_check(count == s->n_links);
}

static inline void oracle_same_status(const struct span_view *v, const oracle_span *s)
{
    if (oracle_parts(span_bytes(v), 15) > 1)
        return;
    unsigned code = s->status ? (unsigned)s->status->code : 0;
    oracle_check(v->status_code == (code <= 2 ? code : 0));
    oracle_check(
        oracle_text(span_status_message(span_bytes(v)), s->status ? s->status->message : ""));
}

static inline void oracle_same_span(const struct span_view *v, const oracle_span *s)
{
    static const uint8_t zero[8];
    unsigned kind = (unsigned)s->kind;
    oracle_check(memcmp(v->trace_id, s->trace_id.data, 16) == 0);
    oracle_check(memcmp(v->span_id, s->span_id.data, 8) == 0);
    oracle_check(memcmp(v->parent_span_id,
                        s->parent_span_id.len > 0 ? s->parent_span_id.data : zero, 8) == 0);
    oracle_check(v->start_ns == s->start_time_unix_nano && v->end_ns == s->end_time_unix_nano);
    oracle_check(v->kind == (kind <= 5 ? kind : 0));
    oracle_check(v->flags == s->flags);
    oracle_check(oracle_text(span_name(v), s->name));
    oracle_check(oracle_text(span_trace_state(span_bytes(v)), s->trace_state));
    oracle_check(v->trace_state || span_trace_state(span_bytes(v)).len == 0);
    oracle_same_status(v, s);
    oracle_attributes(span_bytes(v), SPAN_ATTRIBUTES, s->n_attributes, s->attributes);
    oracle_same_events(span_bytes(v), s);
}

static inline void oracle_same_scope(const struct scope_view *v, const oracle_scope_spans *s)
{
    if (oracle_skips_parts && oracle_parts(v->head, 1) + oracle_parts(v->tail, 1) > 1)
        return;
    oracle_check(oracle_text(scope_name(v->message), s->scope ? s->scope->name : ""));
    oracle_check(oracle_text(scope_version(v->message), s->scope ? s->scope->version : ""));
    oracle_attributes(v->message, SCOPE_ATTRIBUTES, s->scope ? s->scope->n_attributes : 0,
                      s->scope ? s->scope->attributes : NULL);
}

static inline void oracle_same_resource(const struct resource_view *v,
                                        const oracle_resource_spans *r)
{
    if (oracle_skips_parts && oracle_parts(v->head, 1) + oracle_parts(v->tail, 1) > 1)
        return;
    size_t n = r->resource ? r->resource->n_attributes : 0;
    const oracle_value *service = NULL;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(r->resource->attributes[i]->key, "service.name") == 0)
            service = r->resource->attributes[i]->value;
    }
    oracle_attributes(v->message, RESOURCE_ATTRIBUTES, n,
                      r->resource ? r->resource->attributes : NULL);
    const char *name = service && service->value_case == 1 ? service->string_value : "";
    oracle_check(oracle_text(resource_service_name(v), name));
}

/* Whether the batch has exactly the identified spans of the request, each in its scope and
 * resource; `rejected` is how many others there are. */
static inline void oracle_same(const struct batch *b, const oracle_request *m, uint32_t rejected)
{
    uint32_t span = 0;
    size_t bytes = 0;
    for (size_t i = 0; i < m->n_resource_spans; i++) {
        const oracle_resource_spans *r = m->resource_spans[i];
        for (size_t j = 0; j < r->n_scope_spans; j++) {
            const oracle_scope_spans *s = r->scope_spans[j];
            for (size_t k = 0; k < s->n_spans; k++) {
                if (!oracle_identified(s->spans[k])) {
                    oracle_check(rejected-- > 0);
                    continue;
                }
                oracle_check(span < b->span_count);
                const struct span_view *v = &b->spans[span++];
                oracle_same_span(v, s->spans[k]);
                oracle_same_scope(span_scope(b, v), s);
                oracle_same_resource(span_resource(b, v), r);
                bytes += v->len;
            }
        }
    }
    oracle_check(rejected == 0 && span == b->span_count && bytes == b->span_bytes);
}

#endif
