/* OTLP's exponential histograms as Prometheus' native ones.
 *
 * The buckets are the same powers of 2^(2^-scale), numbered one higher; a finer scale than
 * Prometheus knows (8) is made coarser by adding buckets up. Buckets are written as spans of
 * neighbours and as differences of counts. */
#ifndef TAILSPAN_METRICS_PROMETHEUS_NATIVE_HISTOGRAM_H
#define TAILSPAN_METRICS_PROMETHEUS_NATIVE_HISTOGRAM_H

#include "component/metric.h"

#define NATIVE_ZERO_THRESHOLD 1e-128 /* as the Collector's */

struct native_span {
    int32_t offset; /* from the end of the span before; of the first, its index */
    uint32_t length;
};

/* Used again for point after point. Zero-initialise; native_histogram_free() at the end. */
struct native_histogram {
    int32_t schema;
    struct native_span *spans;
    size_t span_count;
    int64_t *deltas;
    size_t delta_count;

    size_t span_capacity;
    size_t delta_capacity;
    int64_t last_count;
    int64_t next_index;
};

/* False when the scale is coarser than Prometheus knows (-4), or out of memory. */
bool native_histogram_make(struct native_histogram *h, const struct metric_point *p);
void native_histogram_free(struct native_histogram *h);

#endif
