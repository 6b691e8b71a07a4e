/* Buckets with explicit bounds: where a value belongs. */
#ifndef TAILSPAN_METRICS_EXPLICIT_H
#define TAILSPAN_METRICS_EXPLICIT_H

#include "component/config.h"

#include <stddef.h>
#include <stdint.h>

/* The first bucket whose upper bound, inclusive, is not below `value`; `count` when all are. A
 * binary search that the processor can follow without guessing. */
static inline size_t explicit_bucket(const double *bounds, size_t count, double value)
{
    const double *base = bounds;
    size_t len = count;
    if (count == 0)
        return 0;
    while (len > 1) {
        size_t half = len / 2;
        base += half & -(size_t)(base[half - 1] < value);
        len -= half;
    }
    return (size_t)(base - bounds) + (*base < value);
}

/* Bounds from a list of durations, in units of `unit_ns`; kept as long as the configuration. */
bool explicit_bounds_read(const struct config_value *list, int64_t unit_ns, double **bounds,
                          uint32_t *count, struct error *e);

/* Those that the Collector's connectors have without configuration: 2 ms to 15 s. */
double *explicit_bounds_default(bool seconds, uint32_t *count);

#endif
