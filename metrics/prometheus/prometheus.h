/* The kinds of exporters for Prometheus. */
#ifndef TAILSPAN_METRICS_PROMETHEUS_PROMETHEUS_H
#define TAILSPAN_METRICS_PROMETHEUS_PROMETHEUS_H

#include "component/component.h"

extern const struct component_kind prometheus_exporter;
extern const struct component_kind prometheus_remote_write_exporter;

#endif
