/* The order of tags is part of what clients see: scope, attributes, kind, status, trace state. What
 * JSON numbers cannot hold, 64-bit integers beyond 2^53, is written as a string. */
#include "query/jaeger_v1_trace.h"

#include "proto/span_kind.h"
#include "proto/value_text.h"

#include <stdio.h>

#define MAX_SAFE_INTEGER ((1LL << 53) - 1)

static void hex_text(const uint8_t *bytes, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = 0;
}

void jaeger_v1_trace_id(const uint8_t id[16], char out[33])
{
    static const uint8_t zero[8];
    if (memcmp(id, zero, sizeof zero) == 0)
        hex_text(id + 8, 8, out);
    else
        hex_text(id, 16, out);
}

static void write_trace_id(struct json_writer *w, struct bytes id)
{
    uint8_t whole[16] = {0};
    char text[33];
    if (id.len == sizeof whole)
        memcpy(whole, id.data, sizeof whole);
    jaeger_v1_trace_id(whole, text);
    json_text(w, text);
}

static void write_span_id(struct json_writer *w, struct bytes id)
{
    uint8_t whole[8] = {0};
    if (id.len == sizeof whole)
        memcpy(whole, id.data, sizeof whole);
    json_hex(w, bytes_of(whole, sizeof whole));
}

/* Tags. */

static void begin_tag(struct json_writer *w, struct bytes key, const char *type)
{
    json_object_begin(w);
    json_key(w, "key");
    json_bytes(w, key);
    json_key(w, "type");
    json_text(w, type);
    json_key(w, "value");
}

static void write_text_tag(struct json_writer *w, const char *key, struct bytes text)
{
    begin_tag(w, bytes_of_string(key), "string");
    json_bytes(w, text);
    json_object_end(w);
}

static void write_nested(struct json_writer *w, const struct value *v)
{
    struct value_text text = {0};
    json_bytes(w, value_text(v, &text));
    w->out->failed |= text.large.failed;
    value_text_free(&text);
}

static void write_tag(struct json_writer *w, const struct trace_attribute *a)
{
    static const char *const types[] = {
        [VALUE_EMPTY] = "string", [VALUE_STRING] = "string",  [VALUE_BOOL] = "bool",
        [VALUE_INT] = "int64",    [VALUE_DOUBLE] = "float64", [VALUE_ARRAY] = "string",
        [VALUE_MAP] = "string",   [VALUE_BYTES] = "binary",
    };
    const struct value *v = &a->value;
    begin_tag(w, a->key, types[v->type]);
    switch (v->type) {
    case VALUE_EMPTY:
        json_text(w, "");
        break;
    case VALUE_STRING:
        json_bytes(w, v->bytes);
        break;
    case VALUE_BOOL:
        json_bool(w, v->boolean);
        break;
    case VALUE_INT:
        if (v->integer > MAX_SAFE_INTEGER || v->integer < -MAX_SAFE_INTEGER)
            json_int_string(w, v->integer);
        else
            json_int(w, v->integer);
        break;
    case VALUE_DOUBLE:
        json_double(w, v->real);
        break;
    case VALUE_ARRAY:
    case VALUE_MAP:
        write_nested(w, v);
        break;
    case VALUE_BYTES:
        json_base64(w, v->bytes);
        break;
    }
    json_object_end(w);
}

static void write_status_tags(struct json_writer *w, const struct trace_span *s)
{
    uint8_t code = s->view->status_code;
    if (code == SPAN_STATUS_OK || code == SPAN_STATUS_ERROR)
        write_text_tag(w, "otel.status_code",
                       bytes_of_string(code == SPAN_STATUS_OK ? "OK" : "ERROR"));
    if (code == SPAN_STATUS_ERROR) {
        begin_tag(w, bytes_of_string("error"), "bool");
        json_bool(w, true);
        json_object_end(w);
    }
    if (s->status_message.len)
        write_text_tag(w, "otel.status_description", s->status_message);
}

static void write_tags(struct json_writer *w, const struct trace *t, const struct trace_span *s)
{
    const struct trace_scope *scope = trace_span_scope(t, s);
    json_array_begin(w);
    if (scope->name.len)
        write_text_tag(w, "otel.scope.name", scope->name);
    if (scope->version.len)
        write_text_tag(w, "otel.scope.version", scope->version);
    for (uint32_t i = 0; i < s->attributes.count; i++)
        if (!trace_is_warnings(&s->attributes.items[i]))
            write_tag(w, &s->attributes.items[i]);
    if (s->view->kind)
        write_text_tag(w, "span.kind", bytes_of_string(span_kind_name(s->view->kind)));
    write_status_tags(w, s);
    if (s->trace_state.len)
        write_text_tag(w, "w3c.tracestate", s->trace_state);
    json_array_end(w);
}

/* References. */

static void write_reference(struct json_writer *w, bool child_of, struct bytes trace_id,
                            struct bytes span_id)
{
    json_object_begin(w);
    json_key(w, "refType");
    json_text(w, child_of ? "CHILD_OF" : "FOLLOWS_FROM");
    json_key(w, "traceID");
    write_trace_id(w, trace_id);
    json_key(w, "spanID");
    write_span_id(w, span_id);
    json_object_end(w);
}

static bool link_is_child_of(const struct trace_link *l)
{
    const struct trace_attribute *type =
        trace_attribute_find(&l->attributes, "opentracing.ref_type");
    return type && type->value.type == VALUE_STRING &&
           bytes_equal_string(type->value.bytes, "child_of");
}

