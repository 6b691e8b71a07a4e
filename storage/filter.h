/* The filter of a block: which attributes cannot be in it, so that a search skips the block.
 *
 * Two sets in one blob. A Bloom filter of all (key, value) pairs. And, for pairs that come more
 * than a few times, an exact set of (service, key, value), so that "db.system=redis on a span of
 * the frontend" is ruled out even where each alone is common. */
#ifndef TAILSPAN_STORAGE_FILTER_H
#define TAILSPAN_STORAGE_FILTER_H

#include "proto/buffer.h"

/* The key under which span names are in the filter; service names are there as service.name. */
#define FILTER_OPERATION "\1operation"

/* The hash of a pair; the value as text. */
uint32_t filter_pair(struct bytes key, struct bytes value);

/* Collects what goes into a filter. Zero-initialise. One thread. */
struct filter_entry {
    uint32_t pair;
    uint32_t
        owned; /* hash of pair and service in the upper bits, times seen in FILTER_TIMES; 0: free */
};
#define FILTER_TIMES   3u
#define FILTER_PENDING 16

struct filter_set {
    struct filter_entry *entries; /* open addressing on `owned` */
    uint32_t capacity;
    uint32_t count;
    bool saturated; /* too many, or no memory: the filter will say "may be" to everything */

    struct filter_entry pending[FILTER_PENDING]; /* not in the table yet */
    uint32_t pending_count;
};

/* `shared`: one addition stands for many spans. */
void filter_add(struct filter_set *s, uint32_t service, uint32_t pair, bool shared);
/* Puts what is pending into the table, so that `count` is true. */
void filter_settle(struct filter_set *s);
void filter_clear(struct filter_set *s);
void filter_free(struct filter_set *s);

/* Appends the filter. Appends nothing when saturated; `out` fails when out of memory. */
void filter_write(struct filter_set *s, struct buffer *out);

/* A filter as it was written. Whatever the bytes are, testing stays within them. */
struct filter {
    struct bytes bits;
    const uint8_t *owned; /* sorted, FILTER_OWNED_BYTES each */
    uint32_t owned_count;
    bool open; /* says "may be" to everything */
};

#define FILTER_OWNED_BYTES 3

struct filter filter_of(struct bytes written);

/* False only when the pair, or the pair on a span of this service, is certainly not in. */
bool filter_may_have(const struct filter *f, uint32_t pair);
bool filter_may_have_owned(const struct filter *f, uint32_t service, uint32_t pair);

#endif
