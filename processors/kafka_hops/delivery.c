#include "processors/kafka_hops/delivery.h"

#include <stdlib.h>

void deliveries_init(struct deliveries *d, uint32_t limit)
{
    *d = (struct deliveries){.end = 1, .limit = limit};
}

void deliveries_free(struct deliveries *d)
{
    free(d->items);
}

static struct delivery *find(const struct deliveries *d, uint32_t first, uint32_t group,
                             unsigned *length)
{
    *length = 0;
    for (uint32_t n = first; n; n = d->items[n].next) {
        if (d->items[n].group == group)
            return &d->items[n];
        ++*length;
    }
    return NULL;
}

static uint32_t take(struct deliveries *d)
{
    uint32_t n = d->free;
    if (n) {
        d->free = d->items[n].next;
        return n;
    }
    if (d->end >= d->capacity) {
        uint32_t capacity = d->capacity ? d->capacity * 2 : 64;
        struct delivery *items =
            d->end < d->limit ? realloc(d->items, capacity * sizeof *items) : NULL;
        if (!items)
            return 0;
        d->items = items;
        d->capacity = capacity;
    }
    return d->end++;
}

uint32_t deliveries_count(struct deliveries *d, uint32_t *first, uint32_t group, uint32_t span,
                          bool *again)
{
    unsigned length;
    struct delivery *known = find(d, *first, group, &length);
    *again = known && known->span == span;
    if (known) {
        known->count += !*again;
        known->span = span;
        return known->count;
    }
    uint32_t n = length < DELIVERIES_EACH ? take(d) : 0;
    if (n) {
        d->items[n] = (struct delivery){.next = *first, .group = group, .span = span, .count = 1};
        *first = n;
    }
    return 1;
}

bool deliveries_has(const struct deliveries *d, uint32_t first, uint32_t group)
{
    unsigned length;
    return find(d, first, group, &length) != NULL;
}

void deliveries_drop(struct deliveries *d, uint32_t first)
{
    while (first) {
        uint32_t next = d->items[first].next;
        d->items[first].next = d->free;
        d->free = first;
        first = next;
    }
}
