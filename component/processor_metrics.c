#include "component/processor_metrics.h"

struct processor_items processor_items(struct telemetry *t, const char *id)
{
    const struct label *labels = LABELS({"processor", id}, {"otel_signal", "traces"});
    return (struct processor_items){
        .incoming = telemetry_counter(t, "otelcol_processor_incoming_items",
                                      "Items passed to the processor.", labels),
        .outgoing = telemetry_counter(t, "otelcol_processor_outgoing_items",
                                      "Items emitted from the processor.", labels),
    };
}
