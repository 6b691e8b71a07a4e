/* The sending queue: what lies between a pipeline and a transport.
 *
 * Batches wait here in arrival order, are merged and split to the configured sizes, and go out as
 * frames, at most `num_consumers` at once; one that sleeps before its next try counts among them. A
 * failed frame is retried with growing pauses while it may; what is finally lost is counted with
 * its reason. With the queue disabled, or with wait_for_result, the sender's receipt stays open
 * until the backend has answered.
 *
 * When nothing waits, a push frames and sends on the caller's thread: no hand-over, one lock.
 *
 * Keys, defaults and meaning are the Collector's exporterhelper. Our differences: a full queue
 * answers busy, so that the client keeps its spans, instead of accepting and dropping;
 * block_on_overflow answers busy as well, because a lane that blocked could not receive the answers
 * that make room; an admitted request of any size is sent when the queue is empty.
 *
 * Threads: any may push; transports answer on any. */
#ifndef TAILSPAN_EXPORTERS_SENDING_QUEUE_H
#define TAILSPAN_EXPORTERS_SENDING_QUEUE_H

#include "component/component.h"
#include "component/lane.h"
#include "exporters/queue_settings.h"
#include "proto/frame.h"

/* What became of one attempt. */
enum send_result {
    SEND_OK,
    SEND_RETRY,     /* may be tried again, not before retry_after_ns */
    SEND_PERMANENT, /* refused for good */
};

struct send_answer {
    enum send_result result;
    uint64_t retry_after_ns; /* from now; 0: the queue's own pace */
    uint64_t rejected_spans; /* partial success: accepted but for these */
    int grpc_status;         /* for upstream, when not OK */
    char message[512];       /* the error, or with SEND_OK the backend's warning; "": none */
};

struct sending_queue;

/* One request on its way. The transport borrows the frame until it has answered, and retains it
 * when it needs its bytes for longer. */
struct send_attempt {
    struct frame *frame;
    struct sending_queue *queue;
};

struct sending_queue_options {
    struct component *component; /* its id, status; not owned */
    const struct component_spec *spec;
    struct queue_settings queue;
    struct retry_settings retry;
    struct lane *lane; /* runs its timers */

    /* The transport's part: begin sending. It answers each attempt exactly once, from any thread
     * and possibly before returning, with sending_queue_answer(). */
    void (*send)(void *transport, struct send_attempt *attempt);
    /* Have everything under way, and whatever comes after, answered soon. */
    void (*cancel)(void *transport);
    void *transport;
};

/* NULL: out of memory. */
struct sending_queue *sending_queue_create(const struct sending_queue_options *o, struct error *e);

/* consume() and has_room() of an exporter's. */
struct outcome sending_queue_push(struct sending_queue *q, struct batch *b, struct receipt *r);
bool sending_queue_has_room(struct sending_queue *q, const struct batch *b, struct outcome *why);

/* refresh() of an exporter's, at CLOCK_MONOTONIC `now_ns`. Any thread, until destruction. */
void sending_queue_refresh(struct sending_queue *q, uint64_t now_ns);

void sending_queue_answer(struct send_attempt *attempt, const struct send_answer *answer);
/* The same for an attempt that never reached the backend; it may be tried again. */
void sending_queue_answer_unsent(struct send_attempt *attempt, const char *why);

/* Sends everything it holds, with pauses of at most a second; at the deadline what is left is
 * cancelled, dropped and counted. Nothing may be pushed any more. Main thread. */
void sending_queue_drain(struct sending_queue *q, uint64_t deadline_ns);

/* Drains with no time left, if that has not been done. Main thread, while the lanes run. */
void sending_queue_destroy(struct sending_queue *q);

#endif
