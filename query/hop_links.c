/* Jaeger shows links as references, and follows them to the other trace. A span that came with a
 * link says where its message came from; where it went to no span can say, because that had not
 * happened yet. */
#include "query/hop_links.h"

#include "component/clock.h"
#include "component/hash_seed.h"
#include "query/id_table.h"
#include "storage/store_hops.h"

#include <xxhash.h>

enum { HOPS_MAX = 10000 };

/* One side of a hop, as seen from the other. */
struct end {
    const uint8_t *trace_id;
    const uint8_t *span_id;
};

/* A hop of which this trace has at least one side. */
struct joint {
    const struct store_hop *hop;
    uint32_t producer; /* index of the span; ID_NONE: it is of another trace */
    uint32_t consumer;
};

/* The links that the spans have, so that none is added again: open addressing. */
struct link_set {
    struct {
        uint32_t span; /* ID_NONE: the slot is free */
        uint32_t link;
    } * slots;
    size_t mask;
};

struct linking {
    struct trace *trace;
    struct joint *joints;
    size_t joint_count;
    struct link_set known;
};

/* The rest is for what shows the trace. */
static bool crowded(const struct arena *a)
{
    return a->limit && a->used > a->limit / 2;
}

/* ---- which spans ---- */

static uint32_t find_span(const struct trace *t, const struct id_table *ids, const uint8_t *trace,
                          const uint8_t *span)
{
    uint32_t at = *id_table_slot(ids, span);
    if (at != ID_NONE && memcmp(t->spans[at].view->trace_id, trace, 16) != 0)
        return ID_NONE;
    return at;
}

/* Parent and child everybody sees. */
static bool are_related(const struct trace *t, const struct joint *j)
{
    return j->producer != ID_NONE && j->consumer != ID_NONE &&
           memcmp(t->spans[j->consumer].view->parent_span_id, j->hop->producer_span, 8) == 0;
}

static bool find_joints(struct linking *l, const struct store_hops *hops)
{
    struct trace *t = l->trace;
    struct id_table ids;
    l->joints = arena_array(t->arena, hops->count, sizeof *l->joints);
    if (!l->joints ||
        !id_table_fill(&ids, t->arena, t->spans->span_id, sizeof *t->spans, t->span_count))
        return false;
    for (size_t i = 0; i < hops->count; i++) {
        const struct store_hop *h = &hops->items[i];
        const struct joint j = {h, find_span(t, &ids, h->producer_trace, h->producer_span),
                                find_span(t, &ids, h->consumer_trace, h->consumer_span)};
        if (!are_related(t, &j))
            l->joints[l->joint_count++] = j;
    }
    return true;
}

/* ---- which links ---- */

static bool is_link(const struct trace_link *l, struct bytes trace_id, struct bytes span_id)
{
    return bytes_equal(l->trace_id, trace_id) && bytes_equal(l->span_id, span_id);
}

/* Notes that the span has this link, which is, or will be, its `link`th. False: it was known. */
static bool note(struct linking *l, uint32_t span, uint32_t link, struct bytes trace_id,
                 struct bytes span_id)
{
    uint64_t hash = XXH3_64bits_withSeed(trace_id.data, trace_id.len, hash_seed() + span);
    hash = XXH3_64bits_withSeed(span_id.data, span_id.len, hash);
    size_t at = hash & l->known.mask;
    for (; l->known.slots[at].span != ID_NONE; at = (at + 1) & l->known.mask) {
        if (l->known.slots[at].span == span &&
            is_link(&l->trace->spans[span].links[l->known.slots[at].link], trace_id, span_id))
            return false;
    }
    l->known.slots[at].span = span;
    l->known.slots[at].link = link;
    return true;
}

static void note_own_links(struct linking *l, uint32_t span)
{
    const struct trace_span *s = &l->trace->spans[span];
    for (uint32_t i = 0; i < s->link_count; i++)
        note(l, span, i, s->links[i].trace_id, s->links[i].span_id);
}

/* ---- room ---- */

static bool widen(struct trace *t, struct trace_span *s, uint32_t more)
{
    struct trace_link *links = arena_array(t->arena, (size_t)s->link_count + more, sizeof *links);
    if (links && s->link_count)
        memcpy(links, s->links, s->link_count * sizeof *links);
    if (links)
        s->links = links;
    return links != NULL;
}

