/* How many spans one stands for: those that come already sampled say so in their tracestate
 * (proto/consistent.h). A fraction is rounded up or down by chance, in proportion, so that sums of
 * whole numbers come out right. Guarded by whoever holds it.
 *
 * Whoever sends spans writes their tracestate, so not all of it is believed: a threshold above the
 * span's own randomness, or one by which it would stand for more than ADJUSTED_COUNT_MAX, counts as
 * none. */
#ifndef TAILSPAN_METRICS_ADJUSTED_H
#define TAILSPAN_METRICS_ADJUSTED_H

#include "proto/batch.h"

#define ADJUSTED_COUNT_MAX (1ULL << 32)

struct adjusted_counts {
    uint64_t random;
};

/* From 1 to ADJUSTED_COUNT_MAX. `*adjusted`: the span said so, credibly. */
uint64_t adjusted_count_of(struct adjusted_counts *a, const struct span_view *span, bool *adjusted);

#endif
