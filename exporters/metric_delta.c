#include "exporters/metric_delta.h"

#include <stdlib.h>

enum { FIRST_SLOTS = 256 };

struct key {
    const struct metric_source *source;
    size_t family;
    uint64_t series;
};

struct told {
    struct key key;
    struct told *next; /* in the slot */
    bool seen;
    uint64_t time_ns;
    double value;
    double sum;
    uint64_t count;
    uint64_t zero_count;
    int32_t scale;
    int32_t offset;
    uint64_t *buckets;
    size_t bucket_count;
};

struct metric_delta {
    struct told **slots;
    size_t mask;
    size_t count;
    uint64_t *scratch; /* buckets of the delta that was given last */
    size_t scratch_count;
};

/* ---- the table ---- */

/* Ids are counted up by sources and not chosen by senders. */
static size_t slot_of(const struct metric_delta *d, const struct key *k)
{
    uint64_t h = (k->series + (uintptr_t)k->source) * 0x9e3779b97f4a7c15u + k->family;
    return (h ^ h >> 29) & d->mask;
}

static bool grow(struct metric_delta *d)
{
    struct metric_delta larger = *d;
    size_t slots = (d->mask + 1) * 2;
    larger.mask = slots - 1;
    larger.slots = calloc(slots, sizeof(struct told *));
    if (!larger.slots)
        return false;
    for (size_t i = 0; i <= d->mask; i++) {
        for (struct told *t = d->slots[i], *next; t; t = next) {
            struct told **slot = &larger.slots[slot_of(&larger, &t->key)];
            next = t->next;
            t->next = *slot;
            *slot = t;
        }
    }
    free(d->slots);
    *d = larger;
    return true;
}

struct metric_delta *metric_delta_create(void)
{
    struct metric_delta *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->mask = FIRST_SLOTS - 1;
    d->slots = calloc(FIRST_SLOTS, sizeof(struct told *));
    if (d->slots)
        return d;
    free(d);
    return NULL;
}

static void told_free(struct told *t)
{
    free(t->buckets);
    free(t);
}

void metric_delta_destroy(struct metric_delta *d)
{
    if (!d)
        return;
    for (size_t i = 0; i <= d->mask; i++) {
        for (struct told *t = d->slots[i], *next; t; t = next) {
            next = t->next;
            told_free(t);
        }
    }
    free(d->slots);
    free(d->scratch);
    free(d);
}

void metric_delta_forget_unseen(struct metric_delta *d, const struct metric_source *source)
{
    for (size_t i = 0; i <= d->mask; i++) {
        for (struct told **at = &d->slots[i]; *at;) {
            struct told *t = *at;
            if (t->key.source != source || t->seen) {
                t->seen = t->key.source != source && t->seen;
                at = &t->next;
                continue;
            }
            *at = t->next;
            d->count--;
            told_free(t);
        }
    }
}

static struct told *find_or_add(struct metric_delta *d, const struct metric_source *source,
                                size_t family, const struct metric_point *p)
{
    const struct key key = {source, family, p->series};
    struct told *t = d->slots[slot_of(d, &key)];
    while (t && (t->key.series != key.series || t->key.family != family || t->key.source != source))
        t = t->next;
    if (t)
        return t;
    if (d->count > d->mask && !grow(d))
        return NULL;
    t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    struct told **slot = &d->slots[slot_of(d, &key)];
    *t = (struct told){.key = key, .next = *slot, .time_ns = p->start_ns, .scale = p->scale};
    *slot = t;
    d->count++;
    return t;
}

/* ---- buckets: explicit ones, or the positive ones of an exponential histogram ---- */

static const uint64_t *buckets_of(const struct metric_point *p, size_t *count)
{
    *count = p->buckets ? p->bound_count + 1 : p->positive_count;
    return p->buckets ? p->buckets : p->positive;
}

/* Copies the point's buckets into the scratch, less those that were told. A scale only ever becomes
 * coarser, so what was told is added up to the point's. False when out of memory. */
static bool subtract(struct metric_delta *d, const struct told *t, const struct metric_point *p)
{
    size_t count;
    const uint64_t *buckets = buckets_of(p, &count);
    if (count > d->scratch_count) {
        uint64_t *scratch = reallocarray(d->scratch, count, sizeof *scratch);
        if (!scratch)
            return false;
        d->scratch = scratch;
        d->scratch_count = count;
    }
    if (count > 0)
        memcpy(d->scratch, buckets, count * sizeof *buckets);
    int shift = t->scale > p->scale ? t->scale - p->scale : 0;
    for (size_t i = 0; i < t->bucket_count; i++) {
        int64_t place = ((int64_t)t->offset + (int64_t)i) >> (shift < 62 ? shift : 62);
        int64_t at = place - p->positive_offset;
        if (at >= 0 && (uint64_t)at < count && d->scratch[at] >= t->buckets[i])
            d->scratch[at] -= t->buckets[i];
    }
    return true;
}

static bool remember_buckets(struct told *t, const struct metric_point *p)
{
    size_t count;
    const uint64_t *buckets = buckets_of(p, &count);
    if (count > t->bucket_count) {
        uint64_t *copy = reallocarray(t->buckets, count, sizeof *copy);
        if (!copy)
            return false;
        t->buckets = copy;
    }
    if (count > 0)
        memcpy(t->buckets, buckets, count * sizeof *buckets);
    t->bucket_count = count;
    t->offset = p->positive_offset;
    t->scale = p->scale;
    return true;
}

enum delta_result metric_delta_take(struct metric_delta *d, const struct metric_source *source,
                                    size_t family, const struct metric_point *p,
                                    struct metric_point *out)
{
    struct told *t = find_or_add(d, source, family, p);
    if (!t || !subtract(d, t, p))
        return DELTA_NO_MEMORY;
    t->seen = true;
    bool news = p->count != t->count || p->value != t->value;
    if (!news)
        return DELTA_NOTHING;
    *out = *p;
    out->start_ns = t->time_ns;
    out->value -= t->value;
    out->sum -= t->sum;
    out->count -= t->count;
    out->zero_count -= t->zero_count;
    out->has_min_max = false; /* those of the delta are not known */
    if (p->buckets)
        out->buckets = d->scratch;
    else
        out->positive = d->scratch;
    while (out->exemplar_count > 0 && out->exemplars->time_ns <= t->time_ns) {
        out->exemplars++;
        out->exemplar_count--;
    }
    if (!remember_buckets(t, p))
        return DELTA_NO_MEMORY;
    t->time_ns = p->time_ns;
    t->value = p->value;
    t->sum = p->sum;
    t->count = p->count;
    t->zero_count = p->zero_count;
    return DELTA_NEW;
}
