/* Metrics pushed over OTLP: what otlp_grpc, otlp_http have in common there. Requests are made,
 * printed as JSON where wanted, and compressed by the thread of metrics_push.h. */
#ifndef TAILSPAN_EXPORTERS_OTLP_PUSH_H
#define TAILSPAN_EXPORTERS_OTLP_PUSH_H

#include "exporters/compress.h"
#include "exporters/metrics_push.h"

struct otlp_push_options {
    struct component *component;
    struct telemetry *telemetry;
    struct retry_settings retry;
    struct compressor *compressor; /* NULL: no compression; not owned */
    bool json;

    /* As in metrics_push_options. */
    void (*send)(void *context, struct bytes body, struct send_answer *answer);
    void (*cancel)(void *context);
    void *context;
};

struct otlp_push;

/* NULL: out of memory. */
struct otlp_push *otlp_push_create(const struct otlp_push_options *o);
void otlp_push_destroy(struct otlp_push *p); /* NULL is fine */

/* The rest is that one's. */
struct metrics_push *otlp_push_metrics(struct otlp_push *p);

#endif
