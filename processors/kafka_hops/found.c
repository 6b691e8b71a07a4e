/* A hop that was found: which attempt it is, what it teaches, and its account. */
#include "processors/kafka_hops/index_private.h"

#include <stdlib.h>

/* ---- the list ---- */

void found_hops_clear(struct found_hops *f)
{
    for (uint32_t i = 0; i < f->count; i++) {
        party_let_go(f->items[i].producer);
        party_let_go(f->items[i].consumer);
    }
    f->count = 0;
    f->lost = 0;
}

void found_hops_free(struct found_hops *f)
{
    found_hops_clear(f);
    free(f->items);
}

static struct found_hop *append(struct found_hops *f)
{
    if (f->count == f->capacity) {
        uint32_t capacity = f->capacity ? f->capacity * 2 : 16;
        struct found_hop *items = realloc(f->items, capacity * sizeof *items);
        if (!items) {
            f->lost++;
            return NULL;
        }
        f->items = items;
        f->capacity = capacity;
    }
    return &f->items[f->count++];
}

/* ---- learning ---- */

/* A consumer knows the place of its record, and its producer does not: now it does, so that other
 * groups and redeliveries are certain. */
static void learn_place(struct hop_index *ix, uint32_t number, const struct consumed *c,
                        unsigned confidence, struct found_hops *found)
{
    struct produced *p = produced_at(ix, number);
    const struct party *consumer = party_of_consumed(ix, c);
    if (p->offset >= 0 || c->offset < 0 || c->partition < 0 || c->via == VIA_ORIGINAL ||
        (p->partition >= 0 && p->partition != c->partition) ||
        !parties_match(party_of_produced(ix, p), consumer) ||
        find_by_place(ix, consumer, c->partition, c->offset, c->start_ns))
        return;
    int32_t partition = p->partition;
    p->partition = c->partition;
    p->offset = c->offset;
    if (!insert_produced_place(ix, number)) {
        p->partition = partition;
        p->offset = -1;
        return;
    }
    p->guessed = confidence < 100;
    p->confidence = (uint8_t)confidence;
    match_waiting_by_place(ix, number, found);
}

/* ---- a hop ---- */

static struct bytes first_known(struct bytes a, struct bytes b)
{
    return a.len > 0 ? a : b;
}

static struct hop hop_between(const struct produced *p, const struct party *producer,
                              const struct consumed *c, const struct party *consumer)
{
    struct hop hop = {
        .producer_end_ns = p->end_ns,
        .consumer_start_ns = c->start_ns,
        .topic =
            first_known(party_string(consumer, PARTY_TOPIC), party_string(producer, PARTY_TOPIC)),
        .group = party_string(consumer, PARTY_GROUP),
        .producer_service = party_string(producer, PARTY_SERVICE),
        .consumer_service = party_string(consumer, PARTY_SERVICE),
        .offset = c->offset >= 0 ? c->offset : p->offset,
        .partition = c->partition >= 0 ? c->partition : p->partition,
        .receives = c->receives,
    };
    memcpy(hop.producer_trace, p->trace_id, sizeof hop.producer_trace);
    memcpy(hop.producer_span, p->span_id, sizeof hop.producer_span);
    memcpy(hop.consumer_trace, c->trace_id, sizeof hop.consumer_trace);
    memcpy(hop.consumer_span, c->span_id, sizeof hop.consumer_span);
    return hop;
}

uint32_t delivery_group(const struct party *consumer, const struct consumed *c)
{
    uint32_t operation = c->via == VIA_ORIGINAL ? 2 : c->fetches;
    return (uint32_t)(consumer->key.group_hash * 3 + operation);
}

void found_hop(struct hop_index *ix, uint32_t number, struct consumed *c, enum hop_match by,
               unsigned confidence, uint32_t span, struct found_hops *found)
{
    struct produced *p = produced_at(ix, number);
    struct party *producer = party_of_produced(ix, p), *consumer = party_of_consumed(ix, c);
    struct hop hop = hop_between(p, producer, c, consumer);
    bool again;
    uint32_t attempt =
        deliveries_count(&ix->deliveries, &p->deliveries, delivery_group(consumer, c),
                         (uint32_t)ids_hash(c->trace_id, c->span_id), &again);
    if (by == HOP_BY_OFFSET && p->guessed)
        confidence = p->confidence;
    hop.matched_by = by;
    hop.attempt = c->attempt > attempt ? c->attempt : attempt;
    hop.confidence = (uint8_t)confidence;
    hop.inferred = confidence < 100;
    hop.waited = span == HOP_NO_SPAN;
    bool first = p->open;
    c->done = true;
    p->taken = true;
    p->open = false;
    if (again) {
        counter_add(ix->counters.repeated, 1);
    } else {
        counter_add(ix->counters.found[by], 1);
        hop_metrics_hop(ix->metrics, &hop);
        if (by != HOP_BY_ORIGINAL && attempt == 1)
            infer_learn_lag(consumer, p->end_ns, c->start_ns);
    }
    struct found_hop *f = append(found);
    if (f)
        *f = (struct found_hop){.hop = hop,
                                .producer = party_hold(producer),
                                .consumer = party_hold(consumer),
                                .span = span,
                                .again = again,
                                .first = first};
    else
        counter_add(ix->counters.overflow[OVERFLOW_MEMORY], 1);
    learn_place(ix, number, c, confidence, found);
}
