/* What hash tables over input are seeded with: senders choose ids and names, and with a hash that
 * they can compute they choose such as all fall into one slot. A number that they cannot know, the
 * same as long as the process lives. For tables in memory only. Any thread. */
#ifndef TAILSPAN_COMPONENT_HASH_SEED_H
#define TAILSPAN_COMPONENT_HASH_SEED_H

#include <stdint.h>

uint64_t hash_seed(void);

#endif
