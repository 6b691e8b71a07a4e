/* `extensions: health_check`: liveness, readiness and the state of each component over HTTP.
 *
 *   /                        200 while ready, else 503, with the Collector's health_check body
 *   /health, /health/ready   the same question, answered in a few words
 *   /health/live             200 as long as the process answers
 *   /health/detailed         every component's state, since when, and its last error
 *   /health/component/NAME   one component's; NAME is its id, or CLASS/ID where ids meet
 *
 * Ready means: started, not draining, and no component degraded or failed. */
#ifndef TAILSPAN_COLLECTOR_HEALTH_H
#define TAILSPAN_COLLECTOR_HEALTH_H

#include "component/component.h"

extern const struct component_kind health_check_extension;

#endif
