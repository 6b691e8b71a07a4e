/* The kinds of exporters for Prometheus. */
#ifndef TAILSPAN_METRICS_PROMETHEUS_PROMETHEUS_H
#define TAILSPAN_METRICS_PROMETHEUS_PROMETHEUS_H

#include "component/component.h"

/* What both count; labels: `exporter`, `reason`. */
#define LEFT_OUT_SERIES                                                                            \
    "tailspan_exporter_left_out_series", "Series that were not shown or sent, by reason."

extern const struct component_kind prometheus_exporter;
extern const struct component_kind prometheus_remote_write_exporter;

#endif
