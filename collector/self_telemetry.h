/* The process's own metrics, and the server that exposes the registry at /metrics. */
#ifndef TAILSPAN_COLLECTOR_SELF_TELEMETRY_H
#define TAILSPAN_COLLECTOR_SELF_TELEMETRY_H

#include "component/error.h"
#include "component/telemetry.h"

struct self_telemetry;

/* Registers uptime, CPU, memory and live batches; serves `endpoint` unless it is NULL. NULL with
 * `e` set when it cannot listen. */
struct self_telemetry *self_telemetry_start(struct telemetry *t, const char *endpoint,
                                            struct error *e);
void self_telemetry_stop(struct self_telemetry *s);

#endif
