/* Building the model from a batch.
 *
 * A trace that came in parts has the same resources and scopes many times over. They are merged by
 * their bytes here, so that processes get one number each and an OTLP reply names each once. */
#include "query/trace.h"

#include "component/hash_seed.h"
#include "proto/otlp_fields.h"
#include "proto/wire.h"

#include <stdlib.h>
#include <xxhash.h>

/* The last field with this number, for the few that neither index nor iterators know. */
static struct wire_field find_field(struct bytes message, uint32_t number)
{
    struct wire_field found = {0};
    const uint8_t *end = wire_end(message);
    for (const uint8_t *at = message.data; at && at < end;) {
        struct wire_field f;
        at = wire_field(at, end, &f);
        if (at && wire_number(f.tag) == number)
            found = f;
    }
    return found;
}

static uint32_t find_count(struct bytes message, uint32_t number)
{
    return (uint32_t)find_field(message, number).integer;
}

static struct bytes last_schema_url(struct bytes head, struct bytes tail)
{
    struct bytes url = find_field(tail, SCHEMA_URL).bytes;
    return url.len ? url : find_field(head, SCHEMA_URL).bytes;
}

static void lay_attributes(struct arena *a, struct trace_attributes *out, struct bytes message,
                           uint32_t field)
{
    struct attribute_iterator it;
    struct attribute attribute;
    uint32_t count = 0;
    attribute_begin(&it, message, field);
    while (attribute_next(&it, &attribute))
        count++;
    out->items = arena_array(a, count, sizeof *out->items);
    if (!out->items)
        return;
    attribute_begin(&it, message, field);
    while (out->count < count && attribute_next(&it, &attribute)) {
        out->items[out->count] = (struct trace_attribute){
            .key = attribute.key, .value = attribute.value, .order = out->count};
        out->count++;
    }
}

static void lay_events(struct arena *a, struct trace_span *s, struct bytes span)
{
    struct span_cursor c;
    struct event_view e;
    uint32_t count = 0;
    span_events_begin(&c, span);
    while (event_next(&c, &e))
        count++;
    s->events = arena_array(a, count, sizeof *s->events);
    if (!s->events)
        return;
    span_events_begin(&c, span);
    while (s->event_count < count && event_next(&c, &e)) {
        struct trace_event *event = &s->events[s->event_count];
        *event = (struct trace_event){
            .time_ns = e.time_ns,
            .name = e.name,
            .dropped_attributes = find_count(e.message, EVENT_DROPPED_ATTRIBUTES),
            .order = s->event_count++,
        };
        lay_attributes(a, &event->attributes, e.message, EVENT_ATTRIBUTES);
    }
}

static void lay_links(struct arena *a, struct trace_span *s, struct bytes span)
{
    struct span_cursor c;
    struct link_view l;
    uint32_t count = 0;
    span_links_begin(&c, span);
    while (link_next(&c, &l))
        count++;
    s->links = arena_array(a, count, sizeof *s->links);
    if (!s->links)
        return;
    span_links_begin(&c, span);
    while (s->link_count < count && link_next(&c, &l)) {
        struct trace_link *link = &s->links[s->link_count++];
        *link = (struct trace_link){
            .trace_id = l.trace_id,
            .span_id = l.span_id,
            .trace_state = l.trace_state,
            .dropped_attributes = find_count(l.message, LINK_DROPPED_ATTRIBUTES),
            .flags = l.flags,
        };
        lay_attributes(a, &link->attributes, l.message, LINK_ATTRIBUTES);
    }
}

static void lay_span(struct arena *a, struct trace_span *s, const struct span_view *view)
{
    struct bytes span = span_bytes(view);
    s->view = view;
    memcpy(s->span_id, view->span_id, sizeof s->span_id);
    memcpy(s->parent_span_id, view->parent_span_id, sizeof s->parent_span_id);
    s->start_ns = view->start_ns;
    s->end_ns = view->end_ns;
    s->name = span_name(view);
    s->trace_state = span_trace_state(span);
    s->status_message = span_status_message(span);
    s->dropped_attributes = find_count(span, SPAN_DROPPED_ATTRIBUTES);
    s->dropped_events = find_count(span, SPAN_DROPPED_EVENTS);
    s->dropped_links = find_count(span, SPAN_DROPPED_LINKS);
    lay_attributes(a, &s->attributes, span, SPAN_ATTRIBUTES);
    lay_events(a, s, span);
    lay_links(a, s, span);
}

