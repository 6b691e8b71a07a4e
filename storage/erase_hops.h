/* What an erasure needs to know to let hops go: the spans that go, and what is said in the hops. */
#ifndef TAILSPAN_STORAGE_ERASE_HOPS_H
#define TAILSPAN_STORAGE_ERASE_HOPS_H

#include "storage/reader.h"
#include "storage/store_hops.h"

/* Spans, 8 bytes each: a hash, because there may be millions. Zero-initialise. */
struct span_set {
    uint64_t *items;
    size_t count;
    size_t capacity;
};

/* False: out of memory. */
bool span_set_add(struct span_set *s, const uint8_t trace_id[16], const uint8_t span_id[8]);
void span_set_sort(struct span_set *s); /* after the last was added, before the first question */
bool span_set_has(const struct span_set *s, const uint8_t trace_id[16], const uint8_t span_id[8]);
void span_set_free(struct span_set *s);

/* Whether a hop of the slot, by its index in the reader, is one that `goes` names. False as well
 * with `*no_memory`. */
bool slot_has_hop(struct store_reader *r, uint32_t slot,
                  bool (*goes)(void *context, const struct store_hop *hop), void *context,
                  bool *no_memory);

#endif
