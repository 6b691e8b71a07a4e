/* The last hours of a span_metrics connector: who called what how often, how often it failed and
 * how long it took, a step at a time. It answers Jaeger's monitor tab without a Prometheus.
 *
 * A thread of the history's asks the connector's series once a step and keeps by how much each has
 * grown, so spans pay nothing for it. What has not grown takes no memory. Steps lie one behind the
 * other in a ring of bounded bytes: when it is full the oldest steps go, and the history is shorter
 * than was asked for.
 *
 * Dimensions are summed up: an entry is a service, an operation (span name) and a span kind. */
#ifndef TAILSPAN_METRICS_HISTORY_H
#define TAILSPAN_METRICS_HISTORY_H

#include "component/component.h"
#include "proto/bytes.h"

struct history;

/* The history of a span_metrics connector, kept from now on. For create() of whoever reads it, on
 * the main thread: the connector is made before, and lives longer. NULL with `e` set when `c` is
 * not such a connector, or keeps none (`history: {enabled: false}`), or has no histograms or span
 * names, service names or kinds to keep one of. */
struct history *span_metrics_history(struct component *c, struct error *e);

struct history_entry {
    uint32_t
        id; /* of one visit: 0, 1, 2, … in no order, each entry's the same in all its records */
    struct bytes service;
    struct bytes operation;
    uint8_t kind; /* SPAN_KIND_SERVER */
};

/* What happened to an entry within a step, [begin_ns, end_ns) in CLOCK_REALTIME. */
struct history_record {
    uint64_t begin_ns;
    uint64_t end_ns;
    const struct history_entry *entry;
    uint64_t calls;
    uint64_t errors;         /* of them, with STATUS_CODE_ERROR */
    const uint64_t *buckets; /* history_bound_count() + 1 of durations, not accumulated */
};

struct history_visitor {
    /* Once for each entry, before its first record: whether its records are wanted. */
    bool (*wants)(struct history_visitor *v, const struct history_entry *entry);
    void (*record)(struct history_visitor *v, const struct history_record *record);
};

/* Shows the records of all steps that end within (from_ns, to_ns], oldest step first; what was
 * counted since the last step ended is not among them. Any thread, several at once; the visitor
 * must not call the history. False: out of memory. */
bool history_visit(struct history *h, uint64_t from_ns, uint64_t to_ns, struct history_visitor *v);

/* Upper bounds of the durations' buckets, inclusive, in seconds, ascending; the last bucket has
 * none. */
const double *history_bounds(const struct history *h);
size_t history_bound_count(const struct history *h);

uint64_t history_step_ns(const struct history *h);

#endif
