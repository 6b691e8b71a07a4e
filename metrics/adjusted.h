/* How many spans one stands for: those that come already sampled say so in their tracestate
 * (proto/consistent.h). A fraction is rounded up or down by chance, in proportion, so that sums of
 * whole numbers come out right. Guarded by whoever holds it. */
#ifndef TAILSPAN_METRICS_ADJUSTED_H
#define TAILSPAN_METRICS_ADJUSTED_H

#include "proto/batch.h"

struct adjusted_counts {
    uint64_t random;
};

/* At least 1. `*adjusted`: the span said so. */
uint64_t adjusted_count_of(struct adjusted_counts *a, const struct span_view *span, bool *adjusted);

#endif
