/* `extensions: query`: the HTTP API over a trace store. */
#ifndef TAILSPAN_QUERY_QUERY_H
#define TAILSPAN_QUERY_QUERY_H

#include "component/component.h"

extern const struct component_kind query_extension;

/* Where a started extension listens. */
uint16_t query_port(const struct component *c);

#endif
