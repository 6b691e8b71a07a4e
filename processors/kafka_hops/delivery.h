/* Deliveries of a record: how often each group took it. The n-th is attempt n.
 *
 * Kept in a pool of 16 bytes each, chained from the record that was written, and given back with
 * it. Guarded by the index's lock. */
#ifndef TAILSPAN_PROCESSORS_KAFKA_HOPS_DELIVERY_H
#define TAILSPAN_PROCESSORS_KAFKA_HOPS_DELIVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DELIVERIES_EACH = 256 }; /* groups of one record; more are not told apart from first ones */

struct delivery {
    uint32_t next;
    uint32_t group; /* hash of the group and of the kind of operation */
    uint32_t span;  /* hash of the latest consumer span */
    uint32_t count;
};

struct deliveries {
    struct delivery *items; /* number 0 is none */
    uint32_t end;
    uint32_t capacity;
    uint32_t limit;
    uint32_t free;
};

void deliveries_init(struct deliveries *d, uint32_t limit);
void deliveries_free(struct deliveries *d);

/* Counts one for the chain that begins at *first; returns which attempt it is, from 1. `again`: it
 * is the span that was counted last, sent once more. Beyond limits every delivery is the first. */
uint32_t deliveries_count(struct deliveries *d, uint32_t *first, uint32_t group, uint32_t span,
                          bool *again);

/* Whether this group took it. */
bool deliveries_has(const struct deliveries *d, uint32_t first, uint32_t group);

/* Gives the chain back. */
void deliveries_drop(struct deliveries *d, uint32_t first);

#endif
