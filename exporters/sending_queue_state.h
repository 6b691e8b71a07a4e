/* Inside of the sending queue: its state, and what its files have of each other.
 *
 * The state is one mutex's. Pushes and answers take it once; while it is held nothing is framed as
 * bytes, sent, logged or answered.
 *
 * A request lives from its dispatch to its final answer, retries and the pauses between them
 * included. Requests leave the line in one place, queue_pump(), which one thread runs at a time: a
 * transport that answers before send() returns would else recurse once per waiting request.
 *
 * Destruction. Answers come on foreign threads, which must not touch the queue when their request
 * was the last: so the last thing that such a thread does is to let go of the mutex under which it
 * gave its request back. The main thread waits for that with `changed`. */
#ifndef TAILSPAN_EXPORTERS_SENDING_QUEUE_STATE_H
#define TAILSPAN_EXPORTERS_SENDING_QUEUE_STATE_H

#include "exporters/backoff.h"
#include "exporters/pacing.h"
#include "exporters/queue_account.h"
#include "exporters/sending_queue.h"
#include "exporters/waiting_line.h"

struct request {
    struct send_attempt attempt; /* first: a transport hands it back */
    struct request *next;        /* in the pool */
    struct lane_task task;       /* takes the pause to the lane */
    struct lane_timer timer;     /* the lane's */
    struct owners owners;
    struct backoff backoff;
    uint64_t spans;
    uint64_t begun_ns; /* CLOCK_MONOTONIC, of the first attempt */

    /* while it sleeps, guarded by the queue's lock */
    struct request *sleep_next;
    struct request *sleep_prev;
    uint64_t wake_ns;
    uint64_t not_before_ns; /* as the backend asked; 0: it did not */
};

struct sending_queue {
    /* set once */
    struct component *component;
    struct telemetry *telemetry;
    struct lane *lane;
    void (*send)(void *transport, struct send_attempt *attempt);
    void (*cancel)(void *transport);
    void *transport;
    struct retry_settings retry;
    bool batching;
    bool holds_receipts;
    uint64_t capacity;
    uint32_t consumers;
    uint64_t batch_min;
    uint64_t batch_max;
    uint64_t flush_timeout_ns;

    struct queue_account account; /* shared, with its own locking */
    struct pacing pacing;         /* likewise */

    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t changed;
    struct waiting_line line;
    size_t flush_before; /* entries before this position of the line go out at once */
    struct request *pool;
    struct request *sleepers;
    uint32_t in_flight; /* requests, sleeping ones included */
    uint32_t random;
    bool pumping;
    bool draining;
    bool closed;
    bool flush_armed; /* the timer is set, or its task is posted */

    struct lane_task flush_task;
    struct lane_timer flush_timer; /* the lane's */
};

/* sending_queue.c */

/* Sends what may go. The lock is held on entry and return, and let go of in between. */
void queue_pump(struct sending_queue *q);
/* Gives a request back and goes on with what waits. Afterwards the queue may be gone. */
void queue_return_request(struct sending_queue *q, struct request *rq);
/* Nothing waits, is under way or about to be; the lock is held. */
bool queue_is_idle(const struct sending_queue *q);

/* sending_queue_answer.c */

/* The final answer to a request: counted, told to its owners, and the request given back. */
void queue_finish(struct request *rq, const struct send_answer *answer, enum drop_reason reason);
/* The same for a batch that has not been sent. Without the lock. */
void queue_drop_waiting(struct sending_queue *q, struct waiting *w, enum drop_reason reason);

/* sending_queue_retry.c */

/* Puts a request to sleep until its next attempt. False when it must not be tried again; `reason`
 * says why. */
bool queue_retry_later(struct request *rq, const struct send_answer *answer,
                       enum drop_reason *reason);
/* Tasks and timers of a request's and the queue's, for lane_task.run and lane_timer.run. */
void queue_set_wake_timer(struct lane_task *task, bool ok);
void queue_wake(struct lane_timer *t);
/* On the lane: sleepers are tried now, but for those that the backend asked to wait. */
void queue_hurry_sleepers(void *context);
/* On the lane, when closed: ends pauses, and the flush timer. Those whose timer is not set yet find
 * the queue closed when their task runs. */
void queue_end_timers(void *context);

#endif
