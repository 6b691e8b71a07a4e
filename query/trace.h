/* Spans laid out to be shown: attributes, events and links as arrays, ready to be adjusted.
 *
 * Everywhere else spans are wire bytes. An answer to a person is the one place that needs them
 * sorted, corrected and commented, so here, and only here, they become objects. They still borrow
 * every string from the batch, which has to outlive the trace; the arrays are the arena's. */
#ifndef TAILSPAN_QUERY_TRACE_H
#define TAILSPAN_QUERY_TRACE_H

#include "proto/attribute.h"
#include "proto/batch.h"
#include "query/arena.h"

struct trace_attribute {
    struct bytes key;
    struct value value;
    uint32_t order; /* on the wire */
};

struct trace_attributes {
    struct trace_attribute *items;
    uint32_t count;
};

struct trace_event {
    uint64_t time_ns;
    struct bytes name;
    struct trace_attributes attributes;
    uint32_t dropped_attributes;
    uint32_t order;
};

struct trace_link {
    struct bytes trace_id; /* 16 bytes, or what the sender put there */
    struct bytes span_id;
    struct bytes trace_state;
    struct trace_attributes attributes;
    uint32_t dropped_attributes;
    uint32_t flags;
};

struct trace_resource {
    struct trace_attributes attributes;
    struct bytes schema_url;
    uint32_t dropped_attributes;
};

struct trace_scope {
    struct bytes name;
    struct bytes version;
    struct bytes schema_url;
    struct trace_attributes attributes;
    uint32_t dropped_attributes;
    uint32_t resource; /* index into trace.resources */
};

struct trace_span {
    const struct span_view *view; /* what it was when it came */
    uint8_t span_id[8];
    uint8_t parent_span_id[8];
    uint64_t start_ns;
    uint64_t end_ns;
    struct bytes name;
    struct bytes trace_state;
    struct bytes status_message;
    struct trace_attributes attributes;
    struct trace_event *events;
    struct trace_link *links;
    const char **warnings; /* what was found wrong with it, in words for people */
    uint32_t event_count;
    uint32_t link_count;
    uint32_t warning_count;
    uint32_t dropped_attributes;
    uint32_t dropped_events;
    uint32_t dropped_links;
    uint32_t scope; /* index into trace.scopes */
    bool removed;   /* a copy of another span, not to be shown */
};

struct trace {
    struct arena *arena;
    struct trace_resource *resources; /* each once, by their bytes */
    struct trace_scope *scopes;       /* each once a resource */
    struct trace_span *spans;         /* in the batch's order */
    uint32_t resource_count;
    uint32_t scope_count;
    uint32_t span_count;
};

/* Lays out the spans of `b`. False: the arena is exhausted. */
bool trace_build(struct trace *t, struct arena *a, const struct batch *b);

/* Notes what is wrong with a span. The first time it gets an attribute, whose key is
 * trace_warnings_key and whose value is the warnings, because that is how Jaeger keeps them: sorted
 * among the others. */
void trace_warn(struct trace *t, struct trace_span *s, const char *warning);

extern const char trace_warnings_key[]; /* "@jaeger@warnings" */

/* Whether this is that attribute, and not one of the same name that a sender made. */
static inline bool trace_is_warnings(const struct trace_attribute *a)
{
    return a->key.data == (const uint8_t *)trace_warnings_key;
}

static inline struct trace_scope *trace_span_scope(const struct trace *t,
                                                   const struct trace_span *s)
{
    return &t->scopes[s->scope];
}

static inline struct trace_resource *trace_span_resource(const struct trace *t,
                                                         const struct trace_span *s)
{
    return &t->resources[t->scopes[s->scope].resource];
}

/* The last attribute with this key; NULL when there is none. */
struct trace_attribute *trace_attribute_find(const struct trace_attributes *a, const char *key);

/* The string value of service.name; empty when it has none. */
struct bytes trace_service_name(const struct trace_resource *r);

/* One more at the end, with an empty value; NULL: the arena is exhausted. */
struct trace_attribute *trace_attribute_add(struct trace *t, struct trace_attributes *a,
                                            const char *key);

/* Gives the attribute with this key a string value, or adds it at the end. */
void trace_attribute_set(struct trace *t, struct trace_attributes *a, const char *key,
                         struct bytes text);

#endif
