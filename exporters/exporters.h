/* The kinds of exporters. */
#ifndef TAILSPAN_EXPORTERS_EXPORTERS_H
#define TAILSPAN_EXPORTERS_EXPORTERS_H

#include "component/component.h"

extern const struct component_kind otlp_grpc_exporter;
extern const struct component_kind otlp_http_exporter;
extern const struct component_kind file_exporter;
extern const struct component_kind debug_exporter;
extern const struct component_kind nop_exporter;

#endif
