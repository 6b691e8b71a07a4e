#include "sampling/waiting_spans.h"

#include "sampling/batch_copy.h"

#include <assert.h>
#include <stdlib.h>

/* Batches smaller than this are not worth a copy. */
#define COMPACT_BYTES 16384U

static const struct span_place NOWHERE = {SPAN_NONE, 0};

struct slot {
    struct span_place next;
    struct span_place previous;
    uint32_t span; /* SPAN_NONE: gone */
    uint32_t trace;
};

struct held {
    struct batch *batch;
    uint32_t used;    /* slots */
    uint32_t waiting; /* of them */
    uint32_t room;
    bool open; /* spans are still being added */
    bool thin; /* on the list of those to be compacted */
    struct slot slots[];
};

struct waiting_spans {
    struct held **held; /* by number; free ones are chained through free_next */
    uint32_t *free_next;
    uint32_t held_count;
    uint32_t held_room;
    uint32_t first_free;
    uint32_t *thin; /* numbers; some may have been freed since */
    uint32_t thin_count;
    uint32_t thin_room;
    struct span_chain *(*chain_of)(void *owner, uint32_t trace);
    void *owner;
    uint64_t count;
    uint64_t moved;
};

struct waiting_spans *waiting_spans_create(struct span_chain *(*chain_of)(void *owner,
                                                                          uint32_t trace),
                                           void *owner)
{
    struct waiting_spans *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->first_free = SPAN_NONE;
    w->chain_of = chain_of;
    w->owner = owner;
    return w;
}

static void held_free(struct waiting_spans *w, uint32_t number)
{
    struct held *h = w->held[number];
    batch_release(h->batch);
    free(h);
    w->held[number] = NULL;
    w->free_next[number] = w->first_free;
    w->first_free = number;
}

void waiting_spans_destroy(struct waiting_spans *w)
{
    if (!w)
        return;
    for (uint32_t i = 0; i < w->held_count; i++) {
        if (w->held[i])
            held_free(w, i);
    }
    free(w->held);
    free(w->free_next);
    free(w->thin);
    free(w);
}

static bool more_numbers(struct waiting_spans *w)
{
    uint32_t room = w->held_room ? w->held_room * 2 : 64;
    struct held **held = realloc(w->held, sizeof *held * room);
    if (held)
        w->held = held;
    uint32_t *free_next = realloc(w->free_next, sizeof *free_next * room);
    if (free_next)
        w->free_next = free_next;
    if (!held || !free_next)
        return false;
    w->held_room = room;
    return true;
}

static struct held *held_create(struct batch *b, uint32_t slots)
{
    struct held *h = malloc(sizeof *h + sizeof h->slots[0] * slots);
    if (!h)
        return NULL;
    *h = (struct held){.batch = b, .room = slots, .open = true};
    return h;
}

uint32_t waiting_spans_hold(struct waiting_spans *w, struct batch *b, uint32_t slots)
{
    if (w->first_free == SPAN_NONE && w->held_count == w->held_room && !more_numbers(w))
        return SPAN_NONE;
    struct held *h = held_create(b, slots);
    if (!h)
        return SPAN_NONE;
    uint32_t number = w->first_free;
    if (number == SPAN_NONE)
        number = w->held_count++;
    else
        w->first_free = w->free_next[number];
    w->held[number] = h;
    return number;
}

static struct slot *slot_at(const struct waiting_spans *w, struct span_place p)
{
    return &w->held[p.held]->slots[p.slot];
}

void waiting_spans_add(struct waiting_spans *w, uint32_t held, uint32_t span, uint32_t trace,
                       bool root)
{
    struct held *h = w->held[held];
    assert(h->open && h->used < h->room);
    struct span_chain *c = w->chain_of(w->owner, trace);
    struct span_place here = {held, h->used++};
    h->slots[here.slot] =
        (struct slot){.next = NOWHERE, .previous = c->last, .span = span, .trace = trace};
    if (c->last.held == SPAN_NONE)
        c->first = here;
    else
        slot_at(w, c->last)->next = here;
    c->last = here;
    if (root)
        c->root = here;
    h->waiting++;
    w->count++;
}

static struct batch *copy_waiting(const struct held *h)
{
    uint32_t *spans = malloc(sizeof *spans * h->waiting);
    if (!spans)
        return NULL;
    uint32_t n = 0;
    for (uint32_t i = 0; i < h->used; i++) {
        if (h->slots[i].span != SPAN_NONE)
            spans[n++] = h->slots[i].span;
    }
    struct batch *chosen = batch_select(h->batch, spans, n);
    free(spans);
    struct batch *copy = chosen ? batch_copy(chosen) : NULL;
    batch_release(chosen);
    return copy;
}

/* Points what refers to the waiting slots of `old`, number `number`, at their new places. A slot
 * that has moved holds its new place in `span`; neighbours in `h` itself are looked up there. */
