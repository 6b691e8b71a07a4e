/* ExportMetricsServiceRequests of what sources show.
 *
 * Points are gathered by resource, so that each resource is in a request once, however its series
 * lie in the source. A request is cut at two megabytes, or a thousand resources. One thread at a
 * time. */
#ifndef TAILSPAN_EXPORTERS_OTLP_METRICS_H
#define TAILSPAN_EXPORTERS_OTLP_METRICS_H

#include "component/metric.h"
#include "proto/buffer.h"

struct otlp_metrics;

/* NULL: out of memory. */
struct otlp_metrics *otlp_metrics_create(void);
void otlp_metrics_destroy(struct otlp_metrics *m); /* NULL is fine */

/* Gives each request to `emit`, which may take the buffer's memory; a buffer that has failed stands
 * for points that were lost (for one, when a source does not know how many). Deltas, where the
 * source wants them, are since the last call. */
void otlp_metrics_collect(struct otlp_metrics *m, struct metric_source *source,
                          void (*emit)(void *context, struct buffer *request, uint64_t points),
                          void *context);

#endif
