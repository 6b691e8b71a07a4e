/* An exponential histogram of positive values: OpenTelemetry's base-2 histogram.
 *
 * At scale s a bucket's bounds are 2^(i / 2^s) and 2^((i + 1) / 2^s), lower exclusive, upper
 * inclusive. It begins as fine as can be and is made coarser, two buckets into one, whenever its
 * values lie further apart than the largest number of buckets reaches. Whoever holds it guards it.
 */
#ifndef TAILSPAN_METRICS_EXPONENTIAL_H
#define TAILSPAN_METRICS_EXPONENTIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    EXPONENTIAL_SCALE_MAX = 20,
    EXPONENTIAL_SCALE_MIN = -10,
    EXPONENTIAL_SIZE_MIN = 2,
    EXPONENTIAL_SIZE_MAX = 16384,
    EXPONENTIAL_SIZE_DEFAULT = 160,
};

struct exponential {
    uint64_t *counts; /* `len` of them, the first that of bucket `offset` */
    uint32_t len;     /* 0: nothing but zeros was counted */
    uint32_t capacity;
    int32_t offset;
    int32_t scale;
    uint64_t zero_count;
    double min;
    double max;
};

/* False: out of memory. Needs no more later: without it a histogram is made coarser earlier. */
bool exponential_init(struct exponential *x);
void exponential_free(struct exponential *x);

/* Counts `value`, which is finite and not negative, `n` times. `max_size` is the same every time.
 */
void exponential_add(struct exponential *x, uint32_t max_size, double value, uint64_t n);

/* The bucket of a positive value. */
int32_t exponential_index(double value, int32_t scale);

/* As exponential histograms are told: one without buckets has scale 0. */
static inline int32_t exponential_scale(const struct exponential *x)
{
    return x->len > 0 ? x->scale : 0;
}

#endif
