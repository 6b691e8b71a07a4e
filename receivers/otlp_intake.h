/* The way from a transport into the pipeline, the same for gRPC and HTTP: index the request, hand
 * it on, count what became of it, and tell the transport what to answer.
 *
 * An intake belongs to one transport of one receiver; its counters are atomic, the rest is fixed
 * after intake_init(). A request belongs to whoever embeds it and must live until `answered`. */
#ifndef TAILSPAN_RECEIVERS_OTLP_INTAKE_H
#define TAILSPAN_RECEIVERS_OTLP_INTAKE_H

#include "component/telemetry.h"
#include "receivers/body.h"
#include "receivers/otlp_reply.h"

enum intake_refusal {
    REFUSED_MALFORMED,
    REFUSED_TOO_LARGE,
    REFUSED_NO_MEMORY,
    REFUSED_CROWDED, /* too many bodies are coming in at once */
    REFUSED_TOO_SLOW,
    REFUSED_UNSUPPORTED, /* method, path, content type or encoding */
    REFUSED_DRAINING,
    INTAKE_REFUSALS,
};

struct intake {
    struct component *component;
    size_t limit; /* of a request, decompressed */
    struct counter *accepted_spans;
    struct counter *refused_spans;
    struct counter *failed_spans;
    struct counter *invalid_id_spans;
    struct counter *refused_requests[INTAKE_REFUSALS];
};

void intake_init(struct intake *in, struct component *c, const struct component_spec *spec,
                 const char *transport, size_t limit);

struct intake_request {
    struct receipt receipt;
    struct intake *in;
    /* Once, on any thread, possibly before intake_submit() returns; `rq` may be freed from it. */
    void (*answered)(struct intake_request *rq);
    uint32_t spans;
    struct reply reply;
};

/* Begins a request anew; a request may be used again after it was answered. */
void intake_begin(struct intake *in, struct intake_request *rq,
                  void (*answered)(struct intake_request *rq));

/* Takes over `b`, whose payload holds the request's `len` bytes. */
void intake_submit(struct intake_request *rq, struct batch *b, size_t len);

/* The same for a request that came in parts, see batch_from_parts(). */
void intake_submit_parts(struct intake_request *rq, const struct bytes *parts, uint32_t count,
                         void (*release)(void *owner), void *owner);

/* Undoes compression and JSON first. `body` is not needed any more after it. */
void intake_submit_body(struct intake_request *rq, struct inflater *inflater,
                        struct body_format format, struct bytes body);

/* Counts a request that never came to a batch, and writes the reply. Does not call `answered`. */
void intake_refuse(struct intake_request *rq, enum intake_refusal why, const char *detail);

#endif