/* How many links each span may get. */
static uint32_t *count_links(const struct linking *l)
{
    uint32_t *more = arena_array(l->trace->arena, l->trace->span_count, sizeof *more);
    for (size_t i = 0; more && i < l->joint_count; i++) {
        if (l->joints[i].producer != ID_NONE)
            more[l->joints[i].producer]++;
        if (l->joints[i].consumer != ID_NONE)
            more[l->joints[i].consumer]++;
    }
    return more;
}

static bool make_set(struct linking *l, size_t links)
{
    size_t slots = 8;
    while (slots < 2 * links)
        slots *= 2;
    l->known.mask = slots - 1;
    l->known.slots = arena_array(l->trace->arena, slots, sizeof *l->known.slots);
    if (l->known.slots)
        memset(l->known.slots, 0xff, slots * sizeof *l->known.slots);
    return l->known.slots != NULL;
}

/* Once for each span, for all links that it may get. */
static bool make_room(struct linking *l)
{
    struct trace *t = l->trace;
    const uint32_t *more = count_links(l);
    size_t links = 0;
    for (uint32_t i = 0; more && i < t->span_count; i++) {
        if (more[i] && !widen(t, &t->spans[i], more[i]))
            return false;
        links += more[i] ? (size_t)t->spans[i].link_count + more[i] : 0;
    }
    if (!more || !make_set(l, links))
        return false;
    for (uint32_t i = 0; i < t->span_count; i++) {
        if (more[i])
            note_own_links(l, i);
    }
    return true;
}

/* ---- links ---- */

static void copy_text(struct trace *t, struct trace_link *l, const char *key, struct bytes text)
{
    const char *copy = text.len ? arena_copy(t->arena, text.data, text.len) : NULL;
    if (copy)
        trace_attribute_set(t, &l->attributes, key, bytes_of(copy, text.len));
}

static void describe(struct trace *t, struct trace_link *l, const struct store_hop *hop)
{
    copy_text(t, l, "tailspan.hop.matched_by", hop->matched_by);
    copy_text(t, l, "messaging.destination.name", hop->topic);
    copy_text(t, l, "messaging.consumer.group.name", hop->group);
}

static void add_link(struct linking *l, uint32_t span, const struct end *to,
                     const struct store_hop *hop)
{
    struct trace *t = l->trace;
    struct trace_span *s = &t->spans[span];
    const char *ids = arena_copy(t->arena, to->trace_id, 16);
    const char *span_id = arena_copy(t->arena, to->span_id, 8);
    if (!ids || !span_id)
        return;
    struct trace_link *link = &s->links[s->link_count];
    *link = (struct trace_link){.trace_id = bytes_of(ids, 16), .span_id = bytes_of(span_id, 8)};
    if (!note(l, span, s->link_count, link->trace_id, link->span_id))
        return;
    s->link_count++;
    describe(t, link, hop);
}

static void add_links(struct linking *l, uint64_t deadline_ns)
{
    const struct trace *t = l->trace;
    for (size_t i = 0; i < l->joint_count; i++) {
        const struct joint *j = &l->joints[i];
        const struct store_hop *h = j->hop;
        const struct end producer = {h->producer_trace, h->producer_span};
        const struct end consumer = {h->consumer_trace, h->consumer_span};
        if (crowded(t->arena) || monotonic_ns() >= deadline_ns)
            return;
        if (j->consumer != ID_NONE)
            add_link(l, j->consumer, &producer, h);
        if (j->producer != ID_NONE)
            add_link(l, j->producer, &consumer, h);
    }
}

void hop_links_add(struct store_reader *r, struct trace *t, uint64_t deadline_ns)
{
    struct store_hops hops;
    struct linking l = {.trace = t};
    if (t->span_count == 0 || t->arena->failed || crowded(t->arena) ||
        monotonic_ns() >= deadline_ns)
        return;
    const uint8_t(*id)[16] = (const uint8_t(*)[16])t->spans[0].view->trace_id;
    if (store_hops_of(r, id, 1, HOPS_MAX, &hops) && hops.count > 0 && find_joints(&l, &hops) &&
        make_room(&l))
        add_links(&l, deadline_ns);
    store_hops_free(&hops);
    t->arena->failed = false; /* fewer links */
}
