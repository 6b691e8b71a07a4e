/* Exporting frames with unary gRPC calls: the transport under the otlp_grpc exporter's queue.
 *
 * A request is one call whose six operations go in one batch, so that a lane hears of it once, when
 * it is over. Its message is the frame's slices by reference: C core counts them with one reference
 * on the frame. Nothing is copied, and what a call needs around that is kept for the next.
 *
 * gzip is done by us before the call, and the message handed over as compressed already, which C
 * core passes on as it is: its own zlib would cost more than all the rest. */
#ifndef TAILSPAN_EXPORTERS_EXPORT_CALLS_H
#define TAILSPAN_EXPORTERS_EXPORT_CALLS_H

#include "component/lane.h"
#include "exporters/compress.h"
#include "exporters/sending_queue.h"

#include <grpc/grpc.h>

struct export_call;

struct export_calls {
    /* set once, before the first call */
    struct lane *const *lanes;
    unsigned lane_count;
    struct compressor *gzip; /* NULL: no compression; not owned */
    grpc_metadata *metadata; /* sent with each call; not owned */
    size_t metadata_count;
    int64_t timeout_ns; /* 0: none */
    bool wait_for_ready;
    grpc_channel *channel; /* not owned */
    void *method;          /* registered with the channel */

    atomic_uint turn; /* shared: which lane takes the next call of a thread that is none */

    pthread_mutex_t lock; /* guards below */
    struct export_call *pool;
    struct export_call *live;
    bool cancelled;
};

void export_calls_init(struct export_calls *x);

/* Frees the pool; every call must be done. */
void export_calls_free(struct export_calls *x);

/* For sending_queue_options, with a struct export_calls as transport. */
void export_calls_send(void *transport, struct send_attempt *attempt);
void export_calls_cancel(void *transport);

#endif
