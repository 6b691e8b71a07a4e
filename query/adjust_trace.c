#include "query/adjust_trace.h"

#include "component/hash_seed.h"
#include "proto/span_kind.h"
#include "proto/value_text.h"
#include "query/id_table.h"
#include "query/params.h"

#include <xxhash.h>

static uint64_t load_id(const uint8_t id[8])
{
    uint64_t n;
    memcpy(&n, id, sizeof n);
    return n;
}

static bool table_begin(struct id_table *table, struct trace *t)
{
    return id_table_begin(table, t->arena, t->spans->span_id, sizeof *t->spans, t->span_count);
}

/* Shared ids. New ids count up from 1, past those that are taken. */

static void put_id(uint8_t id[8], uint64_t n)
{
    for (int i = 7; i >= 0; i--, n >>= 8)
        id[i] = (uint8_t)n;
}

/* Which spans' ids, by the first span that has each, a client span has too. */
static bool *find_clients(struct trace *t, const struct id_table *table)
{
    bool *client = arena_array(t->arena, t->span_count, sizeof *client);
    for (uint32_t i = 0; client && i < t->span_count; i++) {
        uint32_t *slot = id_table_slot(table, t->spans[i].span_id);
        if (*slot == ID_NONE)
            *slot = i;
        client[*slot] |= t->spans[i].view->kind == SPAN_KIND_CLIENT;
    }
    return client;
}

/* What changes: the new id of a span, and the id that stands for its old one, kept by the first
 * span that has it; zero where nothing changes. Slots are looked up before any id changes. */
struct renaming {
    uint8_t id[8];
    uint8_t successor[8];
    uint32_t own;    /* the first span with its id */
    uint32_t parent; /* the first span with its parent's id, or ID_NONE */
};

static bool choose_ids(struct trace *t, const struct id_table *table, const bool *client,
                       struct renaming *r)
{
    uint64_t next = 0;
    for (uint32_t i = 0; i < t->span_count; i++) {
        const struct trace_span *s = &t->spans[i];
        r[i].own = *id_table_slot(table, s->span_id);
        r[i].parent = *id_table_slot(table, s->parent_span_id);
        if (s->view->kind != SPAN_KIND_SERVER || !client[r[i].own])
            continue;
        do
            put_id(r[i].id, ++next);
        while (*id_table_slot(table, r[i].id) != ID_NONE);
        memcpy(r[r[i].own].successor, r[i].id, sizeof r[i].id);
    }
    return next > 0;
}

void adjust_shared_ids(struct trace *t)
{
    struct id_table table;
    if (!table_begin(&table, t))
        return;
    bool *client = find_clients(t, &table);
    struct renaming *r = arena_array(t->arena, t->span_count, sizeof *r);
    if (!client || !r || !choose_ids(t, &table, client, r))
        return;
    for (uint32_t i = 0; i < t->span_count; i++) {
        struct trace_span *s = &t->spans[i];
        uint32_t parent = r[i].parent;
        if (load_id(r[i].id)) {
            memcpy(s->parent_span_id, s->span_id, sizeof s->parent_span_id);
            memcpy(s->span_id, r[i].id, sizeof s->span_id);
            parent = r[i].own;
        }
        if (parent == ID_NONE || !load_id(r[parent].successor) ||
            load_id(r[parent].successor) == load_id(s->span_id))
            continue;
        memcpy(s->parent_span_id, r[parent].successor, sizeof s->parent_span_id);
    }
}

/* Copies. */

static bool same_span(const struct trace_span *a, const struct trace_span *b)
{
    return a->scope == b->scope && load_id(a->span_id) == load_id(b->span_id) &&
           bytes_equal(span_bytes(a->view), span_bytes(b->view));
}

/* Of all that same_span() compares: spans that were the same until their shared id was renamed must
 * not fall into one chain. */
static uint64_t span_hash(const struct trace_span *s, uint64_t seed)
{
    const uint64_t all[] = {XXH3_64bits_withSeed(s->view->data, s->view->len, seed),
                            load_id(s->span_id), s->scope};
    return XXH3_64bits_withSeed(all, sizeof all, seed);
}

void adjust_copies(struct trace *t)
{
    struct id_table table;
    if (!table_begin(&table, t))
        return;
    for (uint32_t i = 0; i < t->span_count; i++) {
        struct trace_span *s = &t->spans[i];
        uint32_t at = (uint32_t)span_hash(s, table.seed) & table.mask;
        while (table.slots[at] != ID_NONE && !same_span(&t->spans[table.slots[at]], s))
            at = (at + 1) & table.mask;
        s->removed = table.slots[at] != ID_NONE;
        if (!s->removed)
            table.slots[at] = i;
    }
}

/* Clock skew. */

struct node {
    uint32_t parent;
    uint32_t child;   /* the first */
    uint32_t sibling; /* the next */
    int64_t skew_ns;
    bool unique; /* the first span with its id */
};

/* What tells one host from another; empty when nothing does. */
static struct bytes host_key(struct trace *t, const struct trace_resource *r)
{
    static const char *const keys[] = {"host.id", "host.ip", "host.name"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const struct trace_attribute *a = trace_attribute_find(&r->attributes, keys[i]);
        if (!a)
            continue;
        if (a->value.type == VALUE_STRING)
            return a->value.bytes;
        struct value_iterator it;
        struct value first;
        if (a->value.type == VALUE_ARRAY && i == 1) {
            value_begin(&it, a->value.bytes);
            if (!value_next(&it, &first))
                continue;
            struct value_text room = {0};
            struct bytes text = value_text(&first, &room);
            const char *copy = arena_copy(t->arena, text.data, text.len);
            struct bytes key = bytes_of(copy, copy ? text.len : 0);
            value_text_free(&room);
            return key;
        }
        if (i != 1)
            return (struct bytes){0};
    }
    return (struct bytes){0};
}

