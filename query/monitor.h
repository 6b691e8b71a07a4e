/* Rates and quantiles over time of what a history remembers: what Jaeger's monitor tab would have
 * Prometheus work out.
 *
 * A value at a time is of the window before it. What was not called in a window has no share of
 * errors and no quantile then, and no point; its rate is 0 from the first step on in which it is
 * known. */
#ifndef TAILSPAN_QUERY_MONITOR_H
#define TAILSPAN_QUERY_MONITOR_H

#include "metrics/history.h"
#include "query/arena.h"

enum { MONITOR_POINTS_MAX = 11000 }; /* of a series, as in Prometheus */

enum monitor_what {
    MONITOR_CALLS,     /* a second */
    MONITOR_ERRORS,    /* share of the calls */
    MONITOR_LATENCIES, /* the quantile, in milliseconds */
};

struct monitor_query {
    enum monitor_what what;
    double quantile;
    const char *const *services;
    size_t service_count;
    uint8_t kinds; /* a bit for each span kind; 0: any */
    bool by_operation;
    uint64_t start_ns; /* of the first point */
    uint64_t end_ns;   /* no point later than this */
    uint64_t step_ns;
    uint64_t window_ns;
};

struct monitor_point {
    uint64_t at_ns;
    double value;
};

struct monitor_series {
    struct bytes service;
    struct bytes operation; /* empty unless by operation */
    struct monitor_point *points;
    size_t point_count;
};

struct monitor_result {
    struct monitor_series *series;
    size_t count;
};

/* Memory is the arena's, whose limit bounds it. False: out of it. */
bool monitor_ask(struct history *h, const struct monitor_query *q, struct arena *a,
                 struct monitor_result *out);

/* The quantile of durations counted in buckets, in the unit of the bounds; as Prometheus has it:
 * linear within a bucket, the last finite bound for what lies beyond. `total` is above 0. */
double monitor_quantile(double quantile, const double *bounds, size_t bound_count,
                        const uint64_t *buckets, uint64_t total);

#endif
