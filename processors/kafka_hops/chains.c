#include "processors/kafka_hops/chains.h"

#include "processors/kafka_hops/area.h"

enum {
    FIRST_BUCKETS = 1024,
    LONGEST_SEARCH = 1024,
    SMALL = 256 << 10, /* bytes for which small pages will do */
};

/* As many buckets as the ring can hold records, in whole pieces. */
static size_t area_bytes(const struct chains *c)
{
    size_t bytes = ((size_t)c->ring->mask + 1) * sizeof *c->buckets;
    return SMALL + (bytes + AREA_PIECE - 1) / AREA_PIECE * AREA_PIECE;
}

bool chains_init(struct chains *c, const struct ring *ring, const struct chains_fields *fields)
{
    *c = (struct chains){.ring = ring, .fields = *fields, .mask = FIRST_BUCKETS - 1};
    uint8_t *area = area_reserve(area_bytes(c), SMALL);
    if (!area)
        return false;
    area_use_large_pages(area + SMALL, area_bytes(c) - SMALL);
    c->buckets = (uint32_t *)area;
    return true;
}

void chains_free(struct chains *c)
{
    if (c->buckets)
        area_free(c->buckets, area_bytes(c));
}

bool chains_put(struct chains *c, uint32_t number, uint32_t hash)
{
    uint32_t *bucket = chains_bucket(c, hash);
    uint32_t n = *bucket, before = number;
    const uint32_t age = number - c->ring->head;
    for (unsigned i = 0; ring_is_live(c->ring, n) && n - c->ring->head > age; i++) {
        if (i == LONGEST_SEARCH)
            return false;
        before = n;
        n = chains_next(c, n);
    }
    chains_set_next(c, number, n);
    if (before == number)
        *bucket = number;
    else
        chains_set_next(c, before, number);
    return true;
}