/* The parent comes first. A link to it says what kind of reference that is, and is not repeated. */
static void write_references(struct json_writer *w, const struct trace_span *s)
{
    static const uint8_t zero[8];
    struct bytes trace_id = bytes_of(s->view->trace_id, sizeof s->view->trace_id);
    struct bytes parent = bytes_of(s->parent_span_id, sizeof s->parent_span_id);
    bool has_parent = memcmp(s->parent_span_id, zero, sizeof zero) != 0;
    bool child_of = true;
    json_array_begin(w);
    for (uint32_t i = 0; has_parent && i < s->link_count; i++)
        if (bytes_equal(s->links[i].trace_id, trace_id) && bytes_equal(s->links[i].span_id, parent))
            child_of = link_is_child_of(&s->links[i]);
    if (has_parent)
        write_reference(w, child_of, trace_id, parent);
    for (uint32_t i = 0; i < s->link_count; i++) {
        const struct trace_link *l = &s->links[i];
        if (!has_parent || !bytes_equal(l->trace_id, trace_id) || !bytes_equal(l->span_id, parent))
            write_reference(w, link_is_child_of(l), l->trace_id, l->span_id);
    }
    json_array_end(w);
}

static void write_logs(struct json_writer *w, const struct trace_span *s)
{
    json_array_begin(w);
    for (uint32_t i = 0; i < s->event_count; i++) {
        const struct trace_event *e = &s->events[i];
        json_object_begin(w);
        json_key(w, "timestamp");
        json_uint(w, e->time_ns / 1000);
        json_key(w, "fields");
        json_array_begin(w);
        if (e->name.len && !trace_attribute_find(&e->attributes, "event"))
            write_text_tag(w, "event", e->name);
        for (uint32_t k = 0; k < e->attributes.count; k++)
            write_tag(w, &e->attributes.items[k]);
        json_array_end(w);
        json_object_end(w);
    }
    json_array_end(w);
}

static void write_warnings(struct json_writer *w, const struct trace_span *s)
{
    if (s->warning_count == 0) {
        json_nil(w);
        return;
    }
    json_array_begin(w);
    for (uint32_t i = 0; i < s->warning_count; i++)
        json_text(w, s->warnings[i]);
    json_array_end(w);
}

static void write_process_id(struct json_writer *w, bool as_key, uint32_t number)
{
    char id[16];
    snprintf(id, sizeof id, "p%u", number);
    if (as_key)
        json_key(w, id);
    else
        json_text(w, id);
}

static void write_span(struct json_writer *w, const struct trace *t, const struct trace_span *s,
                       uint32_t process)
{
    json_object_begin(w);
    json_key(w, "traceID");
    write_trace_id(w, bytes_of(s->view->trace_id, sizeof s->view->trace_id));
    json_key(w, "spanID");
    write_span_id(w, bytes_of(s->span_id, sizeof s->span_id));
    json_key(w, "operationName");
    json_bytes(w, s->name);
    json_key(w, "references");
    write_references(w, s);
    json_key(w, "startTime");
    json_uint(w, s->start_ns / 1000);
    json_key(w, "duration");
    json_uint(w, s->end_ns > s->start_ns ? (s->end_ns - s->start_ns) / 1000 : 0);
    json_key(w, "tags");
    write_tags(w, t, s);
    json_key(w, "logs");
    write_logs(w, s);
    json_key(w, "processID");
    write_process_id(w, false, process);
    json_key(w, "warnings");
    write_warnings(w, s);
    json_object_end(w);
}

/* Processes are resources, numbered from 1 as spans name them. */

static void write_process(struct json_writer *w, const struct trace_resource *r)
{
    bool nameless = r->attributes.count == 0;
    json_object_begin(w);
    json_key(w, "serviceName");
    json_bytes(w, nameless ? bytes_of_string("OTLPResourceNoServiceName") : trace_service_name(r));
    json_key(w, "tags");
    json_array_begin(w);
    for (uint32_t i = 0; i < r->attributes.count; i++)
        if (!bytes_equal_string(r->attributes.items[i].key, "service.name"))
            write_tag(w, &r->attributes.items[i]);
    json_array_end(w);
    json_object_end(w);
}

bool jaeger_v1_writer_begin(struct jaeger_v1_writer *v, const struct trace *t, const uint32_t *next)
{
    *v = (struct jaeger_v1_writer){.trace = t, .next = next};
    v->number = arena_array(t->arena, t->resource_count, sizeof *v->number);
    v->named = arena_array(t->arena, t->resource_count, sizeof *v->named);
    return v->number && v->named;
}

static uint32_t next_span(const struct jaeger_v1_writer *v, uint32_t i)
{
    return v->next ? v->next[i] : i + 1;
}

void jaeger_v1_trace_write(struct jaeger_v1_writer *v, struct json_writer *w, uint32_t first)
{
    const struct trace *t = v->trace;
    uint32_t processes = 0;
    json_object_begin(w);
    json_key(w, "traceID");
    write_trace_id(w, bytes_of(t->spans[first].view->trace_id, 16));
    json_key(w, "spans");
    json_array_begin(w);
    for (uint32_t i = first; i < t->span_count; i = next_span(v, i)) {
        const struct trace_span *s = &t->spans[i];
        if (s->removed)
            continue;
        uint32_t resource = trace_span_scope(t, s)->resource;
        if (!v->number[resource]) {
            v->named[processes] = resource;
            v->number[resource] = ++processes;
        }
        write_span(w, t, s, v->number[resource]);
    }
    json_array_end(w);
    json_key(w, "processes");
    json_object_begin(w);
    for (uint32_t i = 0; i < processes; i++) {
        write_process_id(w, true, i + 1);
        write_process(w, &t->resources[v->named[i]]);
        v->number[v->named[i]] = 0;
    }
    json_object_end(w);
    json_key(w, "warnings");
    json_nil(w);
    json_object_end(w);
}
