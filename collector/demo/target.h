/* Where the demonstration sends to: one OTLP endpoint, by HTTP or by gRPC, one request at a time.
 */
#ifndef TAILSPAN_COLLECTOR_DEMO_TARGET_H
#define TAILSPAN_COLLECTOR_DEMO_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SEND_SECONDS = 10, REPLY_MAX = 64 << 10 };

struct send_outcome {
    bool delivered;
    bool unreachable;       /* nothing answers there */
    int64_t rejected_spans; /* of a delivered request, by partial success */
    char message[256];      /* why not, or what the receiver remarked; empty: nothing */
};

/* A kind of target. open() returns its state, or NULL with a message. */
struct target_kind {
    void *(*open)(const char *endpoint, char *message, size_t message_len);
    void (*send)(void *state, const uint8_t *request, size_t len, struct send_outcome *out);
    void (*close)(void *state);
};

extern const struct target_kind target_http; /* endpoint: a URL without /v1/traces */
extern const struct target_kind
    target_grpc; /* endpoint: host:port, http:// or https:// before it */

/* Fills in rejected_spans and message from an ExportTraceServiceResponse. */
void target_read_response(const uint8_t *response, size_t len, struct send_outcome *out);

#endif
