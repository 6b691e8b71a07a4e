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

#include <string.h>

enum { CHAINS_PAGE = 1024 }; /* buckets */

struct chains {
    const struct ring *ring;
    size_t next; /* offset of the link, a uint32_t, in a record */
    uint32_t (*hash)(const struct ring *ring, const void *record);

    uint32_t **pages;
    uint32_t page_count;
    uint32_t mask;  /* of the buckets before the current round of splitting */
    uint32_t split; /* buckets below were split in this round */
    size_t bytes;
};

/* False: out of memory. */
bool chains_init(struct chains *c, const struct ring *ring, size_t next,
                 uint32_t (*hash)(const struct ring *ring, const void *record));
void chains_free(struct chains *c);

static inline uint32_t *chains_bucket(const struct chains *c, uint32_t hash)
{
    uint32_t bucket = hash & c->mask;
    if (bucket < c->split)
        bucket = hash & (c->mask * 2 + 1);
    return &c->pages[bucket / CHAINS_PAGE][bucket % CHAINS_PAGE];
}

static inline uint32_t chains_next(const struct chains *c, uint32_t number)
{
    uint32_t next;
    memcpy(&next, (const uint8_t *)ring_at(c->ring, number) + c->next, sizeof next);
    return next;
}

/* Walks the chain of a hash: for (n = chains_first(); ring_is_live(c->ring, n); n = chains_next())
 */
static inline uint32_t chains_first(const struct chains *c, uint32_t hash)
{
    return *chains_bucket(c, hash);
}

/* Puts a record in, keeping the youngest first. False: its chain is too long to find its place. */
bool chains_insert(struct chains *c, uint32_t number);

#endif
