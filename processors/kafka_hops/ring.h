/* Records in the order in which they came: the youngest goes in at one end, the eldest out at the
 * other. So expiry is looking at the eldest, and memory is given back as it was taken, in segments.
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

enum { RING_SEGMENT = 1024 }; /* records */

struct ring {
    size_t record_size;
    uint8_t **segments; /* a ring itself: the one of number n lies at n / RING_SEGMENT % capacity */
    uint32_t capacity;  /* a power of two */
    uint8_t *spare;     /* one segment, so that a border does not cost an allocation each time */
    uint32_t head;      /* the eldest */
    uint32_t tail;      /* behind the youngest */
    size_t bytes;
};

void ring_init(struct ring *r, size_t record_size);
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
    return r->segments[number / RING_SEGMENT & (r->capacity - 1)] +
           number % RING_SEGMENT * r->record_size;
}

/* The record with the number r->tail, which is live from now on; not zeroed. NULL: out of memory.
 */
void *ring_push(struct ring *r);

/* Lets the eldest go. There is one. */
void ring_pop(struct ring *r);

#endif
