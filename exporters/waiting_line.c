#include "exporters/waiting_line.h"

#include <assert.h>
#include <stdlib.h>

void owners_clear(struct owners *o)
{
    free(o->more);
    *o = (struct owners){0};
}

struct owner *owners_at(struct owners *o, size_t i)
{
    return i == 0 ? &o->first : &o->more[i - 1];
}

bool owners_add(struct owners *o, struct receipt *r, uint32_t spans)
{
    if (o->count > o->capacity) {
        size_t capacity = o->capacity ? o->capacity * 2 : 15;
        struct owner *more = realloc(o->more, capacity * sizeof *more);
        if (!more)
            return false;
        o->more = more;
        o->capacity = capacity;
    }
    *owners_at(o, o->count++) = (struct owner){r, spans};
    return true;
}

uint64_t waiting_size(enum queue_sizer sizer, const struct batch *b, uint32_t first)
{
    switch (sizer) {
    case SIZER_REQUESTS:
        return 1;
    case SIZER_ITEMS:
        return b->span_count - first;
    case SIZER_BYTES:
        return first == 0 && b->request.len ? b->request.len
                                            : frame_estimate(b, first, b->span_count - first);
    }
    return 0;
}

static struct waiting *at(struct waiting_line *w, size_t i)
{
    return &w->ring[(w->head + i) & w->mask];
}

static bool grow(struct waiting_line *w)
{
    size_t length = w->ring ? (w->mask + 1) * 2 : 16;
    struct waiting *ring = malloc(length * sizeof *ring);
    if (!ring)
        return false;
    for (size_t i = 0; i < w->count; i++)
        ring[(w->head + i) & (length - 1)] = *at(w, i);
    free(w->ring);
    w->ring = ring;
    w->mask = length - 1;
    return true;
}

static void count_in(struct waiting_line *w, const struct waiting *e)
{
    w->size += e->size;
    w->batch_size += e->batch_size;
    w->spans += e->batch->span_count - e->first;
}

static void count_out(struct waiting_line *w, const struct waiting *e)
{
    w->size -= e->size;
    w->batch_size -= e->batch_size;
    w->spans -= e->batch->span_count - e->first;
}

bool waiting_line_add(struct waiting_line *w, struct batch *b, struct receipt *r, uint64_t now_ns)
{
    if ((!w->ring || w->count > w->mask) && !grow(w))
        return false;
    struct waiting *e = at(w, w->count++);
    *e = (struct waiting){.batch = b,
                          .receipt = r,
                          .since_ns = now_ns,
                          .size = waiting_size(w->sizer, b, 0),
                          .batch_size = waiting_size(w->batch_sizer, b, 0)};
    count_in(w, e);
    return true;
}

struct waiting *waiting_line_first(struct waiting_line *w)
{
    return w->count ? at(w, 0) : NULL;
}

struct waiting waiting_line_take(struct waiting_line *w)
{
    assert(w->count > 0);
    struct waiting e = *at(w, 0);
    count_out(w, &e);
    w->head++;
    w->count--;
    return e;
}

/* How many spans of the entry fit into `room` of the batch sizes' unit. */
static uint32_t spans_that_fit(const struct waiting_line *w, const struct waiting *e, uint64_t room)
{
    uint32_t left = e->batch->span_count - e->first;
    if (e->batch_size <= room)
        return left;
    if (w->batch_sizer == SIZER_ITEMS)
        return (uint32_t)room;
    uint32_t fits = 0, beyond = left; /* `fits` do, `beyond` do not */
    while (beyond - fits > 1) {
        uint32_t middle = fits + (beyond - fits) / 2;
        if (frame_estimate(e->batch, e->first, middle) <= room)
            fits = middle;
        else
            beyond = middle;
    }
    return fits;
}

/* Moves `count` spans of the oldest entry. */
static bool move(struct waiting_line *w, uint32_t count, struct frame *frame, struct owners *owners)
{
    struct waiting *e = at(w, 0);
    bool whole = e->first + count == e->batch->span_count;
    if (e->receipt && !owners_add(owners, e->receipt, count))
        return false;
    if (!frame_add(frame, e->batch, e->first, count)) {
        if (e->receipt)
            owners->count--;
        return false;
    }
    if (whole) {
        batch_release(waiting_line_take(w).batch);
        return true;
    }
    if (e->receipt)
        receipt_hold(e->receipt);
    count_out(w, e);
    e->first += count;
    e->size = waiting_size(w->sizer, e->batch, e->first);
    e->batch_size = waiting_size(w->batch_sizer, e->batch, e->first);
    count_in(w, e);
    return true;
}

bool waiting_line_cut(struct waiting_line *w, uint64_t min, uint64_t max, struct frame *frame,
                      struct owners *owners)
{
    uint64_t taken = 0;
    bool any = false;
    while (w->count > 0 && (!any || (max ? taken < max : taken < min))) {
        struct waiting *e = at(w, 0);
        uint64_t size = e->batch_size;
        uint32_t count = e->batch->span_count - e->first;
        bool whole = !max || size <= max - taken;
        if (!whole) {
            count = spans_that_fit(w, e, max - taken);
            if (count == 0 && any)
                break;
            count = count ? count : 1;
        }
        if (!move(w, count, frame, owners))
            return any;
        any = true;
        if (!whole)
            break;
        taken += size;
    }
    return true;
}

void waiting_line_free(struct waiting_line *w)
{
    assert(w->count == 0);
    free(w->ring);
    w->ring = NULL;
}