/* Finds equal things: a table of numbers behind hashes, a power of two and at most half full. */
struct merger {
    uint32_t *slots; /* number + 1; 0: free */
    uint32_t mask;
    uint64_t seed;
};

static bool merger_begin(struct merger *m, struct arena *a, uint32_t count)
{
    uint32_t size = 8;
    while (size / 2 < count && size < UINT32_MAX / 2)
        size *= 2;
    m->mask = size - 1;
    m->seed = hash_seed();
    m->slots = arena_array(a, size, sizeof *m->slots);
    return m->slots != NULL;
}

/* Of what stands before and behind what they hold, for senders choose where attributes stand. */
static uint64_t hash_of(struct bytes head, struct bytes tail, uint64_t seed)
{
    uint64_t h = XXH3_64bits_withSeed(head.data, head.len, seed);
    return tail.len ? XXH3_64bits_withSeed(tail.data, tail.len, h) : h;
}

static bool same_resource(const struct resource_view *a, const struct resource_view *b)
{
    return bytes_equal(a->head, b->head) && bytes_equal(a->tail, b->tail);
}

/* Numbers the batch's resources so that equal ones share a number; `first` of each number is the
 * batch's index. Returns how many there are. */
static uint32_t merge_resources(struct merger *m, const struct batch *b, uint32_t *number,
                                uint32_t *first)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < b->resource_count; i++) {
        const struct resource_view *r = &b->resources[i];
        uint32_t at = (uint32_t)hash_of(r->head, r->tail, m->seed);
        for (at &= m->mask; m->slots[at]; at = (at + 1) & m->mask)
            if (same_resource(&b->resources[first[m->slots[at] - 1]], r))
                break;
        if (!m->slots[at]) {
            first[count] = i;
            m->slots[at] = ++count;
        }
        number[i] = m->slots[at] - 1;
    }
    return count;
}

static bool same_scope(const struct scope_view *a, const struct scope_view *b,
                       const uint32_t *resource_number)
{
    return resource_number[a->resource] == resource_number[b->resource] &&
           bytes_equal(a->head, b->head) && bytes_equal(a->tail, b->tail);
}

static uint32_t merge_scopes(struct merger *m, const struct batch *b,
                             const uint32_t *resource_number, uint32_t *number, uint32_t *first)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < b->scope_count; i++) {
        const struct scope_view *s = &b->scopes[i];
        uint32_t at = (uint32_t)hash_of(s->head, s->tail, m->seed + resource_number[s->resource]);
        for (at &= m->mask; m->slots[at]; at = (at + 1) & m->mask)
            if (same_scope(&b->scopes[first[m->slots[at] - 1]], s, resource_number))
                break;
        if (!m->slots[at]) {
            first[count] = i;
            m->slots[at] = ++count;
        }
        number[i] = m->slots[at] - 1;
    }
    return count;
}

static bool lay_resources(struct trace *t, const struct batch *b, uint32_t *number)
{
    struct merger m;
    uint32_t *first = arena_array(t->arena, b->resource_count, sizeof *first);
    if (!first || !merger_begin(&m, t->arena, b->resource_count))
        return false;
    t->resource_count = merge_resources(&m, b, number, first);
    t->resources = arena_array(t->arena, t->resource_count, sizeof *t->resources);
    for (uint32_t i = 0; t->resources && i < t->resource_count; i++) {
        const struct resource_view *view = &b->resources[first[i]];
        struct trace_resource *r = &t->resources[i];
        r->schema_url = last_schema_url(view->head, view->tail);
        r->dropped_attributes = find_count(view->message, RESOURCE_DROPPED_ATTRIBUTES);
        lay_attributes(t->arena, &r->attributes, view->message, RESOURCE_ATTRIBUTES);
    }
    return t->resources != NULL;
}

