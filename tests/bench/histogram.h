/* A latency histogram with logarithmic buckets, each divided into 64: percentiles are right to
 * within 1.6 %. Not thread-safe. */
#ifndef TAILSPAN_BENCH_HISTOGRAM_H
#define TAILSPAN_BENCH_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_SUB = 64, HISTOGRAM_BUCKETS = 64 * HISTOGRAM_SUB };

struct histogram {
    uint64_t count;
    uint64_t max_ns;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

static inline uint32_t histogram_bucket(uint64_t ns)
{
    if (ns < HISTOGRAM_SUB)
        return (uint32_t)ns;
    uint32_t exponent = 63u - (uint32_t)__builtin_clzll(ns); /* at least 6 */
    return (exponent - 5) * HISTOGRAM_SUB + (uint32_t)(ns >> (exponent - 6)) % HISTOGRAM_SUB;
}

static inline void histogram_add(struct histogram *h, uint64_t ns)
{
    h->count++;
    h->buckets[histogram_bucket(ns)]++;
    if (ns > h->max_ns)
        h->max_ns = ns;
}

/* The largest value of the bucket in which the percentile (0 to 100) lies; 0 when empty. */
static inline uint64_t histogram_percentile(const struct histogram *h, double percentile)
{
    uint64_t rank = (uint64_t)((double)h->count * percentile / 100.0), seen = 0;
    if (rank >= h->count)
        return h->max_ns;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += h->buckets[i];
        if (seen <= rank)
            continue;
        if (i < HISTOGRAM_SUB)
            return i;
        uint32_t shift = i / HISTOGRAM_SUB - 1;
        uint64_t top = (uint64_t)(HISTOGRAM_SUB + i % HISTOGRAM_SUB + 1) << shift;
        return top - 1 < h->max_ns ? top - 1 : h->max_ns;
    }
    return h->max_ns;
}

#endif
