#include "query/id_table.h"

#include "component/hash_seed.h"

#include <string.h>
#include <xxhash.h>

bool id_table_begin(struct id_table *t, struct arena *a, const uint8_t *ids, size_t stride,
                    uint32_t count)
{
    uint32_t size = 8;
    while (size / 2 < count && size < UINT32_MAX / 2)
        size *= 2;
    *t = (struct id_table){.slots = arena_array(a, size, sizeof *t->slots),
                           .mask = size - 1,
                           .seed = hash_seed(),
                           .ids = ids,
                           .stride = stride};
    if (!t->slots)
        return false;
    memset(t->slots, 0xff, (size_t)size * sizeof *t->slots);
    return true;
}

uint32_t *id_table_slot(const struct id_table *t, const uint8_t id[8])
{
    uint32_t at = (uint32_t)XXH3_64bits_withSeed(id, 8, t->seed) & t->mask;
    while (t->slots[at] != ID_NONE && memcmp(t->ids + t->slots[at] * t->stride, id, 8) != 0)
        at = (at + 1) & t->mask;
    return &t->slots[at];
}

bool id_table_fill(struct id_table *t, struct arena *a, const uint8_t *ids, size_t stride,
                   uint32_t count)
{
    if (!id_table_begin(t, a, ids, stride, count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t *slot = id_table_slot(t, ids + i * stride);
        if (*slot == ID_NONE)
            *slot = i;
    }
    return true;
}
