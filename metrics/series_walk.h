/* Showing series without holding their lock: copies of a few at a time. */
#ifndef TAILSPAN_METRICS_SERIES_WALK_H
#define TAILSPAN_METRICS_SERIES_WALK_H

#include "metrics/series.h"

/* Calls `each` with copies of all series that are there from begin to end, without the lock; some
 * of those that come or go meanwhile may be among them. A copy's group is there until `each`
 * returns. `each` returns false to stop. `now_ns` is CLOCK_MONOTONIC. False: out of memory. Any
 * thread, several at once. */
bool series_walk(struct series_store *st, struct series_lock *lock, uint64_t now_ns,
                 bool (*each)(void *context, const struct series *s), void *context);

/* A histogram as points tell it, but for the count, which is the series'. */
void series_explicit_point(const struct series_explicit *x, const struct series_shape *shape,
                           struct metric_point *p);
void series_exponential_point(const struct series_exponential *x, struct metric_point *p);

#endif
