/* What the sink has received, and its two doors. */
#ifndef TAILSPAN_BENCH_SINK_H
#define TAILSPAN_BENCH_SINK_H

#include "tests/bench/count.h"

#include <libdeflate.h>
#include <pthread.h>

/* Kept from request to request; grows to the largest. */
struct inflater {
    struct libdeflate_decompressor *decompressor;
    struct iovec gathered; /* the request, its slices put together */
    struct iovec inflated;
};

struct sink {
    struct inflater inflater; /* the serving thread's alone */
    struct id_set *ids;       /* likewise; NULL: duplicates are not looked for */

    pthread_mutex_t lock; /* guards all below */
    uint64_t requests;
    uint64_t wire_bytes; /* as received, compressed or not */
    uint64_t malformed;
    struct span_count total;
};

/* Counts one request, on the serving thread, inflating it first when it is gzip. */
void sink_take(struct sink *s, const struct iovec *slices, size_t slice_count, bool gzip);

/* Serve OTLP on `endpoint` until SIGTERM, on the calling thread. */
void sink_serve_grpc(struct sink *s, const char *endpoint);
void sink_serve_http(struct sink *s, const char *endpoint);

#endif