static bool lay_scopes(struct trace *t, const struct batch *b, const uint32_t *resource_number,
                       uint32_t *number)
{
    struct merger m;
    uint32_t *first = arena_array(t->arena, b->scope_count, sizeof *first);
    if (!first || !merger_begin(&m, t->arena, b->scope_count))
        return false;
    t->scope_count = merge_scopes(&m, b, resource_number, number, first);
    t->scopes = arena_array(t->arena, t->scope_count, sizeof *t->scopes);
    for (uint32_t i = 0; t->scopes && i < t->scope_count; i++) {
        const struct scope_view *view = &b->scopes[first[i]];
        struct trace_scope *s = &t->scopes[i];
        s->name = scope_name(view->message);
        s->version = scope_version(view->message);
        s->schema_url = last_schema_url(view->head, view->tail);
        s->dropped_attributes = find_count(view->message, SCOPE_DROPPED_ATTRIBUTES);
        s->resource = resource_number[view->resource];
        lay_attributes(t->arena, &s->attributes, view->message, SCOPE_ATTRIBUTES);
    }
    return t->scopes != NULL;
}

bool trace_build(struct trace *t, struct arena *a, const struct batch *b)
{
    *t = (struct trace){.arena = a, .span_count = b->span_count};
    uint32_t *resource_number = arena_array(a, b->resource_count, sizeof *resource_number);
    uint32_t *scope_number = arena_array(a, b->scope_count, sizeof *scope_number);
    t->spans = arena_array(a, b->span_count, sizeof *t->spans);
    if (!resource_number || !scope_number || !t->spans || !lay_resources(t, b, resource_number) ||
        !lay_scopes(t, b, resource_number, scope_number))
        return false;
    for (uint32_t i = 0; i < b->span_count && !a->failed; i++) {
        lay_span(a, &t->spans[i], &b->spans[i]);
        t->spans[i].scope = scope_number[b->spans[i].scope];
    }
    return !a->failed;
}

const char trace_warnings_key[] = "@jaeger@warnings";

struct trace_attribute *trace_attribute_add(struct trace *t, struct trace_attributes *a,
                                            const char *key)
{
    struct trace_attribute *more = arena_array(t->arena, a->count + 1, sizeof *more);
    if (!more)
        return NULL;
    if (a->count)
        memcpy(more, a->items, a->count * sizeof *more);
    a->items = more;
    more[a->count] = (struct trace_attribute){.key = bytes_of_string(key), .order = a->count};
    return &more[a->count++];
}

/* Room for one more: it doubles, as a span may have as many empty links as there is memory for. */
static bool reserve_warning(struct trace *t, struct trace_span *s)
{
    uint32_t count = s->warning_count;
    if (count & (count - 1))
        return true;
    const char **more = arena_array(t->arena, count ? (size_t)count * 2 : 1, sizeof *more);
    if (!more)
        return false;
    if (count)
        memcpy(more, s->warnings, count * sizeof *more);
    s->warnings = more;
    return true;
}

void trace_warn(struct trace *t, struct trace_span *s, const char *warning)
{
    if (!warning || !reserve_warning(t, s))
        return;
    if (s->warning_count == 0 && !trace_attribute_add(t, &s->attributes, trace_warnings_key))
        return;
    s->warnings[s->warning_count++] = warning;
}

struct trace_attribute *trace_attribute_find(const struct trace_attributes *a, const char *key)
{
    for (uint32_t i = a->count; i > 0; i--)
        if (bytes_equal_string(a->items[i - 1].key, key))
            return &a->items[i - 1];
    return NULL;
}

struct bytes trace_service_name(const struct trace_resource *r)
{
    const struct trace_attribute *name = trace_attribute_find(&r->attributes, "service.name");
    return name && name->value.type == VALUE_STRING ? name->value.bytes : (struct bytes){0};
}

void trace_attribute_set(struct trace *t, struct trace_attributes *a, const char *key,
                         struct bytes text)
{
    struct trace_attribute *found = trace_attribute_find(a, key);
    if (!found)
        found = trace_attribute_add(t, a, key);
    if (found)
        found->value = (struct value){.type = VALUE_STRING, .bytes = text};
}
