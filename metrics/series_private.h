/* How a store's slots lie in its pages: between who counts in them (series.c) and who walks them
 * (series_walk.c). With the store's lock. */
#ifndef TAILSPAN_METRICS_SERIES_PRIVATE_H
#define TAILSPAN_METRICS_SERIES_PRIVATE_H

#include "metrics/series.h"

enum { SERIES_PAGE_SLOTS = 1024 };

static inline struct series **series_slot(const struct series_store *st, uint32_t slot)
{
    return &st->pages[slot / SERIES_PAGE_SLOTS][slot % SERIES_PAGE_SLOTS];
}

/* A free slot holds an odd number, by which it leads to the next free one: from 1; 0: none. */
static inline struct series *series_free_slot(uint32_t next)
{
    return (struct series *)((uintptr_t)next << 1 | 1);
}

static inline uint32_t series_next_free(const struct series *free_slot)
{
    return (uint32_t)((uintptr_t)free_slot >> 1);
}

/* The series in a slot; NULL when it is free. */
static inline struct series *series_in_slot(const struct series_store *st, uint32_t slot)
{
    struct series *s = *series_slot(st, slot);
    return (uintptr_t)s & 1 ? NULL : s;
}

#endif
