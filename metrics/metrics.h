/* The components of this room. */
#ifndef TAILSPAN_METRICS_METRICS_H
#define TAILSPAN_METRICS_METRICS_H

#include "component/component.h"

extern const struct component_kind span_metrics_connector;
extern const struct component_kind service_graph_connector;

#endif
