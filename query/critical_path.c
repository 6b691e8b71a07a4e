/* Backwards, from the span that ends last to whoever caused it: through the hop that brought its
 * message, else to its parent, until nobody is left. What a span did until it caused the next one
 * is its segment. A consumer that began before its producer ended, by clocks that differ, has a hop
 * of no length. */
#include "query/critical_path.h"

#include "component/clock.h"
#include "query/id_table.h"

/* One trace of the path at a time is looked at. */
struct walk {
    struct store_reader *reader;
    struct arena *arena;
    const struct journey *journey;
    struct critical_path *out;
    struct batch *batch; /* the trace that the walk is in */
    struct arena memory; /* of its spans' ids */
    struct id_table ids;
};

/* Takes over `b`; the trace before it is let go. False: it has no spans, or out of memory. */
static bool enter(struct walk *w, struct batch *b)
{
    batch_release(w->batch);
    w->batch = b;
    arena_free(&w->memory);
    if (b->span_count == 0)
        return false;
    if (id_table_fill(&w->ids, &w->memory, b->spans->span_id, sizeof *b->spans, b->span_count))
        return true;
    w->arena->failed = true;
    return false;
}

static const struct span_view *find_span(const struct walk *w, const uint8_t id[8])
{
    uint32_t at = *id_table_slot(&w->ids, id);
    return at == ID_NONE ? NULL : &w->batch->spans[at];
}

static const struct span_view *latest_end(const struct batch *b)
{
    const struct span_view *last = NULL;
    for (uint32_t i = 0; i < b->span_count; i++) {
        if (!last || b->spans[i].end_ns > last->end_ns)
            last = &b->spans[i];
    }
    return last;
}

static const struct store_hop *hop_to(const struct journey *j, const struct span_view *s)
{
    for (size_t i = 0; i < j->hops.count; i++) {
        const struct store_hop *h = &j->hops.items[i];
        if (memcmp(h->consumer_span, s->span_id, 8) == 0 &&
            memcmp(h->consumer_trace, s->trace_id, 16) == 0)
            return h;
    }
    return NULL;
}

static struct bytes copy(struct walk *w, struct bytes text)
{
    const char *at = arena_copy(w->arena, text.data, text.len);
    return bytes_of(at, at ? text.len : 0);
}

static bool add(struct walk *w, struct path_segment s)
{
    if (w->out->count == CRITICAL_PATH_MAX) {
        w->out->cut = true;
        return false;
    }
    s.end_ns = s.end_ns < s.start_ns ? s.start_ns : s.end_ns;
    w->out->segments[w->out->count++] = s;
    return true;
}

static bool add_span(struct walk *w, const struct span_view *s, uint64_t until_ns)
{
    struct path_segment segment = {
        .service = copy(w, resource_service_name(span_resource(w->batch, s))),
        .name = copy(w, span_name(s)),
        .start_ns = s->start_ns,
        .end_ns = until_ns,
    };
    memcpy(segment.trace_id, s->trace_id, 16);
    memcpy(segment.span_id, s->span_id, 8);
    return add(w, segment);
}

static bool add_hop(struct walk *w, const struct store_hop *h)
{
    struct path_segment segment = {
        .hop = true,
        .service = copy(w, h->consumer_service),
        .name = copy(w, h->topic),
        .start_ns = h->producer_end_ns ? h->producer_end_ns : h->consumer_start_ns,
        .end_ns = h->consumer_start_ns,
    };
    memcpy(segment.trace_id, h->consumer_trace, 16);
    memcpy(segment.span_id, h->consumer_span, 8);
    return add(w, segment);
}

/* The hop's producer, in whatever trace it is; NULL: it is not stored. */
static const struct span_view *follow(struct walk *w, const struct store_hop *h)
{
    if (memcmp(w->batch->spans[0].trace_id, h->producer_trace, 16) != 0) {
        struct batch *b = store_trace(w->reader, h->producer_trace);
        if (!b || b->span_count == 0) {
            batch_release(b);
            return NULL;
        }
        if (!enter(w, b))
            return NULL;
    }
    return find_span(w, h->producer_span);
}

/* Adds the segment of `s`, that ended its part at `until_ns`, and returns who caused it. NULL:
 * nobody. */
static const struct span_view *step(struct walk *w, const struct span_view *s, uint64_t *until_ns)
{
    const struct store_hop *hop = hop_to(w->journey, s);
    if (!add_span(w, s, *until_ns))
        return NULL;
    *until_ns = s->start_ns;
    if (!hop)
        return span_is_root(s) ? NULL : find_span(w, s->parent_span_id);
    if (!add_hop(w, hop))
        return NULL;
    const struct span_view *producer = follow(w, hop);
    *until_ns = producer ? producer->end_ns : 0;
    return producer;
}

static void turn_round(struct critical_path *p)
{
    for (size_t i = 0; i < p->count / 2; i++) {
        struct path_segment s = p->segments[i];
        p->segments[i] = p->segments[p->count - 1 - i];
        p->segments[p->count - 1 - i] = s;
    }
}

bool critical_path_find(struct store_reader *r, struct arena *a, const struct journey *j,
                        const uint8_t last[16], uint64_t deadline_ns, struct critical_path *out)
{
    struct walk w = {.reader = r, .arena = a, .journey = j, .out = out};
    *out = (struct critical_path){.segments =
                                      arena_array(a, CRITICAL_PATH_MAX, sizeof *out->segments)};
    if (!out->segments)
        return false;
    struct batch *b = store_trace(r, last);
    const struct span_view *s = b && enter(&w, b) ? latest_end(b) : NULL;
    uint64_t until_ns = s ? s->end_ns : 0;
    while (s && monotonic_ns() < deadline_ns)
        s = step(&w, s, &until_ns);
    out->cut |= s != NULL;
    batch_release(w.batch);
    arena_free(&w.memory);
    turn_round(out);
    return !a->failed;
}
