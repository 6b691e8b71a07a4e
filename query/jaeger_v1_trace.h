/* OTLP spans as the JSON that Jaeger's UI and Grafana read: v1's "internal" trace model. */
#ifndef TAILSPAN_QUERY_JAEGER_V1_TRACE_H
#define TAILSPAN_QUERY_JAEGER_V1_TRACE_H

#include "proto/json_writer.h"
#include "query/trace.h"

/* Writes traces of one model; the arena is the model's. */
struct jaeger_v1_writer {
    const struct trace *trace;
    const uint32_t *next; /* by span: the next of its trace, or UINT32_MAX; NULL: all are of one */
    uint32_t *number;     /* by resource: of its process; 0: has none yet */
    uint32_t *named;      /* by process: its resource */
};

/* False: out of memory. */
bool jaeger_v1_writer_begin(struct jaeger_v1_writer *v, const struct trace *t,
                            const uint32_t *next);

/* Writes the trace whose first span is `first` as one object. */
void jaeger_v1_trace_write(struct jaeger_v1_writer *v, struct json_writer *w, uint32_t first);

/* v1's form of a trace id: 16 hex digits when the high half is zero, else 32. */
void jaeger_v1_trace_id(const uint8_t id[16], char out[33]);

#endif
