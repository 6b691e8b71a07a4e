/* The adjustments that look at one span or resource at a time; those that need the whole trace are
 * in adjust_trace.c. */
#include "query/adjust.h"

#include "proto/value_equal.h"
#include "query/adjust_trace.h"
#include "query/params.h"

#include <stdlib.h>

static void name_service(struct trace *t, struct trace_resource *r)
{
    const struct trace_attribute *name = trace_attribute_find(&r->attributes, "service.name");
    const char *replacement = NULL;
    if (!name)
        replacement = JAEGER_MISSING_SERVICE;
    else if (name->value.type != VALUE_STRING)
        replacement = "service-name-wrong-type";
    else if (name->value.bytes.len == 0)
        replacement = "empty-service-name";
    if (replacement)
        trace_attribute_set(t, &r->attributes, "service.name", bytes_of_string(replacement));
}

static void lengthen(struct trace *t, struct trace_span *s)
{
    if (s->start_ns < s->end_ns || s->start_ns == UINT64_MAX)
        return;
    char before[64];
    char after[64];
    format_go_time(s->end_ns, before);
    s->end_ns = s->start_ns + 1;
    format_go_time(s->end_ns, after);
    trace_warn(t, s,
               arena_printf(t->arena,
                            "Negative duration detected, sanitizing end timestamp. Original end "
                            "timestamp: %s, adjusted to: %s",
                            before, after));
}

void adjust_written(struct trace *t)
{
    for (uint32_t i = 0; i < t->resource_count; i++)
        name_service(t, &t->resources[i]);
    for (uint32_t i = 0; i < t->span_count; i++) {
        struct trace_span *s = &t->spans[i];
        if (s->name.len == 0)
            s->name = bytes_of_string(JAEGER_EMPTY_SPAN_NAME);
        lengthen(t, s);
    }
}

static int by_key(const void *x, const void *y)
{
    const struct trace_attribute *a = x;
    const struct trace_attribute *b = y;
    int order = bytes_compare(a->key, b->key);
    return order ? order : (a->order > b->order) - (a->order < b->order);
}

/* Sorts by key; of equal keys the last is kept. */
static void sort_attributes(struct trace_attributes *a)
{
    if (a->count < 2)
        return;
    qsort(a->items, a->count, sizeof *a->items, by_key);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < a->count; i++) {
        if (i + 1 < a->count && bytes_equal(a->items[i].key, a->items[i + 1].key))
            continue;
        a->items[kept++] = a->items[i];
    }
    a->count = kept;
}

static int by_name(const void *x, const void *y)
{
    const struct trace_event *a = x;
    const struct trace_event *b = y;
    int order = bytes_compare(a->name, b->name);
    return order ? order : (a->order > b->order) - (a->order < b->order);
}

static void sort_collections(struct trace *t)
{
    for (uint32_t i = 0; i < t->resource_count; i++)
        sort_attributes(&t->resources[i].attributes);
    for (uint32_t i = 0; i < t->scope_count; i++)
        sort_attributes(&t->scopes[i].attributes);
    for (uint32_t i = 0; i < t->span_count; i++) {
        struct trace_span *s = &t->spans[i];
        sort_attributes(&s->attributes);
        if (s->event_count > 1)
            qsort(s->events, s->event_count, sizeof *s->events, by_name);
        for (uint32_t k = 0; k < s->event_count; k++)
            sort_attributes(&s->events[k].attributes);
        for (uint32_t k = 0; k < s->link_count; k++)
            sort_attributes(&s->links[k].attributes);
    }
}

