/* What is certain: a link, a parent, a place. */
#include "processors/kafka_hops/index_private.h"

#include "component/hash_seed.h"
#include "proto/span_kind.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* ---- hashes ---- */

static uint64_t mix(uint64_t a, uint64_t b)
{
    __uint128_t product =
        (__uint128_t)(a ^ 0x9e3779b97f4a7c15u) * (b ^ hash_seed() ^ 0xbf58476d1ce4e5b9u);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t ids_hash(const uint8_t trace_id[16], const uint8_t span_id[8])
{
    uint8_t ids[24];
    memcpy(ids, trace_id, 16);
    memcpy(ids + 16, span_id, 8);
    return XXH3_64bits_withSeed(ids, sizeof ids, hash_seed());
}

uint32_t place_hash(uint64_t hash, int32_t partition, int64_t offset)
{
    return (uint32_t)mix(hash + (uint64_t)partition, (uint64_t)offset);
}

uint32_t key_hash(struct bytes key)
{
    if (key.len == 0)
        return 0;
    uint32_t h = (uint32_t)XXH3_64bits_withSeed(key.data, key.len, hash_seed());
    return h ? h : 1;
}

uint32_t topic_key_hash(uint64_t hash, uint32_t key)
{
    return (uint32_t)mix(hash, key);
}

void hop_index_hash(const struct span_view *view, const struct message *m,
                    const struct party_key *party, struct index_hashes *out)
{
    bool producer = m->role == MESSAGE_PRODUCER;
    *out = (struct index_hashes){
        .ids = ids_hash(view->trace_id, producer ? view->span_id : view->parent_span_id),
        .place = place_hash(party->topic_hash, m->place.partition, m->place.offset),
        .key = topic_key_hash(party->topic_hash, key_hash(m->key)),
        .producer = producer};
}

void hop_index_prefetch_buckets(const struct hop_index *ix, const struct index_hashes *h)
{
    chains_prefetch_bucket(&ix->produced_id, (uint32_t)h->ids);
    chains_prefetch_bucket(&ix->produced_place, h->place);
    chains_prefetch_bucket(&ix->consumed_place, h->place);
    chains_prefetch_bucket(&ix->consumed_target, (uint32_t)h->ids);
    if (h->producer) {
        chains_prefetch_bucket(&ix->produced_key, h->key);
        chains_prefetch_bucket(&ix->consumed_key, h->key);
    }
}

void hop_index_prefetch_records(const struct hop_index *ix, const struct index_hashes *h,
                                bool second)
{
    chains_prefetch_record(&ix->produced_id, (uint32_t)h->ids, second);
    chains_prefetch_record(&ix->produced_place, h->place, second);
    if (h->producer) {
        chains_prefetch_record(&ix->consumed_target, (uint32_t)h->ids, second);
        chains_prefetch_record(&ix->consumed_place, h->place, second);
    }
}

/* ---- looking for a producer ---- */

bool parties_match(const struct party *producer, const struct party *consumer)
{
    const struct party_key *p = &producer->key, *c = &consumer->key;
    return p->topic_hash == c->topic_hash &&
           bytes_equal(p->strings[PARTY_TOPIC], c->strings[PARTY_TOPIC]) &&
           clusters_compatible(p->strings[PARTY_CLUSTER], p->strings[PARTY_ADDRESSES],
                               c->strings[PARTY_CLUSTER], c->strings[PARTY_ADDRESSES]);
}

static bool find_by_ids(const struct hop_index *ix, uint64_t hash, uint32_t *number)
{
    const struct chains *c = &ix->produced_id;
    unsigned walked = 0;
    for (uint32_t n = chains_first(c, (uint32_t)hash); ring_is_live(c->ring, n);
         n = chains_next(c, n)) {
        const struct produced *p = produced_at(ix, n);
        if (ids_hash(p->trace_id, p->span_id) == hash) {
            *number = n;
            return true;
        }
        if (++walked == WALK_MAX)
            break;
    }
    return false;
}

static bool find_place(const struct hop_index *ix, const struct party *consumer, int32_t partition,
                       int64_t offset, uint64_t start_ns, uint32_t *number)
{
    const struct chains *c = &ix->produced_place;
    const struct produced *best = NULL;
    unsigned walked = 0;
    uint32_t hash = place_hash(consumer->key.topic_hash, partition, offset);
    for (uint32_t n = chains_first(c, hash); ring_is_live(c->ring, n); n = chains_next(c, n)) {
        const struct produced *p = produced_at(ix, n);
        bool fits = p->offset == offset && p->partition == partition &&
                    (p->end_ns <= start_ns || p->end_ns - start_ns <= SKEW_NS) &&
                    parties_match(party_of_produced(ix, p), consumer);
        if (fits && (!best || p->end_ns > best->end_ns)) {
            best = p;
            *number = n;
        }
        if (++walked == WALK_MAX) {
            counter_add(ix->counters.overflow[OVERFLOW_SEARCH], 1);
            break;
        }
    }
    return best != NULL;
}

struct produced *find_by_place(struct hop_index *ix, const struct party *consumer,
                               int32_t partition, int64_t offset, uint64_t start_ns)
{
    uint32_t number;
    return find_place(ix, consumer, partition, offset, start_ns, &number) ? produced_at(ix, number)
                                                                          : NULL;
}

/* ---- looking for those who wait ---- */

enum { AT_ONCE = 64 };

/* Some that wait, in the order in which they were taken: attempts are counted so. */
struct waiting {
    struct consumed *items[AT_ONCE];
    unsigned count;
};

static void waiting_add(struct waiting *w, struct consumed *c)
{
    unsigned i = w->count++;
    for (; i > 0 && w->items[i - 1]->start_ns > c->start_ns; i--)
        w->items[i] = w->items[i - 1];
    w->items[i] = c;
}

/* Calls `fits` for each that waits in a chain and gives those that do to the producer; false when
 * there may be more. */
struct search {
    struct hop_index *ix;
    uint32_t produced;
    uint64_t target; /* of those that wait for a span; else 0 */
};

static bool waits_for(const struct search *s, const struct consumed *c)
{
    const struct produced *p = produced_at(s->ix, s->produced);
    if (c->done)
        return false;
    if (s->target)
        return c->target == s->target;
    return c->offset == p->offset && c->partition == p->partition &&
           (p->end_ns <= c->start_ns || p->end_ns - c->start_ns <= SKEW_NS) &&
           parties_match(party_of_produced(s->ix, p), party_of_consumed(s->ix, c));
}

static bool gather(const struct search *s, const struct chains *chains, uint32_t hash,
                   struct waiting *w)
{
    unsigned walked = 0;
    w->count = 0;
    for (uint32_t n = chains_first(chains, hash); ring_is_live(chains->ring, n);
         n = chains_next(chains, n)) {
        struct consumed *c = consumed_at(s->ix, n);
        if (waits_for(s, c))
            waiting_add(w, c);
        if (w->count == AT_ONCE)
            return false;
        if (++walked == WALK_MAX) {
            counter_add(s->ix->counters.overflow[OVERFLOW_SEARCH], 1);
            break;
        }
    }
    return true;
}

static enum hop_match match_of(const struct consumed *c, bool by_target)
{
    if (!by_target)
        return c->via == VIA_ORIGINAL ? HOP_BY_ORIGINAL : HOP_BY_OFFSET;
    if (c->via == VIA_PARENT)
        return HOP_BY_PARENT;
    return c->found_by ? (enum hop_match)(c->found_by - 1) : HOP_BY_LINK;
}

static void match_waiting(const struct search *s, const struct chains *chains, uint32_t hash,
                          struct found_hops *found)
{
    struct waiting w;
    bool all = false;
    while (!all) {
        all = gather(s, chains, hash, &w);
        for (unsigned i = 0; i < w.count; i++) {
            struct consumed *c = w.items[i];
            if (!c->done)
                found_hop(s->ix, s->produced, c, match_of(c, s->target != 0), c->confidence,
                          HOP_NO_SPAN, found);
        }
    }
}

void match_waiting_by_place(struct hop_index *ix, uint32_t produced, struct found_hops *found)
{
    const struct produced *p = produced_at(ix, produced);
    struct search s = {.ix = ix, .produced = produced};
    uint64_t topic = party_of_produced(ix, p)->key.topic_hash;
    match_waiting(&s, &ix->consumed_place, place_hash(topic, p->partition, p->offset), found);
}

/* ---- a producer comes ---- */

/* The place already has a producer, and not one of a topic that was since made anew. */
static bool is_second(struct hop_index *ix, const struct produced *p, const struct party *party)
{
    const struct produced *first = find_by_place(ix, party, p->partition, p->offset, p->end_ns);
    return first && first->end_ns + SKEW_NS >= p->end_ns;
}

/* False: it is the place of another's record. */
static bool remember_place(struct hop_index *ix, uint32_t number, const struct party *party)
{
    struct produced *p = produced_at(ix, number);
    if (p->offset < 0 || p->partition < 0 || party_string(party, PARTY_TOPIC).len == 0)
        return true;
    if (is_second(ix, p, party)) {
        counter_add(ix->counters.repeated, 1);
        p->offset = -1;
        return false;
    }
    insert_produced_place(ix, number);
    return true;
}

static struct produced *remember_produced(struct hop_index *ix, const struct index_span *s,
                                          const struct party *party, uint32_t *number)
{
    const struct message *m = s->message;
    index_make_room(ix, s->now_ms);
    *number = ix->produced.tail;
    struct produced *p = ring_push(&ix->produced);
    if (!p)
        return NULL;
    uint32_t dead = ix->produced.head - 1;
    uint64_t took_us =
        s->view->end_ns > s->view->start_ns ? (s->view->end_ns - s->view->start_ns) / 1000 : 0;
    *p = (struct produced){.end_ns = s->view->end_ns,
                           .offset = m->place.offset,
                           .partition = m->place.partition,
                           .took_us = took_us < UINT32_MAX ? (uint32_t)took_us : UINT32_MAX,
                           .party = party->number,
                           .arrived_ms = s->now_ms,
                           .key = key_hash(m->key),
                           .next_id = dead,
                           .next_place = dead,
                           .next_key = dead};
    memcpy(p->trace_id, s->view->trace_id, sizeof p->trace_id);
    memcpy(p->span_id, s->view->span_id, sizeof p->span_id);
    return p;
}

uint32_t hop_index_producer(struct hop_index *ix, const struct index_span *s,
                            struct found_hops *found)
{
    uint64_t ids = s->hashes->ids;
    uint32_t number;
    if (find_by_ids(ix, ids, &number)) {
        counter_add(ix->counters.repeated, 1);
        return 0;
    }
    struct party *party = index_party(ix, s->party, s->now_ms);
    if (!party)
        return 0;
    struct produced *p = remember_produced(ix, s, party, &number);
    if (!p) {
        counter_add(ix->counters.overflow[OVERFLOW_MEMORY], 1);
        return 0;
    }
    party->records++;
    insert_produced_id(ix, number);
    struct search by_target = {.ix = ix, .produced = number, .target = ids};
    bool own_place = remember_place(ix, number, party);
    match_waiting(&by_target, &ix->consumed_target, (uint32_t)ids, found);
    if (p->offset >= 0 && p->partition >= 0)
        match_waiting_by_place(ix, number, found);
    if (p->key && ix->settings.infer) {
        insert_produced_key(ix, number);
        infer_for_produced(ix, number, found);
    }
    p->open = own_place && !p->taken; /* what is taken from there closes the first one's end */
    return p->open;
}

/* ---- a consumer comes ---- */

/* One record of a consumer's span, before it is known whether it has to wait. */
struct taking {
    const struct index_span *s;
    struct consumed record;
    uint32_t open; /* records that wait */
};

static bool match_now(struct hop_index *ix, struct taking *t, struct found_hops *found)
{
    struct consumed *c = &t->record;
    uint32_t number;
    bool by_target = c->target && find_by_ids(ix, c->target, &number);
    bool by_place =
        !by_target && c->partition >= 0 && c->offset >= 0 &&
        find_place(ix, party_of_consumed(ix, c), c->partition, c->offset, c->start_ns, &number);
    if (by_target || by_place)
        found_hop(ix, number, c, match_of(c, by_target), c->confidence, t->s->number, found);
    return by_target || by_place;
}

/* Where nothing is waited for: the span is still here when its hop is found. */
static void infer_at_once(struct hop_index *ix, uint32_t number, struct taking *t,
                          struct found_hops *found)
{
    struct consumed *c = consumed_at(ix, number);
    uint32_t before = found->count;
    c->settled = true;
    infer_consumed(ix, number, found);
    for (uint32_t i = before; i < found->count; i++) {
        struct found_hop *f = &found->items[i];
        if (memcmp(f->hop.consumer_span, c->span_id, sizeof c->span_id) == 0) {
            f->span = t->s->number;
            f->hop.waited = false;
        }
    }
    t->open -= c->done;
}

static bool is_same(const struct consumed *a, const struct consumed *b)
{
    return memcmp(a->span_id, b->span_id, sizeof a->span_id) == 0 &&
           memcmp(a->trace_id, b->trace_id, sizeof a->trace_id) == 0 && a->target == b->target &&
           a->offset == b->offset && a->partition == b->partition && a->via == b->via &&
           a->party == b->party;
}

/* The batch came before: its sender did not hear that it was taken. */
static bool waits_already(const struct hop_index *ix, const struct consumed *c)
{
    enum { LOOKED_AT = 16 }; /* the youngest */
    const struct chains *chains = &ix->consumed_place;
    uint64_t topic = party_of_consumed(ix, c)->key.topic_hash;
    uint32_t hash = place_hash(topic, c->partition, c->offset);
    if (c->target) {
        chains = &ix->consumed_target;
        hash = (uint32_t)c->target;
    } else if (c->partition < 0 || c->offset < 0) {
        chains = &ix->consumed_key;
        hash = topic_key_hash(topic, c->key);
    }
    uint32_t n = chains_first(chains, hash);
    for (unsigned i = 0; i < LOOKED_AT && ring_is_live(chains->ring, n); i++) {
        if (is_same(consumed_at(ix, n), c))
            return true;
        n = chains_next(chains, n);
    }
    return false;
}

static void wait_for_producer(struct hop_index *ix, struct taking *t, struct found_hops *found)
{
    struct consumed *c = &t->record;
    if (waits_already(ix, c)) {
        counter_add(ix->counters.repeated, 1);
        return;
    }
    index_make_room(ix, t->s->now_ms);
    uint32_t number = ix->consumed.tail, dead = ix->consumed.head - 1;
    c->next_target = c->next_place = c->next_key = dead;
    struct consumed *waiting = ring_push(&ix->consumed);
    if (!waiting) {
        counter_add(ix->counters.overflow[OVERFLOW_MEMORY], 1);
        return;
    }
    *waiting = *c;
    party_of_consumed(ix, c)->records++;
    t->open++;
    if (c->target)
        insert_consumed_target(ix, number);
    if (c->partition >= 0 && c->offset >= 0)
        insert_consumed_place(ix, number);
    if (c->key && c->via != VIA_LINK && c->via != VIA_ORIGINAL && ix->settings.infer)
        insert_consumed_key(ix, number);
    if (ix->settings.settle_ms == 0)
        infer_at_once(ix, number, t, found);
}

static bool can_be_matched(const struct hop_index *ix, const struct consumed *c)
{
    return c->target || (c->partition >= 0 && c->offset >= 0) || (c->key && ix->settings.infer);
}

static void take_record(struct hop_index *ix, struct taking *t, struct found_hops *found)
{
    if (!can_be_matched(ix, &t->record))
        counter_add(ix->counters.unmatchable, 1);
    else if (!match_now(ix, t, found))
        wait_for_producer(ix, t, found);
}

/* The party of a record that lies in another topic than its span says. NULL, counted: one too many.
 */
static struct party *party_for_topic(struct hop_index *ix, const struct index_span *s,
                                     struct bytes topic)
{
    struct party_key k = *s->party;
    const struct party_key *key = s->party;
    if (topic.len > 0 && !bytes_equal(topic, k.strings[PARTY_TOPIC])) {
        k.strings[PARTY_TOPIC] = topic;
        party_key_finish(&k);
        key = &k;
    }
    return index_party(ix, key, s->now_ms);
}

static struct consumed record_of(const struct index_span *s, const struct record_place *place)
{
    const struct message *m = s->message;
    struct consumed c = {.start_ns = s->view->start_ns,
                         .offset = place->topic.len > 0 ? place->offset : -1,
                         .partition = place->partition,
                         .arrived_ms = s->now_ms,
                         .key = place->topic.len > 0 ? key_hash(m->key) : 0,
                         .fetches = m->fetches,
                         .receives = m->role == MESSAGE_RECEIVER,
                         .confidence = 100,
                         .attempt = m->attempt < UINT8_MAX ? (uint8_t)m->attempt : UINT8_MAX};
    memcpy(c.trace_id, s->view->trace_id, sizeof c.trace_id);
    memcpy(c.span_id, s->view->span_id, sizeof c.span_id);
    return c;
}

static unsigned match_by_name(struct bytes name)
{
    unsigned m = 0;
    while (m < HOP_MATCHES && !bytes_equal_string(name, hop_match_name((enum hop_match)m)))
        m++;
    return m;
}

static void take_linked(struct hop_index *ix, struct taking *t, struct found_hops *found)
{
    struct span_cursor links;
    struct message_link link;
    unsigned count = 0;
    span_links_begin(&links, span_bytes(t->s->view));
    while (message_link_next(&links, t->s->message, &link)) {
        if (++count > LINKS_MAX) {
            counter_add(ix->counters.overflow[OVERFLOW_LINKS], 1);
            return;
        }
        struct party *party = party_for_topic(ix, t->s, link.place.topic);
        if (!party)
            continue;
        t->record = record_of(t->s, &link.place);
        t->record.party = party->number;
        t->record.via = VIA_LINK;
        t->record.target = ids_hash(link.trace_id, link.span_id);
        t->record.confidence = (uint8_t)link.confidence;
        if (link.found_by.len > 0 && match_by_name(link.found_by) < HOP_MATCHES)
            t->record.found_by = (uint8_t)(match_by_name(link.found_by) + 1);
        take_record(ix, t, found);
    }
}

/* A parent is a producer only of what processes one message, or takes one: never of a poll. */
static void take_single(struct hop_index *ix, struct taking *t, struct found_hops *found)
{
    struct party *party = party_for_topic(ix, t->s, bytes_of(NULL, 0));
    if (!party)
        return;
    t->record = record_of(t->s, &t->s->message->place);
    t->record.party = party->number;
    if (t->s->view->kind == SPAN_KIND_CONSUMER && !span_is_root(t->s->view)) {
        t->record.via = VIA_PARENT;
        t->record.target = t->s->hashes->ids;
    }
    take_record(ix, t, found);
}

static void take_original(struct hop_index *ix, struct taking *t, struct found_hops *found)
{
    const struct record_place *original = &t->s->message->original;
    struct party *party = party_for_topic(ix, t->s, original->topic);
    if (!party)
        return;
    t->record = record_of(t->s, original);
    t->record.party = party->number;
    t->record.key = 0;
    t->record.via = VIA_ORIGINAL;
    take_record(ix, t, found);
}

uint32_t hop_index_consumer(struct hop_index *ix, const struct index_span *s,
                            struct found_hops *found)
{
    struct taking t = {.s = s};
    if (s->message->linked)
        take_linked(ix, &t, found);
    else
        take_single(ix, &t, found);
    if (record_place_known(&s->message->original))
        take_original(ix, &t, found);
    return t.open;
}
