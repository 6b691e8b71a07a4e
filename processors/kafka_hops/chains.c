#include "processors/kafka_hops/chains.h"

#include <stdlib.h>

enum { LONGEST_SEARCH = 1024 };

bool chains_add_page(struct chains *c)
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

bool chains_init(struct chains *c, const struct ring *ring, size_t next)
{
    *c = (struct chains){.ring = ring, .next = next, .mask = CHAINS_PAGE - 1};
    return chains_add_page(c);
}

void chains_free(struct chains *c)
{
    for (uint32_t i = 0; i < c->page_count; i++)
        free(c->pages[i]);
    free(c->pages);
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