/* An IPv4 address that was sent as a number becomes its dotted form. */
static void spell_addresses(struct trace *t, struct trace_attributes *a)
{
    for (uint32_t i = 0; i < a->count; i++) {
        struct trace_attribute *attribute = &a->items[i];
        if (!bytes_equal_string(attribute->key, "ip") &&
            !bytes_equal_string(attribute->key, "peer.ipv4"))
            continue;
        uint32_t ip;
        double real = attribute->value.real;
        if (attribute->value.type == VALUE_INT)
            ip = (uint32_t)attribute->value.integer;
        else if (attribute->value.type == VALUE_DOUBLE && real > -1 && real < 4294967296.0)
            ip = (uint32_t)real;
        else
            continue;
        const char *text = arena_printf(t->arena, "%u.%u.%u.%u", ip >> 24, ip >> 16 & 255,
                                        ip >> 8 & 255, ip & 255);
        if (text)
            attribute->value = (struct value){.type = VALUE_STRING, .bytes = bytes_of_string(text)};
    }
}

static const char *const library_keys[] = {
    "telemetry.sdk.language", "telemetry.sdk.name",       "telemetry.sdk.version",
    "telemetry.distro.name",  "telemetry.distro.version",
};
enum { LIBRARY_KEYS = sizeof library_keys / sizeof library_keys[0] };

/* Where a resource has them, from 1: a resource may have a million attributes, and every span asks.
 */
struct library {
    uint32_t at[LIBRARY_KEYS]; /* 0: it has none */
};

static struct library *find_libraries(struct trace *t)
{
    struct library *l = arena_array(t->arena, t->resource_count, sizeof *l);
    for (uint32_t i = 0; l && i < t->resource_count; i++) {
        const struct trace_attributes *a = &t->resources[i].attributes;
        for (size_t k = 0; k < LIBRARY_KEYS; k++) {
            const struct trace_attribute *found = trace_attribute_find(a, library_keys[k]);
            l[i].at[k] = found ? (uint32_t)(found - a->items) + 1 : 0;
        }
    }
    return l;
}

/* What tells about the instrumenting library belongs to the process, not to each span. */
static void move_library(struct trace *t, struct trace_span *s, struct library *libraries, size_t k)
{
    const char *key = library_keys[k];
    struct trace_attribute *mine = trace_attribute_find(&s->attributes, key);
    if (!mine)
        return;
    struct trace_resource *r = trace_span_resource(t, s);
    uint32_t *at = &libraries[r - t->resources].at[k];
    if (*at && !value_equal(&r->attributes.items[*at - 1].value, &mine->value)) {
        trace_warn(t, s,
                   arena_printf(t->arena,
                                "conflicting values between Span and Resource for attribute %s",
                                key));
        return;
    }
    if (!*at) {
        struct trace_attribute *added = trace_attribute_add(t, &r->attributes, key);
        if (!added)
            return;
        added->value = mine->value;
        *at = r->attributes.count;
    }
    *mine = s->attributes.items[--s->attributes.count]; /* the last fills the hole, as in Jaeger */
}

static bool link_is_empty(const struct trace_link *l)
{
    for (size_t i = 0; i < l->trace_id.len; i++)
        if (l->trace_id.data[i])
            return false;
    return true;
}

static void remove_empty_links(struct trace *t, struct trace_span *s)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->link_count; i++) {
        if (link_is_empty(&s->links[i]))
            trace_warn(t, s, "Invalid span link removed");
        else
            s->links[kept++] = s->links[i];
    }
    s->link_count = kept;
}

void adjust_read(struct trace *t)
{
    adjust_shared_ids(t);
    sort_collections(t);
    adjust_copies(t);
    adjust_clock_skew(t);
    for (uint32_t i = 0; i < t->resource_count; i++)
        spell_addresses(t, &t->resources[i].attributes);
    struct library *libraries = find_libraries(t);
    for (uint32_t i = 0; libraries && i < t->span_count; i++) {
        struct trace_span *s = &t->spans[i];
        spell_addresses(t, &s->attributes);
        for (size_t k = 0; k < LIBRARY_KEYS; k++)
            move_library(t, s, libraries, k);
        remove_empty_links(t, s);
    }
}
