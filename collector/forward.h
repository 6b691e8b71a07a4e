/* `connectors: forward`: the end of one pipeline that is the beginning of others. */
#ifndef TAILSPAN_COLLECTOR_FORWARD_H
#define TAILSPAN_COLLECTOR_FORWARD_H

#include "component/component.h"

extern const struct component_kind forward_connector;

#endif
