/* WriteRequests of remote write 1.0, of what sources show, packed with Snappy.
 *
 * A histogram with explicit buckets is a series for each of its lines, as in the text formats; an
 * exponential one is one native histogram. The same series is not in one collection twice. One
 * thread at a time. */
#ifndef TAILSPAN_METRICS_PROMETHEUS_WRITE_REQUEST_H
#define TAILSPAN_METRICS_PROMETHEUS_WRITE_REQUEST_H

#include "metrics/prometheus/families.h"
#include "metrics/prometheus/labels.h"

struct write_requests_options {
    const struct families *families;
    const struct label_rules *rules;
    size_t request_max; /* bytes, before packing */
    bool target_info;
    bool metadata; /* type and help of each family */
};

struct write_requests;

/* NULL: out of memory. */
struct write_requests *write_requests_create(const struct write_requests_options *o);
void write_requests_destroy(struct write_requests *w); /* NULL is fine */

struct write_report {
    uint64_t duplicates; /* left out: their series was in already */
    uint64_t unsayable;  /* left out: a histogram too coarse */
};

/* Gives each packed request to `emit`, which may take the buffer's memory; a buffer that has failed
 * stands for points that were lost (for one, when a source does not know how many). */
void write_requests_collect(struct write_requests *w, struct metric_source *source,
                            void (*emit)(void *context, struct buffer *request, uint64_t points),
                            void *context, struct write_report *report);

#endif
