/* Where in an array the span with an id lies: open addressing, at most half full. The ids are the
 * spans' own, 8 bytes at a stride, so a table is good as long as they do not change. */
#ifndef TAILSPAN_QUERY_ID_TABLE_H
#define TAILSPAN_QUERY_ID_TABLE_H

#include "query/arena.h"

#include <stdint.h>

#define ID_NONE UINT32_MAX /* marks a free slot */

struct id_table {
    uint32_t *slots; /* indices; the arena's */
    uint32_t mask;
    uint64_t seed;
    const uint8_t *ids;
    size_t stride;
};

/* An empty table with room for `count` spans, the first of which has its id at `ids`. False: the
 * arena is exhausted. */
bool id_table_begin(struct id_table *t, struct arena *a, const uint8_t *ids, size_t stride,
                    uint32_t count);

/* The slot of the span with this id, or the free one where its index belongs. */
uint32_t *id_table_slot(const struct id_table *t, const uint8_t id[8]);

/* The same with all `count` spans in it; of two with one id, the first. */
bool id_table_fill(struct id_table *t, struct arena *a, const uint8_t *ids, size_t stride,
                   uint32_t count);

#endif
