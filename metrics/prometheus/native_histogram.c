#include "metrics/prometheus/native_histogram.h"

#include <stdlib.h>

enum {
    SCHEMA_MIN = -4,
    SCHEMA_MAX = 8,
    GAP_FILLED = 2, /* so many empty buckets cost less than a span */
    SHIFT_MAX = 62,
};

void native_histogram_free(struct native_histogram *h)
{
    free(h->spans);
    free(h->deltas);
    *h = (struct native_histogram){0};
}

static bool add_span(struct native_histogram *h, int64_t offset)
{
    if (h->span_count == h->span_capacity) {
        size_t capacity = h->span_capacity ? h->span_capacity * 2 : 16;
        struct native_span *spans = reallocarray(h->spans, capacity, sizeof *spans);
        if (!spans)
            return false;
        h->spans = spans;
        h->span_capacity = capacity;
    }
    h->spans[h->span_count++] = (struct native_span){.offset = (int32_t)offset};
    return true;
}

static bool add_delta(struct native_histogram *h, int64_t count)
{
    if (h->delta_count == h->delta_capacity) {
        size_t capacity = h->delta_capacity ? h->delta_capacity * 2 : 64;
        int64_t *deltas = reallocarray(h->deltas, capacity, sizeof *deltas);
        if (!deltas)
            return false;
        h->deltas = deltas;
        h->delta_capacity = capacity;
    }
    h->deltas[h->delta_count++] = count - h->last_count;
    h->last_count = count;
    h->next_index++;
    h->spans[h->span_count - 1].length++;
    return true;
}

/* Adds a bucket that is not empty; indices ascend. */
static bool add_bucket(struct native_histogram *h, int64_t index, uint64_t count)
{
    int64_t gap = index - h->next_index;
    if (h->span_count == 0 || gap > GAP_FILLED) {
        if (!add_span(h, h->span_count == 0 ? index : gap))
            return false;
        h->next_index = index;
    }
    while (h->next_index < index) {
        if (!add_delta(h, 0))
            return false;
    }
    return add_delta(h, (int64_t)count);
}

bool native_histogram_make(struct native_histogram *h, const struct metric_point *p)
{
    if (p->scale < SCHEMA_MIN)
        return false;
    int64_t shift = p->scale > SCHEMA_MAX ? (int64_t)p->scale - SCHEMA_MAX : 0;
    if (shift > SHIFT_MAX)
        shift = SHIFT_MAX;
    h->schema = p->scale > SCHEMA_MAX ? SCHEMA_MAX : p->scale;
    h->span_count = 0;
    h->delta_count = 0;
    h->last_count = 0;
    h->next_index = 0;
    uint64_t count = 0;
    for (size_t i = 0; i < p->positive_count; i++) {
        int64_t place = (int64_t)p->positive_offset + (int64_t)i;
        count += p->positive[i];
        bool last = i + 1 == p->positive_count || (place + 1) >> shift != place >> shift;
        if (!last)
            continue;
        if (count > 0 && !add_bucket(h, (place >> shift) + 1, count))
            return false;
        count = 0;
    }
    return true;
}