/* A number for a host, 0 for none: names may be megabytes, and are compared for every span. */
static uint64_t host_number(struct trace *t, const struct trace_resource *r)
{
    struct bytes key = host_key(t, r);
    return key.len ? XXH3_64bits_withSeed(key.data, key.len, hash_seed()) | 1 : 0;
}

static int64_t clamp(__int128 n)
{
    if (n > INT64_MAX)
        return INT64_MAX;
    return n < INT64_MIN ? INT64_MIN : (int64_t)n;
}

/* How far the child would have to be moved to lie within its parent. */
static int64_t skew_between(const struct trace_span *child, const struct trace_span *parent)
{
    __int128 parent_start = (int64_t)parent->start_ns;
    __int128 child_start = (int64_t)child->start_ns;
    __int128 parent_end = (int64_t)parent->end_ns;
    __int128 child_end = (int64_t)child->end_ns;
    __int128 parent_len = parent_end - parent_start;
    __int128 child_len = child_end - child_start;
    if (child_len > parent_len)
        return child_start < parent_start ? clamp(parent_start - child_start) : 0;
    if (child_start >= parent_start && child_end <= parent_end)
        return 0;
    return clamp(parent_start + (parent_len - child_len) / 2 - child_start);
}

static void warn_missing_parent(struct trace *t, struct trace_span *s)
{
    const uint8_t *id = s->parent_span_id;
    trace_warn(t, s,
               arena_printf(t->arena,
                            "parent span ID=%02x%02x%02x%02x%02x%02x%02x%02x is not in the trace; "
                            "skipping clock skew adjustment",
                            id[0], id[1], id[2], id[3], id[4], id[5], id[6], id[7]));
}

/* Makes the tree; spans without a parent in the trace are pushed onto `stack`. Returns how many. */
static uint32_t link_nodes(struct trace *t, const struct id_table *table, struct node *nodes,
                           uint32_t *stack)
{
    uint32_t roots = 0;
    for (uint32_t i = 0; i < t->span_count; i++) {
        struct trace_span *s = &t->spans[i];
        if (!nodes[i].unique)
            continue;
        uint32_t parent = ID_NONE;
        if (load_id(s->parent_span_id)) {
            parent = *id_table_slot(table, s->parent_span_id);
            if (parent == ID_NONE)
                warn_missing_parent(t, s);
        }
        nodes[i].parent = parent;
        if (parent == ID_NONE) {
            stack[roots++] = i;
        } else {
            nodes[i].sibling = nodes[parent].child;
            nodes[parent].child = i;
        }
    }
    return roots;
}

static bool find_unique(struct trace *t, struct id_table *table, struct node *nodes)
{
    if (!table_begin(table, t))
        return false;
    for (uint32_t i = 0; i < t->span_count; i++) {
        struct trace_span *s = &t->spans[i];
        nodes[i] = (struct node){.parent = ID_NONE, .child = ID_NONE, .sibling = ID_NONE};
        if (s->removed)
            continue;
        uint32_t *slot = id_table_slot(table, s->span_id);
        nodes[i].unique = *slot == ID_NONE;
        if (nodes[i].unique)
            *slot = i;
        else
            trace_warn(t, s, "duplicate span IDs; skipping clock skew adjustment");
    }
    return true;
}

static void warn_skew(struct trace *t, struct trace_span *s, int64_t skew_ns)
{
    char text[40];
    format_duration(skew_ns, text);
    trace_warn(t, s,
               arena_printf(t->arena,
                            "clock skew adjustment disabled; not applying calculated delta of %s",
                            text));
}

/* Walks down from the roots. A span on its parent's host has its parent's skew. */
static void walk(struct trace *t, struct node *nodes, const uint64_t *hosts, uint32_t *stack,
                 uint32_t depth)
{
    while (depth > 0) {
        uint32_t i = stack[--depth];
        struct trace_span *s = &t->spans[i];
        uint32_t parent = nodes[i].parent;
        if (parent != ID_NONE) {
            uint64_t host = hosts[t->scopes[s->scope].resource];
            uint64_t above = hosts[t->scopes[t->spans[parent].scope].resource];
            bool same = host && host == above;
            nodes[i].skew_ns = same ? nodes[parent].skew_ns : skew_between(s, &t->spans[parent]);
            if (nodes[i].skew_ns)
                warn_skew(t, s, nodes[i].skew_ns);
        }
        for (uint32_t c = nodes[i].child; c != ID_NONE; c = nodes[c].sibling)
            stack[depth++] = c;
    }
}

void adjust_clock_skew(struct trace *t)
{
    struct id_table table;
    struct node *nodes = arena_array(t->arena, t->span_count, sizeof *nodes);
    uint32_t *stack = arena_array(t->arena, t->span_count, sizeof *stack);
    uint64_t *hosts = arena_array(t->arena, t->resource_count, sizeof *hosts);
    if (!nodes || !stack || !hosts || !find_unique(t, &table, nodes))
        return;
    for (uint32_t i = 0; i < t->resource_count; i++)
        hosts[i] = host_number(t, &t->resources[i]);
    walk(t, nodes, hosts, stack, link_nodes(t, &table, nodes, stack));
}
