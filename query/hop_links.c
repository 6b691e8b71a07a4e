/* Jaeger shows links as references, and follows them to the other trace. A span that came with a
 * link says where its message came from; where it went to no span can say, because that had not
 * happened yet. */
#include "query/hop_links.h"

#include "storage/store_hops.h"

enum { HOPS_MAX = 10000 };

/* One side of a hop, as seen from the other. */
struct end {
    const uint8_t *trace_id;
    const uint8_t *span_id;
};

static bool has_link(const struct trace_span *s, struct bytes trace_id, struct bytes span_id)
{
    for (uint32_t i = 0; i < s->link_count; i++) {
        if (bytes_equal(s->links[i].trace_id, trace_id) &&
            bytes_equal(s->links[i].span_id, span_id))
            return true;
    }
    return false;
}

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

static void add_link(struct trace *t, struct trace_span *s, const struct end *to,
                     const struct store_hop *hop)
{
    struct bytes trace_id = bytes_of(to->trace_id, 16), span_id = bytes_of(to->span_id, 8);
    if (has_link(s, trace_id, span_id))
        return;
    struct trace_link *links = arena_array(t->arena, s->link_count + 1, sizeof *links);
    const char *ids = arena_copy(t->arena, to->trace_id, 16);
    const char *span = arena_copy(t->arena, to->span_id, 8);
    if (!links || !ids || !span)
        return;
    if (s->link_count)
        memcpy(links, s->links, s->link_count * sizeof *links);
    links[s->link_count] =
        (struct trace_link){.trace_id = bytes_of(ids, 16), .span_id = bytes_of(span, 8)};
    describe(t, &links[s->link_count], hop);
    s->links = links;
    s->link_count++;
}

/* The span that this end is; NULL: it is of another trace. */
static struct trace_span *find_span(struct trace *t, const struct end *e)
{
    for (uint32_t i = 0; i < t->span_count; i++) {
        if (memcmp(t->spans[i].view->span_id, e->span_id, 8) == 0 &&
            memcmp(t->spans[i].view->trace_id, e->trace_id, 16) == 0)
            return &t->spans[i];
    }
    return NULL;
}

static void add_hop(struct trace *t, const struct store_hop *hop)
{
    const struct end producer = {hop->producer_trace, hop->producer_span};
    const struct end consumer = {hop->consumer_trace, hop->consumer_span};
    struct trace_span *from = find_span(t, &producer), *to = find_span(t, &consumer);
    if (from && to && memcmp(to->view->parent_span_id, hop->producer_span, 8) == 0)
        return; /* parent and child, which everybody sees */
    if (to)
        add_link(t, to, &producer, hop);
    if (from)
        add_link(t, from, &consumer, hop);
}

void hop_links_add(struct store_reader *r, struct trace *t)
{
    struct store_hops hops;
    if (t->span_count == 0)
        return;
    const uint8_t(*id)[16] = (const uint8_t(*)[16])t->spans[0].view->trace_id;
    if (store_hops_of(r, id, 1, HOPS_MAX, &hops)) {
        for (size_t i = 0; i < hops.count; i++)
            add_hop(t, &hops.items[i]);
    }
    store_hops_free(&hops);
}
