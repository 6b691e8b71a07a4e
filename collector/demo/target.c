#include "collector/demo/target.h"

#include "opentelemetry/proto/collector/trace/v1/trace_service.pb-c.h"

#include <stdio.h>

typedef Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceResponse Response;

void target_read_response(const uint8_t *response, size_t len, struct send_outcome *out)
{
    Response *r = opentelemetry__proto__collector__trace__v1__export_trace_service_response__unpack(
        NULL, len, response);
    if (!r)
        return;
    if (r->partial_success) {
        out->rejected_spans = r->partial_success->rejected_spans;
        snprintf(out->message, sizeof out->message, "%s", r->partial_success->error_message);
    }
    opentelemetry__proto__collector__trace__v1__export_trace_service_response__free_unpacked(r,
                                                                                             NULL);
}
