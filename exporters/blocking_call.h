/* A unary gRPC call that waits for its answer, for threads that may wait. One call at a time. */
#ifndef TAILSPAN_EXPORTERS_BLOCKING_CALL_H
#define TAILSPAN_EXPORTERS_BLOCKING_CALL_H

#include "exporters/sending_queue.h"

#include <grpc/grpc.h>
#include <pthread.h>

struct blocking_call {
    /* set once */
    grpc_channel *channel; /* not owned */
    void *method;          /* registered with the channel */
    grpc_metadata *metadata;
    size_t metadata_count;
    int64_t timeout_ns; /* 0: none */
    bool gzip;          /* bodies are gzip's */
    bool wait_for_ready;
    grpc_completion_queue *queue;

    pthread_mutex_t lock; /* guards below */
    grpc_call *call;
    bool cancelled;
};

/* Fields "set once" are the caller's to fill in, but for the queue. */
void blocking_call_open(struct blocking_call *b);
void blocking_call_send(struct blocking_call *b, struct bytes body, struct send_answer *answer);
/* Has blocking_call_send() return soon, now and ever after. Any thread. */
void blocking_call_cancel(struct blocking_call *b);
void blocking_call_close(struct blocking_call *b); /* also of a zeroed one */

#endif
