#include "query/jaeger_v3_trace.h"

#define NONE UINT32_MAX

enum {
    /* A value's JSON nests up to four levels for each of the wire's, so deep values that the wire's
     * limit lets through are cut before the writer's limit. */
    DEEPEST = 120,
};

static void write_value(struct json_writer *w, const struct value *v);

static void write_array(struct json_writer *w, struct bytes body)
{
    struct value_iterator it;
    struct value v;
    bool empty = true;
    json_object_begin(w);
    value_begin(&it, body);
    while (value_next(&it, &v)) {
        if (empty) {
            json_key(w, "values");
            json_array_begin(w);
        }
        empty = false;
        write_value(w, &v);
    }
    if (!empty)
        json_array_end(w);
    json_object_end(w);
}

static void write_map(struct json_writer *w, struct bytes body)
{
    enum { KEY_VALUES = 1 };
    struct attribute_iterator it;
    struct attribute a;
    bool empty = true;
    json_object_begin(w);
    attribute_begin(&it, body, KEY_VALUES);
    while (attribute_next(&it, &a)) {
        if (empty) {
            json_key(w, "values");
            json_array_begin(w);
        }
        empty = false;
        json_object_begin(w);
        json_key(w, "key");
        json_bytes(w, a.key);
        json_key(w, "value");
        write_value(w, &a.value);
        json_object_end(w);
    }
    if (!empty)
        json_array_end(w);
    json_object_end(w);
}

static void write_value(struct json_writer *w, const struct value *v)
{
    json_object_begin(w);
    switch (v->type) {
    case VALUE_EMPTY:
        break;
    case VALUE_STRING:
        json_key(w, "stringValue");
        json_bytes(w, v->bytes);
        break;
    case VALUE_BOOL:
        json_key(w, "boolValue");
        json_bool(w, v->boolean);
        break;
    case VALUE_INT:
        json_key(w, "intValue");
        json_int_string(w, v->integer);
        break;
    case VALUE_DOUBLE:
        json_key(w, "doubleValue");
        json_double(w, v->real);
        break;
    case VALUE_BYTES:
        json_key(w, "bytesValue");
        json_base64(w, v->bytes);
        break;
    case VALUE_ARRAY:
    case VALUE_MAP:
        if (w->depth >= DEEPEST)
            break;
        json_key(w, v->type == VALUE_ARRAY ? "arrayValue" : "kvlistValue");
        if (v->type == VALUE_ARRAY)
            write_array(w, v->bytes);
        else
            write_map(w, v->bytes);
        break;
    }
    json_object_end(w);
}

static void write_warnings(struct json_writer *w, const struct trace_span *s)
{
    json_object_begin(w);
    json_key(w, "arrayValue");
    json_object_begin(w);
    json_key(w, "values");
    json_array_begin(w);
    for (uint32_t i = 0; i < s->warning_count; i++) {
        json_object_begin(w);
        json_key(w, "stringValue");
        json_text(w, s->warnings[i]);
        json_object_end(w);
    }
    json_array_end(w);
    json_object_end(w);
    json_object_end(w);
}

/* `s` is NULL when they are not a span's. */
static void write_attributes(struct json_writer *w, const struct trace_attributes *a,
                             const struct trace_span *s)
{
    if (a->count == 0)
        return;
    json_key(w, "attributes");
    json_array_begin(w);
    for (uint32_t i = 0; i < a->count; i++) {
        json_object_begin(w);
        json_key(w, "key");
        json_bytes(w, a->items[i].key);
        json_key(w, "value");
        if (s && trace_is_warnings(&a->items[i]))
            write_warnings(w, s);
        else
            write_value(w, &a->items[i].value);
        json_object_end(w);
    }
    json_array_end(w);
}

/* Fields that are empty or zero are left out, as proto3's JSON does. */

static void write_text(struct json_writer *w, const char *key, struct bytes text)
{
    if (text.len == 0)
        return;
    json_key(w, key);
    json_bytes(w, text);
}

static void write_hex(struct json_writer *w, const char *key, struct bytes id)
{
    if (id.len == 0)
        return;
    json_key(w, key);
    json_hex(w, id);
}

static void write_number(struct json_writer *w, const char *key, uint32_t n)
{
    if (n == 0)
        return;
    json_key(w, key);
    json_uint(w, n);
}

static void write_time(struct json_writer *w, const char *key, uint64_t ns)
{
    if (ns == 0)
        return;
    json_key(w, key);
    json_uint_string(w, ns);
}

static void write_events(struct json_writer *w, const struct trace_span *s)
{
    if (s->event_count == 0)
        return;
    json_key(w, "events");
    json_array_begin(w);
    for (uint32_t i = 0; i < s->event_count; i++) {
        const struct trace_event *e = &s->events[i];
        json_object_begin(w);
        write_time(w, "timeUnixNano", e->time_ns);
        write_text(w, "name", e->name);
        write_attributes(w, &e->attributes, NULL);
        write_number(w, "droppedAttributesCount", e->dropped_attributes);
        json_object_end(w);
    }
    json_array_end(w);
}

