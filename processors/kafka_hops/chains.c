#include "processors/kafka_hops/chains.h"

#include <stdlib.h>

enum { LONGEST_SEARCH = 1024 };

static bool add_page(struct chains *c)
{
    uint32_t **pages = realloc(c->pages, (c->page_count + 1) * sizeof *pages);
    if (!pages)
        return false;
    c->pages = pages;
    pages[c->page_count] = calloc(CHAINS_PAGE, sizeof **pages);
    if (!pages[c->page_count])
        return false;
    c->page_count++;
    c->bytes += CHAINS_PAGE * sizeof **pages + sizeof *pages;
    return true;
}

bool chains_init(struct chains *c, const struct ring *ring, size_t next,
                 uint32_t (*hash)(const struct ring *ring, const void *record))
{
    *c = (struct chains){.ring = ring, .next = next, .hash = hash, .mask = CHAINS_PAGE - 1};
    return add_page(c);
}

void chains_free(struct chains *c)
{
    for (uint32_t i = 0; i < c->page_count; i++)
        free(c->pages[i]);
    free(c->pages);
}

static void set_next(const struct chains *c, uint32_t number, uint32_t next)
{
    memcpy((uint8_t *)ring_at(c->ring, number) + c->next, &next, sizeof next);
}

static void put_behind(const struct chains *c, uint32_t *bucket, uint32_t *last, uint32_t number)
{
    if (*last == c->ring->tail)
        *bucket = number;
    else
        set_next(c, *last, number);
    *last = number;
}

/* Divides the next bucket's chain between it and a new bucket; both keep their order. */
static void split_one(struct chains *c)
{
    const uint32_t none = c->ring->tail; /* never live */
    uint32_t bucket = c->split, sibling = bucket + c->mask + 1;
    if (sibling / CHAINS_PAGE >= c->page_count && !add_page(c))
        return;
    uint32_t *low = &c->pages[bucket / CHAINS_PAGE][bucket % CHAINS_PAGE];
    uint32_t *high = &c->pages[sibling / CHAINS_PAGE][sibling % CHAINS_PAGE];
    uint32_t n = *low, last_low = none, last_high = none;
    *low = *high = c->ring->head - 1;
    while (ring_is_live(c->ring, n)) {
        uint32_t next = chains_next(c, n);
        if (c->hash(c->ring, ring_at(c->ring, n)) & (c->mask + 1))
            put_behind(c, high, &last_high, n);
        else
            put_behind(c, low, &last_low, n);
        n = next;
    }
    if (last_low != none)
        set_next(c, last_low, n);
    if (last_high != none)
        set_next(c, last_high, n);
    if (++c->split > c->mask) {
        c->mask = c->mask * 2 + 1;
        c->split = 0;
    }
}

bool chains_insert(struct chains *c, uint32_t number)
{
    if (ring_count(c->ring) > c->mask + 1 + c->split)
        split_one(c);
    uint32_t *bucket = chains_bucket(c, c->hash(c->ring, ring_at(c->ring, number)));
    uint32_t n = *bucket, before = number;
    const uint32_t age = number - c->ring->head;
    for (unsigned i = 0; ring_is_live(c->ring, n) && n - c->ring->head > age; i++) {
        if (i == LONGEST_SEARCH)
            return false;
        before = n;
        n = chains_next(c, n);
    }
    set_next(c, number, n);
    if (before == number)
        *bucket = number;
    else
        set_next(c, before, number);
    return true;
}
