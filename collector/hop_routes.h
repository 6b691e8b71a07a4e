/* Where hops are told to: rooms that do not know of each other hear of them here. */
#ifndef TAILSPAN_COLLECTOR_HOP_ROUTES_H
#define TAILSPAN_COLLECTOR_HOP_ROUTES_H

#include "component/component.h"

struct hop_routes;

/* From now on tail samplers keep together what hops join, and the stores of all started sqlite
 * exporters among `components` keep the hops. NULL: out of memory. Main thread. */
struct hop_routes *hop_routes_open(struct component *const *components, size_t count);

/* Before the exporters stop. */
void hop_routes_close(struct hop_routes *r);

#endif
