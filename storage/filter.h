/* The filter of a block: which attributes cannot be in it, so that a search skips the block.
 *
 * A Bloom filter of (key, value) pairs and of (owner, key, value) triples. The owner of a span's
 * own attributes is its operation, that of a resource's or scope's attributes the service: so
 * "db.system=redis on a span of the frontend" is ruled out even where each alone is common. */
#ifndef TAILSPAN_STORAGE_FILTER_H
#define TAILSPAN_STORAGE_FILTER_H

#include "proto/buffer.h"

/* The key under which span names are in the filter; service names are there as service.name. */
#define FILTER_OPERATION "\1operation"

/* The hash of a pair; the value as text. */
uint64_t filter_pair(struct bytes key, struct bytes value);

static inline uint64_t filter_owner_service(uint32_t service)
{
    return (uint64_t)service << 1;
}

static inline uint64_t filter_owner_operation(uint32_t operation)
{
    return (uint64_t)operation << 1 | 1;
}

/* Collects what goes into a filter. Zero-initialise. One thread. */
struct filter_entry {
    uint64_t pair;
    uint64_t owned; /* 0: free */
};

struct filter_set {
    struct filter_entry *entries; /* open addressing on `owned` */
    uint32_t capacity;
    uint32_t count;
    bool saturated; /* too many, or no memory: the filter will say "may be" to everything */
};

void filter_add(struct filter_set *s, uint64_t owner, uint64_t pair);
void filter_clear(struct filter_set *s);
void filter_free(struct filter_set *s);

/* Appends the filter's bits. Appends nothing when saturated. */
void filter_write(const struct filter_set *s, struct buffer *out);

/* False only when the pair, or the pair with this owner, is certainly not in. */
bool filter_may_have(struct bytes filter, uint64_t pair);
bool filter_may_have_owned(struct bytes filter, uint64_t owner, uint64_t pair);

#endif
