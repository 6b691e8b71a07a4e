/* The sending queue: what lies between a pipeline and a transport.
 *
 * Batches wait here in arrival order, are merged and split to the configured sizes, and go out as
 * frames, at most `num_consumers` at once. A failed frame is retried with growing pauses while it
 * may; what is finally lost is counted with its reason. With the queue disabled (or
 * wait_for_result) the sender's receipt stays open until the backend has answered.
 *
 * Keys, defaults and meaning are the Collector's exporterhelper: sending_queue, retry_on_failure,
 * timeout. Our difference: a full queue answers busy, so that the client keeps its spans, instead
 * of accepting and dropping.
 *
 * Threads: any may push; transports answer on any. */
#ifndef TAILSPAN_EXPORTERS_SENDING_QUEUE_H
#define TAILSPAN_EXPORTERS_SENDING_QUEUE_H

#include "component/component.h"
#include "component/config.h"
#include "component/lane.h"
#include "proto/frame.h"

struct retry_settings {
    bool enabled;
    int64_t initial_interval_ns;
    int64_t max_interval_ns;
    int64_t max_elapsed_time_ns; /* 0: for ever */
    double multiplier;
    double randomization_factor;
};

struct queue_settings {
    bool enabled;
    int64_t num_consumers;
    int64_t queue_size;
    int sizer; /* 0 requests, 1 items, 2 bytes */
    bool block_on_overflow;
    bool wait_for_result;
    struct {
        bool present;
        int64_t flush_timeout_ns;
        int64_t min_size;
        int64_t max_size;
        int sizer;
    } batch;
};

/* For the exporters' own tables, as FIELD_SECTIONs. */
extern const struct config_field retry_fields[];
extern const struct config_field queue_fields[];

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
    int grpc_status;
    char message[160];
};

struct sending_queue;

/* One request on its way. The transport borrows the frame until it has answered. */
struct send_attempt {
    struct frame *frame;
    struct sending_queue *queue;
};

/* The transport's part: begin sending. It answers each attempt exactly once, from any thread and
 * possibly before returning, with sending_queue_answer(). */
typedef void send_function(void *transport, struct send_attempt *attempt);

struct sending_queue_options {
    struct component *component; /* its id, status; not owned */
    const struct component_spec *spec;
    struct queue_settings queue;
    struct retry_settings retry;
    struct lane *lane; /* runs its timers */
    send_function *send;
    void *transport;
};

struct sending_queue *sending_queue_create(const struct sending_queue_options *o, struct error *e);
struct outcome sending_queue_push(struct sending_queue *q, struct batch *b, struct receipt *r);
bool sending_queue_has_room(struct sending_queue *q, const struct batch *b, struct outcome *why);
void sending_queue_answer(struct send_attempt *attempt, const struct send_answer *answer);
/* Sends everything it holds; at the deadline what is left is dropped and counted. */
void sending_queue_drain(struct sending_queue *q, uint64_t deadline_ns);
void sending_queue_destroy(struct sending_queue *q);

#endif
