/* Tailspan's own telemetry: counters and gauges under the Collector's names, read at 8888/metrics.
 *
 * A metric is registered once, at create() or start(), and lives as long as the registry. Counting
 * is one relaxed atomic addition, on any thread. */
#ifndef TAILSPAN_COMPONENT_TELEMETRY_H
#define TAILSPAN_COMPONENT_TELEMETRY_H

#include "proto/buffer.h"

#include <stdatomic.h>
#include <stdint.h>

struct telemetry;

struct counter {
    atomic_uint_fast64_t value;
};

static inline void counter_add(struct counter *c, uint64_t n)
{
    atomic_fetch_add_explicit(&c->value, n, memory_order_relaxed);
}

static inline uint64_t counter_read(const struct counter *c)
{
    return atomic_load_explicit(&c->value, memory_order_relaxed);
}

struct label {
    const char *name; /* NULL ends a list */
    const char *value;
};

struct telemetry *telemetry_create(void);
void telemetry_destroy(struct telemetry *t);

/* The counter with this name and these labels, made on first use. `name` is written as it stands
 * (the Collector's default adds no _total). Strings are copied. Any thread; never NULL (aborts when
 * out of memory: only called at start). */
struct counter *telemetry_counter(struct telemetry *t, const char *name, const char *help,
                                  const struct label *labels);
/* The same while spans flow: NULL when out of memory. */
struct counter *telemetry_late_counter(struct telemetry *t, const char *name, const char *help,
                                       const struct label *labels);
#define LABELS(...) ((const struct label[]){__VA_ARGS__, {0}})

/* A gauge that is read when scraped; `read` may run on any thread until telemetry_remove(context).
 */
void telemetry_gauge(struct telemetry *t, const char *name, const char *help,
                     const struct label *labels, double (*read)(void *context), void *context);
/* The same, exposed as a counter: for totals that somebody else keeps. */
void telemetry_total(struct telemetry *t, const char *name, const char *help,
                     const struct label *labels, double (*read)(void *context), void *context);
void telemetry_remove(struct telemetry *t, void *context);

/* Prometheus text exposition format 0.0.4, families in order of their names. Counters X_bucket with
 * a label "le" are written as a histogram X, together with X_sum and X_count, which are registered
 * after them. */
void telemetry_write(struct telemetry *t, struct buffer *out);

#endif
