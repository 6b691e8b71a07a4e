/* The process's hash seed (component/hash_seed.h), without a call each time. Any thread. */
#ifndef TAILSPAN_PROCESSORS_KAFKA_HOPS_SEED_H
#define TAILSPAN_PROCESSORS_KAFKA_HOPS_SEED_H

#include "component/hash_seed.h"

#include <stdatomic.h>

static inline uint64_t hop_seed(void)
{
    static atomic_uint_least64_t seed; /* 0: not asked yet */
    uint64_t s = atomic_load_explicit(&seed, memory_order_relaxed);
    if (__builtin_expect(s != 0, 1))
        return s;
    atomic_store_explicit(&seed, hash_seed(), memory_order_relaxed);
    return hash_seed();
}

#endif
