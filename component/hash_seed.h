/* What hash tables over input are seeded with: senders choose ids and names, and with a hash that
 * they can compute they choose such as all fall into one slot. A number that they cannot know, the
 * same as long as the process lives. For tables in memory only. Any thread. */
#ifndef TAILSPAN_COMPONENT_HASH_SEED_H
#define TAILSPAN_COMPONENT_HASH_SEED_H

#include <stdatomic.h>
#include <stdint.h>

extern atomic_uint_least64_t hash_seed_drawn; /* 0: not yet */
uint64_t hash_seed_draw(void);

static inline uint64_t hash_seed(void)
{
    uint64_t seed = atomic_load_explicit(&hash_seed_drawn, memory_order_relaxed);
    return __builtin_expect(seed != 0, 1) ? seed : hash_seed_draw();
}

#endif
