/* What an Export request is answered, in the words of both transports.
 *
 * Source: OTLP 1.x specification, "OTLP/gRPC Response", "OTLP/HTTP Response", "Retryable Response
 * Codes"; HTTP statuses for gRPC codes as the OpenTelemetry Collector maps them. */
#ifndef TAILSPAN_RECEIVERS_OTLP_REPLY_H
#define TAILSPAN_RECEIVERS_OTLP_REPLY_H

#include "component/component.h"
#include "proto/buffer.h"

#include <grpc/status.h>

struct reply {
    grpc_status_code status;
    unsigned http_status;    /* 0: the one that belongs to `status` */
    uint32_t retry_after_ms; /* 0: no advice */
    uint32_t rejected_spans; /* with status OK: partial success */
    char message[256];
};

/* Fills the reply but for rejected_spans and their message. A busy answer becomes one that clients
 * may retry, whatever code came with it. */
void reply_from_outcome(struct reply *r, const struct outcome *o);

void reply_set(struct reply *r, grpc_status_code status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

unsigned reply_http_status(const struct reply *r);

/* Seconds for a Retry-After header; 0: none. */
unsigned reply_retry_after(const struct reply *r);

/* The body: ExportTraceServiceResponse when OK (empty unless spans were rejected),
 * google.rpc.Status else, with RetryInfo when there is advice. Appends to `out`, which tells of
 * failure. */
void reply_body(const struct reply *r, bool json, struct buffer *out);

#endif