static void write_links(struct json_writer *w, const struct trace_span *s)
{
    if (s->link_count == 0)
        return;
    json_key(w, "links");
    json_array_begin(w);
    for (uint32_t i = 0; i < s->link_count; i++) {
        const struct trace_link *l = &s->links[i];
        json_object_begin(w);
        write_hex(w, "traceId", l->trace_id);
        write_hex(w, "spanId", l->span_id);
        write_text(w, "traceState", l->trace_state);
        write_attributes(w, &l->attributes, NULL);
        write_number(w, "droppedAttributesCount", l->dropped_attributes);
        write_number(w, "flags", l->flags);
        json_object_end(w);
    }
    json_array_end(w);
}

static void write_span(struct json_writer *w, const struct trace_span *s)
{
    static const uint8_t zero[8];
    json_object_begin(w);
    write_hex(w, "traceId", bytes_of(s->view->trace_id, sizeof s->view->trace_id));
    write_hex(w, "spanId", bytes_of(s->span_id, sizeof s->span_id));
    write_text(w, "traceState", s->trace_state);
    if (memcmp(s->parent_span_id, zero, sizeof zero) != 0)
        write_hex(w, "parentSpanId", bytes_of(s->parent_span_id, sizeof s->parent_span_id));
    write_number(w, "flags", s->view->flags);
    write_text(w, "name", s->name);
    write_number(w, "kind", s->view->kind);
    write_time(w, "startTimeUnixNano", s->start_ns);
    write_time(w, "endTimeUnixNano", s->end_ns);
    write_attributes(w, &s->attributes, s);
    write_number(w, "droppedAttributesCount", s->dropped_attributes);
    write_events(w, s);
    write_number(w, "droppedEventsCount", s->dropped_events);
    write_links(w, s);
    write_number(w, "droppedLinksCount", s->dropped_links);
    json_key(w, "status");
    json_object_begin(w);
    write_text(w, "message", s->status_message);
    write_number(w, "code", s->view->status_code);
    json_object_end(w);
    json_object_end(w);
}

static void write_scope(struct json_writer *w, const struct trace_scope *s)
{
    json_key(w, "scope");
    json_object_begin(w);
    write_text(w, "name", s->name);
    write_text(w, "version", s->version);
    write_attributes(w, &s->attributes, NULL);
    write_number(w, "droppedAttributesCount", s->dropped_attributes);
    json_object_end(w);
}

static void write_resource(struct json_writer *w, const struct trace_resource *r)
{
    json_key(w, "resource");
    json_object_begin(w);
    write_attributes(w, &r->attributes, NULL);
    write_number(w, "droppedAttributesCount", r->dropped_attributes);
    json_object_end(w);
}

/* Spans by scope and scopes by resource, as lists through the arrays, in order. */
struct lists {
    uint32_t *first_span; /* of a scope */
    uint32_t *next_span;
    uint32_t *first_scope; /* of a resource */
    uint32_t *next_scope;
};

static bool lists_make(struct lists *l, const struct trace *t)
{
    l->first_span = arena_array(t->arena, t->scope_count, sizeof *l->first_span);
    l->next_span = arena_array(t->arena, t->span_count, sizeof *l->next_span);
    l->first_scope = arena_array(t->arena, t->resource_count, sizeof *l->first_scope);
    l->next_scope = arena_array(t->arena, t->scope_count, sizeof *l->next_scope);
    if (!l->first_span || !l->next_span || !l->first_scope || !l->next_scope)
        return false;
    memset(l->first_span, 0xff, t->scope_count * sizeof *l->first_span);
    memset(l->first_scope, 0xff, t->resource_count * sizeof *l->first_scope);
    for (uint32_t i = t->span_count; i-- > 0;) {
        if (t->spans[i].removed)
            continue;
        l->next_span[i] = l->first_span[t->spans[i].scope];
        l->first_span[t->spans[i].scope] = i;
    }
    for (uint32_t i = t->scope_count; i-- > 0;) {
        if (l->first_span[i] == NONE)
            continue;
        l->next_scope[i] = l->first_scope[t->scopes[i].resource];
        l->first_scope[t->scopes[i].resource] = i;
    }
    return true;
}

static void write_scope_spans(struct json_writer *w, const struct trace *t, const struct lists *l,
                              uint32_t scope)
{
    json_object_begin(w);
    write_scope(w, &t->scopes[scope]);
    json_key(w, "spans");
    json_array_begin(w);
    for (uint32_t i = l->first_span[scope]; i != NONE; i = l->next_span[i])
        write_span(w, &t->spans[i]);
    json_array_end(w);
    write_text(w, "schemaUrl", t->scopes[scope].schema_url);
    json_object_end(w);
}

bool jaeger_v3_trace_write(struct json_writer *w, const struct trace *t)
{
    struct lists l;
    if (!lists_make(&l, t))
        return false;
    for (uint32_t r = 0; r < t->resource_count; r++) {
        if (l.first_scope[r] == NONE)
            continue;
        json_object_begin(w);
        write_resource(w, &t->resources[r]);
        json_key(w, "scopeSpans");
        json_array_begin(w);
        for (uint32_t s = l.first_scope[r]; s != NONE; s = l.next_scope[s])
            write_scope_spans(w, t, &l, s);
        json_array_end(w);
        write_text(w, "schemaUrl", t->resources[r].schema_url);
        json_object_end(w);
    }
    return true;
}
