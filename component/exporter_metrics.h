/* What every exporter counts: the Collector's names where it has one, and ours, each with its help,
 * as the second and third argument of telemetry_counter() and its like. Labels: `exporter`, and
 * `reason` where spans were lost. */
#ifndef TAILSPAN_COMPONENT_EXPORTER_METRICS_H
#define TAILSPAN_COMPONENT_EXPORTER_METRICS_H

#define EXPORTER_SENT_SPANS                                                                        \
    "otelcol_exporter_sent_spans", "Spans that the backend has acknowledged."
#define EXPORTER_SEND_FAILED_SPANS                                                                 \
    "otelcol_exporter_send_failed_spans", "Spans that were sent and finally failed."
#define EXPORTER_ENQUEUE_FAILED_SPANS                                                              \
    "otelcol_exporter_enqueue_failed_spans", "Spans lost before a first attempt to send them."
#define EXPORTER_SENT_METRIC_POINTS                                                                \
    "otelcol_exporter_sent_metric_points",                                                         \
        "Metric points that the backend has acknowledged, or a scraper was shown."
#define EXPORTER_SEND_FAILED_METRIC_POINTS                                                         \
    "otelcol_exporter_send_failed_metric_points", "Metric points that were sent and finally "      \
                                                  "failed."
#define EXPORTER_ENQUEUE_FAILED_METRIC_POINTS                                                      \
    "otelcol_exporter_enqueue_failed_metric_points",                                               \
        "Metric points lost before a first attempt to send them."
#define EXPORTER_QUEUE_SIZE                                                                        \
    "otelcol_exporter_queue_size", "What waits in the sending queue, in its sizer's unit."
#define EXPORTER_QUEUE_CAPACITY                                                                    \
    "otelcol_exporter_queue_capacity", "What may wait in the sending queue."
#define EXPORTER_REFUSED_SPANS                                                                     \
    "tailspan_exporter_refused_spans", "Spans answered busy, which the sender keeps."
#define EXPORTER_DROPPED_SPANS                                                                     \
    "tailspan_exporter_dropped_spans", "Accepted spans that were lost, by reason."

#endif
