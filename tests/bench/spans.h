/* Requests to send: ExportTraceServiceRequests of realistic spans, written once and sent many times
 * with fresh ids.
 *
 * A trace walks through four services: an HTTP server, its clients, SQL, a Kafka producer and the
 * consumer behind it. A span has the attributes that today's semantic conventions ask for (about a
 * dozen, 550 bytes in all), with values that vary as they do in life: paths with numbers,
 * statements, addresses, ports. Traces lie whole in one request.
 *
 * request_refresh() overwrites ids and times in place, so that sending costs the generator a few
 * nanoseconds a span and the receiver never sees a span twice. */
#ifndef TAILSPAN_BENCH_SPANS_H
#define TAILSPAN_BENCH_SPANS_H

#include "tests/bench/random.h"

#include <stddef.h>
#include <stdint.h>

struct request_shape {
    uint32_t spans;           /* a request, at least 1 */
    uint32_t spans_per_trace; /* at least 1 */
};

/* Where a span's fields lie in the request, as offsets of their values. */
struct span_place {
    uint32_t trace_id;
    uint32_t span_id;
    uint32_t parent_id; /* 0: a root span */
    uint32_t start;
    uint32_t end;
    uint32_t trace;    /* ordinal of its trace in the request */
    uint32_t parent;   /* ordinal of its parent in the request */
    uint32_t start_us; /* after its trace's start */
    uint32_t length_us;
};

struct request {
    uint8_t *data;
    size_t len;
    uint32_t spans;
    uint32_t traces;
    struct span_place *places;
};

/* Writes a request whose values come from `r`. Aborts when out of memory. */
void request_build(struct request *q, const struct request_shape *shape, struct random *r);
void request_free(struct request *q);

/* New ids for all traces and spans; times so that the traces end at about `now_ns`. */
void request_refresh(struct request *q, struct random *r, uint64_t now_ns);

#endif
