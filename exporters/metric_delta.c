#include "exporters/metric_delta.h"

#include <stdlib.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct key {
    const struct metric_source *source;
    uint64_t family;
    uint64_t series;
};

struct told {
    struct key key;
    UT_hash_handle hh;
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
    struct told *all;
    uint64_t *scratch; /* buckets of the delta that was given last */
    size_t scratch_count;
};

struct metric_delta *metric_delta_create(void)
{
    return calloc(1, sizeof(struct metric_delta));
}

static void forget(struct metric_delta *d, struct told *t)
{
    HASH_DEL(d->all, t);
    free(t->buckets);
    free(t);
}

void metric_delta_destroy(struct metric_delta *d)
{
    if (!d)
        return;
    struct told *t, *next;
    HASH_ITER(hh, d->all, t, next)
    forget(d, t);
    free(d->scratch);
    free(d);
}

void metric_delta_forget_unseen(struct metric_delta *d, const struct metric_source *source)
{
    struct told *t, *next;
    HASH_ITER(hh, d->all, t, next)
    {
        if (t->key.source == source && !t->seen)
            forget(d, t);
        else
            t->seen = false;
    }
}

static struct told *find_or_add(struct metric_delta *d, const struct metric_source *source,
                                size_t family, const struct metric_point *p)
{
    struct key key = {source, family, p->series};
    struct told *t = NULL;
    HASH_FIND(hh, d->all, &key, sizeof key, t);
    if (t)
        return t;
    t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->key = key;
    t->time_ns = p->start_ns;
    t->scale = p->scale;
    HASH_ADD(hh, d->all, key, sizeof t->key, t);
    if (!t->hh.tbl) {
        free(t);
        return NULL;
    }
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
