/* A hash index over the records of a ring: chains of numbers, the youngest first.
 *
 * Records leave a ring eldest first, which is from the ends of the chains: a number that is not
 * live ends its chain, and nothing is ever removed. Buckets are split one at a time as records come
 * (linear hashing), so no batch pays for a table's growth.
 *
 * Memory: 4 bytes a bucket, a bucket for each record that was ever live at once; and the link in
 * the record, 4 bytes. Guarded by the index's lock. */
#ifndef TAILSPAN_PROCESSORS_KAFKA_HOPS_CHAINS_H
#define TAILSPAN_PROCESSORS_KAFKA_HOPS_CHAINS_H

#include "processors/kafka_hops/ring.h"
#include "proto/prefetch.h"

#include <string.h>

/* Offsets in a record. */
struct chains_fields {
    size_t next; /* the link, a uint32_t */
    size_t from; /* what is looked at along a chain, the link included, lies from here */
    size_t last; /* to here */
};

struct chains {
    const struct ring *ring;
    struct chains_fields fields;

    uint32_t *buckets; /* an area (area.h) */
    uint32_t mask;     /* of the buckets before the current round of splitting */
    uint32_t split;    /* buckets below were split in this round */
};

/* False: out of memory. */
bool chains_init(struct chains *c, const struct ring *ring, const struct chains_fields *fields);
void chains_free(struct chains *c);

static inline uint32_t *chains_bucket(const struct chains *c, uint32_t hash)
{
    uint32_t bucket = hash & c->mask;
    if (bucket < c->split)
        bucket = hash & (c->mask * 2 + 1);
    return &c->buckets[bucket];
}

/* Memory in use. */
static inline size_t chains_bytes(const struct chains *c)
{
    return ((size_t)c->mask + 1 + c->split) * sizeof *c->buckets;
}

static inline uint32_t chains_next(const struct chains *c, uint32_t number)
{
    uint32_t next;
    memcpy(&next, (const uint8_t *)ring_at(c->ring, number) + c->fields.next, sizeof next);
    return next;
}

/* Walks the chain of a hash: for (n = chains_first(); ring_is_live(c->ring, n); n = chains_next())
 */
static inline uint32_t chains_first(const struct chains *c, uint32_t hash)
{
    return *chains_bucket(c, hash);
}

static inline void chains_prefetch_bucket(const struct chains *c, uint32_t hash)
{
    prefetch(chains_bucket(c, hash));
}

/* A record lies in two cache lines; what a chain looks at mostly in one of them. */
static inline void chains_prefetch_fields(const struct chains *c, uint32_t number)
{
    const uint8_t *record = ring_at(c->ring, number);
    if (!ring_is_live(c->ring, number))
        return;
    prefetch(record + c->fields.from);
    prefetch(record + c->fields.last);
}

/* The first record of a chain, or, once that has come, the second. */
static inline void chains_prefetch_record(const struct chains *c, uint32_t hash, bool second)
{
    uint32_t n = chains_first(c, hash);
    if (second && ring_is_live(c->ring, n))
        n = chains_next(c, n);
    chains_prefetch_fields(c, n);
}

/* Puts a record in that is in no chain of these. False: its chain is too long to find its place. */
bool chains_put(struct chains *c, uint32_t number, uint32_t hash);

/* ---- growing ---- */

static inline void chains_set_next(const struct chains *c, uint32_t number, uint32_t next)
{
    memcpy((uint8_t *)ring_at(c->ring, number) + c->fields.next, &next, sizeof next);
}

/* The end of a chain that is being written. */
struct chains_end {
    uint32_t *bucket;
    uint32_t last;
    bool empty;
};

static inline void chains_append(const struct chains *c, struct chains_end *end, uint32_t number)
{
    if (end->empty)
        *end->bucket = number;
    else
        chains_set_next(c, end->last, number);
    end->last = number;
    end->empty = false;
}

/* Divides the next bucket's chain between it and a new bucket, when there are more records than
 * buckets; both keep their order. Called for each record that is put in. `hash` gives a record's,
 * and is to be inlined: this is most of what a record costs while the index grows, and calls
 * through pointers keep a processor from looking ahead to the next record. */
static inline __attribute__((always_inline)) void chains_grow(
    struct chains *c, uint32_t (*hash)(const struct ring *ring, const void *record))
{
    if (ring_count(c->ring) <= c->mask + 1 + c->split)
        return;
    uint32_t bucket = c->split, sibling = bucket + c->mask + 1;
    struct chains_end low = {&c->buckets[bucket], 0, true};
    struct chains_end high = {&c->buckets[sibling], 0, true};
    uint32_t n = *low.bucket;
    *low.bucket = *high.bucket = c->ring->head - 1;
    while (ring_is_live(c->ring, n)) {
        uint32_t next = chains_next(c, n);
        bool is_high = hash(c->ring, ring_at(c->ring, n)) & (c->mask + 1);
        chains_append(c, is_high ? &high : &low, n);
        n = next;
    }
    if (!low.empty)
        chains_set_next(c, low.last, n);
    if (!high.empty)
        chains_set_next(c, high.last, n);
    if (++c->split > c->mask) {
        c->mask = c->mask * 2 + 1;
        c->split = 0;
    }
}

/* Fetches chains that are soon to be divided: the first record of one, the second of a nearer one,
 * whose first has come by now, and so on. A small index lies in the cache anyway. */
static inline void chains_prefetch_growth(const struct chains *c)
{
    enum { STEP = 4, DEPTH = 4, AT_HAND = 1 << 14 };
    if (c->mask < AT_HAND)
        return;
    for (uint32_t depth = 0; depth < DEPTH; depth++) {
        uint32_t bucket = c->split + (DEPTH - depth) * STEP;
        if (bucket > c->mask)
            continue;
        uint32_t n = c->buckets[bucket];
        for (uint32_t i = 0; i < depth && ring_is_live(c->ring, n); i++)
            n = chains_next(c, n);
        chains_prefetch_fields(c, n);
    }
}

#endif
