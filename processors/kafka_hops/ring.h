/* Records in the order in which they came: the youngest goes in at one end, the eldest out at the
 * other. So expiry is looking at the eldest, and memory is given back as it was taken, in pieces.
 *
 * A record is known by its number, which grows by one each time and wraps. A number whose record is
 * gone is told from a live one by comparison, so nobody has to be told that a record goes: chains
 * of records (chains.h) are cut off where they become dead.
 *
 * Guarded by the index's lock. */
#ifndef TAILSPAN_PROCESSORS_KAFKA_HOPS_RING_H
#define TAILSPAN_PROCESSORS_KAFKA_HOPS_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring {
    uint8_t *records; /* an area (area.h); number n lies at n & mask */
    size_t record_size;
    uint32_t mask;
    uint32_t head; /* the eldest */
    uint32_t tail; /* behind the youngest */
};

/* With room for `most` records. False: out of memory. */
bool ring_init(struct ring *r, size_t record_size, uint32_t most);
void ring_free(struct ring *r);

static inline uint32_t ring_count(const struct ring *r)
{
    return r->tail - r->head;
}

static inline bool ring_is_live(const struct ring *r, uint32_t number)
{
    return number - r->head < ring_count(r);
}

static inline void *ring_at(const struct ring *r, uint32_t number)
{
    return r->records + (size_t)(number & r->mask) * r->record_size;
}

/* Memory in use. */
size_t ring_bytes(const struct ring *r);

/* The record with the number r->tail, which is live from now on; not zeroed. NULL: there are as
 * many as may be. */
void *ring_push(struct ring *r);

/* Lets the eldest go. There is one. */
void ring_pop(struct ring *r);

#endif