static void relink(struct waiting_spans *w, uint32_t number, const struct held *old, struct held *h)
{
    for (uint32_t i = 0; i < old->used; i++) {
        if (old->slots[i].span == SPAN_NONE)
            continue;
        struct span_place to = {number, old->slots[i].span};
        struct slot *s = &h->slots[to.slot];
        struct span_chain *c = w->chain_of(w->owner, s->trace);
        if (c->root.held == number && c->root.slot == i)
            c->root = to;
        if (s->previous.held == SPAN_NONE)
            c->first = to;
        else if (s->previous.held == number)
            s->previous.slot = old->slots[s->previous.slot].span;
        else
            w->held[s->previous.held]->slots[s->previous.slot].next = to;
        if (s->next.held == SPAN_NONE)
            c->last = to;
        else if (s->next.held == number)
            s->next.slot = old->slots[s->next.slot].span;
        else
            w->held[s->next.held]->slots[s->next.slot].previous = to;
    }
}

/* Moves what still waits of a batch into one of its own. Out of memory: leaves it. */
static void compact(struct waiting_spans *w, uint32_t number)
{
    struct held *old = w->held[number];
    struct batch *copy = copy_waiting(old);
    struct held *h = copy ? held_create(copy, old->waiting) : NULL;
    if (!h) {
        batch_release(copy);
        return;
    }
    h->open = false;
    for (uint32_t i = 0; i < old->used; i++) {
        if (old->slots[i].span == SPAN_NONE)
            continue;
        h->slots[h->used] = old->slots[i];
        h->slots[h->used].span = h->used;
        old->slots[i].span = h->used++;
    }
    h->waiting = h->used;
    relink(w, number, old, h);
    w->held[number] = h;
    w->moved += h->used;
    batch_release(old->batch);
    free(old);
}

static bool is_thin(const struct held *h)
{
    return h->waiting <= h->batch->span_count / 4 && batch_bytes(h->batch) >= COMPACT_BYTES;
}

/* Out of memory: it is not compacted. */
static void note_thin(struct waiting_spans *w, uint32_t number)
{
    if (w->thin_count == w->thin_room) {
        uint32_t room = w->thin_room ? w->thin_room * 2 : 64;
        uint32_t *thin = realloc(w->thin, sizeof *thin * room);
        if (!thin)
            return;
        w->thin = thin;
        w->thin_room = room;
    }
    w->thin[w->thin_count++] = number;
    w->held[number]->thin = true;
}

/* Lets go of a batch of which nothing waits, and notes one of which little does. */
static void tidy(struct waiting_spans *w, uint32_t number)
{
    const struct held *h = w->held[number];
    if (h->open)
        return;
    if (h->waiting == 0)
        held_free(w, number);
    else if (!h->thin && is_thin(h))
        note_thin(w, number);
}

bool waiting_spans_compact(struct waiting_spans *w, unsigned batches)
{
    for (unsigned i = 0; i < batches; i++) {
        if (w->thin_count == 0)
            return true;
        uint32_t number = w->thin[--w->thin_count];
        struct held *h = w->held[number];
        if (!h || !h->thin)
            continue;
        h->thin = false;
        compact(w, number);
    }
    return w->thin_count == 0;
}

void waiting_spans_held(struct waiting_spans *w, uint32_t held)
{
    struct held *h = w->held[held];
    h->open = false;
    if (h->used < h->room / 2) {
        struct held *smaller = realloc(h, sizeof *h + sizeof h->slots[0] * h->used);
        if (smaller) {
            smaller->room = smaller->used;
            w->held[held] = smaller;
        }
    }
    tidy(w, held);
}

struct batch *waiting_spans_at(const struct waiting_spans *w, struct span_place p, uint32_t *span)
{
    const struct held *h = w->held[p.held];
    *span = h->slots[p.slot].span;
    return h->batch;
}

bool waiting_spans_take(struct waiting_spans *w, uint32_t trace, bool keep, struct batch **b,
                        uint32_t *span)
{
    struct span_chain *c = w->chain_of(w->owner, trace);
    if (c->first.held == SPAN_NONE)
        return false;
    struct span_place here = c->first;
    struct held *h = w->held[here.held];
    struct slot *s = &h->slots[here.slot];
    *b = keep ? batch_retain(h->batch) : NULL;
    *span = s->span;
    if (c->root.held == here.held && c->root.slot == here.slot)
        c->root = NOWHERE;
    c->first = s->next;
    if (c->first.held == SPAN_NONE)
        c->last = NOWHERE;
    else
        w->held[c->first.held]->slots[c->first.slot].previous = NOWHERE;
    s->span = SPAN_NONE;
    h->waiting--;
    w->count--;
    tidy(w, here.held);
    return true;
}

uint64_t waiting_spans_count(const struct waiting_spans *w)
{
    return w->count;
}

uint64_t waiting_spans_moved(const struct waiting_spans *w)
{
    return w->moved;
}
