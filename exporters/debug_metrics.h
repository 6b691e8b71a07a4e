/* `exporters: debug` showing metrics: as with spans, how many there are (basic), a line a point
 * (normal), or the request as indented JSON (detailed); every flush interval of a source. */
#ifndef TAILSPAN_EXPORTERS_DEBUG_METRICS_H
#define TAILSPAN_EXPORTERS_DEBUG_METRICS_H

#include "exporters/metrics_push.h"

enum verbosity {
    VERBOSITY_BASIC,
    VERBOSITY_NORMAL,
    VERBOSITY_DETAILED,
};

struct debug_metrics;

/* NULL: out of memory. The rest is metrics_push.h's. */
struct debug_metrics *debug_metrics_create(struct component *component, struct telemetry *telemetry,
                                           enum verbosity verbosity);
void debug_metrics_destroy(struct debug_metrics *d); /* NULL is fine */
struct metrics_push *debug_metrics_push(struct debug_metrics *d);

/* A value as JSON; arrays and maps as signs that there is one. */
struct json_writer;
void debug_write_value(struct json_writer *w, const struct value *v);

#endif
