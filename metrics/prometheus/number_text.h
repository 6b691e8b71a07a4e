/* Numbers as the text formats write them. */
#ifndef TAILSPAN_METRICS_PROMETHEUS_NUMBER_TEXT_H
#define TAILSPAN_METRICS_PROMETHEUS_NUMBER_TEXT_H

#include "proto/buffer.h"

void number_append_count(struct buffer *out, uint64_t n);
/* A sample: any spelling that reads back the same; +Inf, -Inf, NaN. */
void number_append(struct buffer *out, double v);
/* A bucket's bound, which is a label and so has one spelling: as Go's clients write it, "0.005",
 * "250", "1e+06"; with `open_metrics` "250.0". */
void number_append_bound(struct buffer *out, double v, bool open_metrics);
/* Seconds with milliseconds. */
void number_append_seconds(struct buffer *out, uint64_t ns);

#endif
