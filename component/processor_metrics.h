/* What every processor of spans counts, under the Collector's names. */
#ifndef TAILSPAN_COMPONENT_PROCESSOR_METRICS_H
#define TAILSPAN_COMPONENT_PROCESSOR_METRICS_H

#include "component/telemetry.h"

struct processor_items {
    struct counter *incoming;
    struct counter *outgoing;
};

/* Of the processor with this id. Made at start, as telemetry_counter() has it. */
struct processor_items processor_items(struct telemetry *t, const char *id);

#endif
