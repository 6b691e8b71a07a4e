/* OTLP/JSON to wire bytes and back, driven by protobuf-c's descriptors of the OTLP schema.
 *
 * The JSON mapping is proto3's, with OTLP's exceptions: trace_id, span_id and parent_span_id are
 * hex, enums are written as numbers (names are read as well), 64-bit integers are written as
 * strings and read as either, keys are lowerCamelCase (snake_case is read as well), unknown keys
 * are ignored, null is as good as absent. Whether an id has the right length is not asked here.
 * Neither direction builds a tree, so memory is that of the output; messages nest at most 100 deep.
 * Source: opentelemetry-specification protocol/otlp.md, "JSON Protobuf Encoding". */
#ifndef TAILSPAN_PROTO_OTLP_JSON_H
#define TAILSPAN_PROTO_OTLP_JSON_H

#include "proto/buffer.h"

enum otlp_message {
    OTLP_TRACE_REQUEST,  /* ExportTraceServiceRequest; TracesData has the same form */
    OTLP_TRACE_RESPONSE, /* ExportTraceServiceResponse */
    OTLP_SPAN,
    OTLP_RESOURCE,
    OTLP_STATUS,           /* google.rpc.Status */
    OTLP_METRICS_REQUEST,  /* ExportMetricsServiceRequest; printed, not parsed */
    OTLP_METRICS_RESPONSE, /* ExportMetricsServiceResponse */
};

/* Appends the message's wire bytes to `out`. False when the JSON is malformed or does not fit the
 * schema, or `out` has failed; `out` is then as long as before. `where` (at least 256 bytes) then
 * says what and where, e.g. "line 3, column 17: resourceSpans[0].scopeSpans[0].spans[2].traceId:
 * not hex". */
bool otlp_json_parse(struct bytes json, enum otlp_message type, struct buffer *out, char *where,
                     size_t where_len);

/* Appends the message as one line of JSON (or indented by two spaces). Strings that are not valid
 * UTF-8 get U+FFFD in place of the offending bytes. Defaults are left out; a message field outside
 * of a oneof is written even when it is absent, as {}, which is what the Collector does. False when
 * the wire bytes are malformed or `out` has failed; `out` is then as long as before. */
bool otlp_json_print(struct bytes wire, enum otlp_message type, bool indent, struct buffer *out);

#endif
