/* A trace's model as OTLP JSON, for Jaeger's v3 API, which shows adjusted spans.
 *
 * What was not adjusted needs no model: otlp_json_print() writes wire bytes directly. */
#ifndef TAILSPAN_QUERY_JAEGER_V3_TRACE_H
#define TAILSPAN_QUERY_JAEGER_V3_TRACE_H

#include "proto/json_writer.h"
#include "query/trace.h"

/* Writes the trace's ResourceSpans as elements of an array that the caller has begun. False: out of
 * memory. */
bool jaeger_v3_trace_write(struct json_writer *w, const struct trace *t);

#endif
