/* Sampling rates per key that follow the traffic: much of what is frequent goes, what is rare
 * stays. The formulas are those of Honeycomb's Refinery.
 *
 * Moving averages (ema): each interval a key's count enters its average. The budget of the interval
 * (all events / goal rate, or goal throughput x interval) is shared out by the logarithm of the
 * averages, at least one event a key; what a key does not use is shared among the rest. Here the
 * rest are the more frequent keys. A key's rate is its average / its share, rounded up. A burst (as
 * many events as burst_multiple intervals have) brings the next update forward.
 *
 * Windowed: each key gets an equal share of goal throughput x lookback; its rate is its count in
 * the window / its share, rounded down.
 *
 * A key without a rate yet is kept. Memory: 64 bytes a key, and of windows 8 a tick of the
 * lookback; max_keys bounds it. Not thread-safe. */
#ifndef TAILSPAN_SAMPLING_DYNAMIC_RATES_H
#define TAILSPAN_SAMPLING_DYNAMIC_RATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DYNAMIC_TICKS_MAX 600 /* of a lookback */

struct dynamic_goal {
    bool windowed;
    double rate;       /* keep one in so many; 0: the goal is a throughput */
    double throughput; /* events to keep a second */
    int64_t interval_ns;
    int64_t lookback_ns; /* windowed */
    double weight;       /* of the latest interval in the average, 0 < weight < 1 */
    double age_out;      /* an average below it is forgotten */
    double burst_multiple;
    int64_t burst_delay; /* intervals before bursts are looked for */
    int64_t max_keys;
    int64_t initial_rate; /* before the first interval has passed */
};

struct dynamic_rates;

struct dynamic_rates *dynamic_rates_create(const struct dynamic_goal *goal); /* NULL: no memory */
void dynamic_rates_destroy(struct dynamic_rates *r);

/* Counts `events` of a key, which is given by a hash of it, and returns its rate: keep one in so
 * many, 1 or more. */
uint64_t dynamic_rates_count(struct dynamic_rates *r, uint64_t key, uint32_t events,
                             uint64_t now_ns);

#endif
