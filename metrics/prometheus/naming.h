/* OTLP's names in Prometheus' spelling, as the Collector spells them.
 *
 * "traces.span.metrics.duration" in "ms" becomes traces_span_metrics_duration_milliseconds, a
 * monotonic sum ends in _total, "service.name" becomes service_name. What cannot be a name is made
 * one: a label is never lost for its spelling. */
#ifndef TAILSPAN_METRICS_PROMETHEUS_NAMING_H
#define TAILSPAN_METRICS_PROMETHEUS_NAMING_H

#include "component/metric.h"
#include "proto/buffer.h"

struct naming {
    const char *namespace; /* NULL or "": none */
    bool suffixes;         /* unit, _total, _ratio */
    bool utf8;             /* names keep their characters */
};

/* Appends the family's name, which is never empty. */
void naming_metric(const struct naming *n, const struct metric_family *f, struct buffer *out);

/* Appends a label's name. With `utf8`, broken sequences become U+FFFD. */
void naming_label(struct bytes name, bool utf8, struct buffer *out);

/* Appends text with all that is not UTF-8, and NUL, replaced by U+FFFD. */
void naming_clean(struct bytes text, struct buffer *out);

/* Whether a name needs no quotes in the text formats. */
bool naming_is_plain(struct bytes name);

#endif
