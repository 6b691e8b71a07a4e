/* A chunk is small enough for its copying to take some tens of microseconds, which a lane can wait,
 * and large enough that locks and unlocks are not what a scrape spends its time on. */
#include "metrics/series_walk.h"

#include "metrics/series_private.h"
#include "proto/buffer.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK_SERIES = 64, CHUNK_SLOTS = 1024, CHUNK_BYTES = 256 * 1024 };

struct chunk {
    struct buffer memory;
    size_t at[CHUNK_SERIES]; /* of each series in memory */
    struct series_group *groups[CHUNK_SERIES];
    unsigned count;
};

/* Room for a piece at a multiple of 8; its offset, or SIZE_MAX. */
static size_t append(struct buffer *b, const void *data, size_t len)
{
    size_t room = (len + 7) & ~(size_t)7;
    uint8_t *to = buffer_reserve(b, room);
    if (!to)
        return SIZE_MAX;
    memcpy(to, data, len);
    b->len += room;
    return b->len - room;
}

static size_t own_bytes(const struct series_shape *shape, const struct series *s)
{
    return (size_t)((const uint8_t *)series_values(s, shape, shape->histograms) -
                    (const uint8_t *)s);
}

/* Pointers within a copy are offsets until the chunk is complete, as its memory may move. */
static bool copy(struct chunk *c, const struct series_shape *shape, const struct series *s)
{
    size_t at = append(&c->memory, s, own_bytes(shape, s));
    if (at == SIZE_MAX)
        return false;
    if (s->exemplars) {
        size_t len = sizeof *s->exemplars + s->exemplars->count * sizeof s->exemplars->items[0];
        size_t to = append(&c->memory, s->exemplars, len);
        if (to == SIZE_MAX)
            return false;
        ((struct series *)(c->memory.data + at))->exemplars = (struct series_exemplars *)to;
    }
    for (unsigned i = 0; shape->max_size && i < shape->histograms; i++) {
        const struct series_exponential *x = series_values(s, shape, i);
        size_t to = append(&c->memory, x->buckets.counts, x->buckets.len * sizeof(uint64_t));
        if (to == SIZE_MAX)
            return false;
        struct series *own = (struct series *)(c->memory.data + at);
        ((struct series_exponential *)series_values(own, shape, i))->buckets.counts =
            (uint64_t *)to;
    }
    c->at[c->count] = at;
    c->groups[c->count++] = s->group;
    s->group->references++;
    return true;
}

static void set_pointers(struct chunk *c, const struct series_shape *shape)
{
    for (unsigned n = 0; n < c->count; n++) {
        struct series *s = (struct series *)(c->memory.data + c->at[n]);
        if (s->exemplars)
            s->exemplars = (struct series_exemplars *)(c->memory.data + (size_t)s->exemplars);
        for (unsigned i = 0; shape->max_size && i < shape->histograms; i++) {
            struct series_exponential *x = series_values(s, shape, i);
            x->buckets.counts = (uint64_t *)(c->memory.data + (size_t)x->buckets.counts);
        }
    }
}

static void let_go(struct chunk *c)
{
    for (unsigned n = 0; n < c->count; n++)
        series_group_drop(c->groups[n]);
    c->count = 0;
    c->memory.len = 0;
}

/* Copies from `*slot` on. */
static void fill(struct chunk *c, const struct series_store *st, uint64_t now_ns, uint32_t *slot)
{
    for (unsigned looked = 0; looked < CHUNK_SLOTS && c->count < CHUNK_SERIES &&
                              c->memory.len < CHUNK_BYTES && *slot < st->slot_end;
         looked++) {
        const struct series *s = series_in_slot(st, (*slot)++);
        if (s && !series_is_gone(st, s, now_ns) && !copy(c, &st->shape, s))
            return;
    }
}

bool series_walk(struct series_store *st, struct series_lock *lock, uint64_t now_ns,
                 bool (*each)(void *context, const struct series *s), void *context)
{
    struct chunk *c = calloc(1, sizeof *c);
    if (!c)
        return false;
    bool more = true;
    for (uint32_t slot = 0; more;) {
        series_lock_other(lock);
        let_go(c);
        fill(c, st, now_ns, &slot);
        more = !c->memory.failed && slot < st->slot_end;
        series_unlock(lock);
        set_pointers(c, &st->shape);
        for (unsigned n = 0; n < c->count && !c->memory.failed; n++) {
            if (!each(context, (const struct series *)(c->memory.data + c->at[n]))) {
                more = false;
                break;
            }
        }
    }
    series_lock_other(lock);
    let_go(c);
    series_unlock(lock);
    bool complete = !c->memory.failed;
    buffer_free(&c->memory);
    free(c);
    return complete;
}

void series_explicit_point(const struct series_explicit *x, const struct series_shape *shape,
                           struct metric_point *p)
{
    p->sum = x->sum;
    p->bounds = shape->bounds;
    p->bound_count = shape->bound_count;
    p->buckets = x->buckets;
}

void series_exponential_point(const struct series_exponential *x, struct metric_point *p)
{
    p->sum = x->sum;
    p->scale = exponential_scale(&x->buckets);
    p->zero_count = x->buckets.zero_count;
    p->positive_offset = x->buckets.len > 0 ? x->buckets.offset : 0;
    p->positive = x->buckets.counts;
    p->positive_count = x->buckets.len;
    p->has_min_max = p->count > 0;
    p->min = x->buckets.min;
    p->max = x->buckets.max;
}
