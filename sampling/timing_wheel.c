#include "sampling/timing_wheel.h"

#include <assert.h>
#include <stdlib.h>

#define TICK_NS   100000000U
#define LISTS_MAX 65536U

static struct wheel_links *links_of(const struct timing_wheel *w, uint32_t item)
{
    return w->links(w->owner, item);
}

bool wheel_init(struct timing_wheel *w, uint64_t horizon_ns, uint64_t now_ns,
                struct wheel_links *(*links)(void *owner, uint32_t item), void *owner)
{
    *w = (struct timing_wheel){.tick_ns = TICK_NS, .size = 64, .links = links, .owner = owner};
    while (horizon_ns / w->tick_ns + 3 > LISTS_MAX)
        w->tick_ns *= 2;
    while (w->size < horizon_ns / w->tick_ns + 3)
        w->size *= 2;
    w->position = now_ns / w->tick_ns;
    w->heads = malloc(sizeof *w->heads * w->size);
    w->filled = calloc(w->size / 64, sizeof *w->filled);
    if (!w->heads || !w->filled) {
        wheel_free(w);
        return false;
    }
    for (uint32_t i = 0; i < w->size; i++)
        w->heads[i] = WHEEL_NONE;
    return true;
}

void wheel_free(struct timing_wheel *w)
{
    free(w->heads);
    free(w->filled);
    w->heads = NULL;
    w->filled = NULL;
}

/* The first filled list at or after the position, as a tick; UINT64_MAX when all are empty. */
static uint64_t first_tick(const struct timing_wheel *w)
{
    uint32_t begin = (uint32_t)(w->position & (w->size - 1));
    uint32_t words = w->size / 64;
    for (uint32_t i = 0; i <= words; i++) {
        uint32_t at = (begin / 64 + i) % words;
        uint64_t word = w->filled[at];
        if (i == 0)
            word &= ~0ULL << (begin % 64);
        if (i == words) /* the first word again: what lies before the position */
            word &= (1ULL << (begin % 64)) - 1;
        if (word == 0)
            continue;
        uint32_t list = at * 64 + (uint32_t)__builtin_ctzll(word);
        return w->position + ((list - begin) & (w->size - 1));
    }
    return UINT64_MAX;
}

void wheel_set(struct timing_wheel *w, uint32_t item, uint64_t deadline_ns)
{
    uint64_t tick = (deadline_ns + w->tick_ns - 1) / w->tick_ns;
    if (tick < w->position)
        tick = w->position;
    if (tick > w->position + w->size - 1) /* expiry lags behind the clock */
        tick = w->position + w->size - 1;
    uint32_t list = (uint32_t)(tick & (w->size - 1));
    struct wheel_links *l = links_of(w, item);
    *l = (struct wheel_links){.next = WHEEL_NONE, .previous = WHEEL_NONE, .list = list};
    /* Rings within a list: the head's `previous` is the tail, so the oldest goes first. */
    uint32_t head = w->heads[list];
    if (head == WHEEL_NONE) {
        l->next = l->previous = item;
        w->heads[list] = item;
        w->filled[list / 64] |= 1ULL << (list % 64);
        return;
    }
    struct wheel_links *h = links_of(w, head);
    l->next = head;
    l->previous = h->previous;
    links_of(w, h->previous)->next = item;
    h->previous = item;
}

void wheel_remove(struct timing_wheel *w, uint32_t item)
{
    struct wheel_links *l = links_of(w, item);
    uint32_t list = l->list;
    if (list == WHEEL_NONE)
        return;
    if (l->next == item) {
        w->heads[list] = WHEEL_NONE;
        w->filled[list / 64] &= ~(1ULL << (list % 64));
    } else {
        links_of(w, l->next)->previous = l->previous;
        links_of(w, l->previous)->next = l->next;
        if (w->heads[list] == item)
            w->heads[list] = l->next;
    }
    l->list = WHEEL_NONE;
}

static uint32_t take_first(struct timing_wheel *w, uint64_t until)
{
    uint64_t tick = first_tick(w);
    if (tick > until)
        return WHEEL_NONE;
    uint32_t item = w->heads[tick & (w->size - 1)];
    assert(item != WHEEL_NONE);
    wheel_remove(w, item);
    return item;
}

uint32_t wheel_expire(struct timing_wheel *w, uint64_t now_ns)
{
    uint64_t now = now_ns / w->tick_ns;
    uint32_t item = take_first(w, now);
    if (item != WHEEL_NONE)
        return item;
    if (w->position <= now)
        w->position = now + 1;
    return WHEEL_NONE;
}

uint32_t wheel_first(struct timing_wheel *w)
{
    return take_first(w, UINT64_MAX - 1);
}

uint64_t wheel_deadline(const struct timing_wheel *w, uint32_t item)
{
    uint32_t list = links_of(w, item)->list;
    return (w->position + ((list - (uint32_t)(w->position & (w->size - 1))) & (w->size - 1))) *
           w->tick_ns;
}
