/* The receivers: where spans come in. Kinds for the collector's list of components. */
#ifndef TAILSPAN_RECEIVERS_RECEIVERS_H
#define TAILSPAN_RECEIVERS_RECEIVERS_H

#include "component/component.h"

extern const struct component_kind otlp_receiver; /* "otlp": gRPC and HTTP */

#endif
