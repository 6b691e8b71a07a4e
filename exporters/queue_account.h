/* A sending queue's books: every span that was accepted ends in exactly one of sent, send_failed
 * and enqueue_failed; and the component's state, which follows the last attempt. */
#ifndef TAILSPAN_EXPORTERS_QUEUE_ACCOUNT_H
#define TAILSPAN_EXPORTERS_QUEUE_ACCOUNT_H

#include "component/component.h"
#include "component/loss_log.h"
#include "component/telemetry.h"

/* Why accepted spans were lost. */
enum drop_reason {
    DROP_REFUSED,  /* the backend said never */
    DROP_PARTIAL,  /* the backend took the request but for these */
    DROP_RETRIES,  /* retries are off, or max_elapsed_time is over */
    DROP_SHUTDOWN, /* not delivered when the process had to end */
    DROP_MEMORY,
    DROP_REASONS,
};

struct queue_account {
    struct component *component;
    struct counter *sent;
    struct counter *send_failed;
    struct counter *enqueue_failed; /* lost before the first attempt */
    struct counter *refused;        /* answered busy: the sender has them still */
    struct counter *dropped[DROP_REASONS];

    atomic_bool failing; /* the last attempt failed; its spans may still be delivered */
    atomic_bool losing;  /* the last request that ended was lost; written under the lock */
    atomic_bool full;    /* a push was refused, and there is not much room yet */

    pthread_mutex_t lock; /* guards below */
    bool degraded;        /* what the component's state says */
    uint64_t lost_ns;     /* CLOCK_MONOTONIC of the last loss */
    struct loss_log losses[DROP_REASONS];
    uint64_t handshake_ns; /* CLOCK_MONOTONIC of the last failed TLS handshake; 0: none */
    char handshake[COMPONENT_ERROR_MAX]; /* what was said of it */
};

void queue_account_init(struct queue_account *a, const struct component_spec *spec,
                        struct component *c);
void queue_account_free(struct queue_account *a); /* tells what loss is still untold */

/* What an attempt or a push met. A backend that is down is only noted as an error while the queue
 * has room: the process does its work, and must not be taken out of service for it. Losing spans or
 * a full queue degrade the component. Free while nothing changes. Any thread, without a lock that
 * pushes need. */
void queue_account_failed(struct queue_account *a, const char *message);
void queue_account_lost(struct queue_account *a, const char *message);
void queue_account_succeeded(struct queue_account *a);
void queue_account_full(struct queue_account *a, bool full);

/* Nothing waits or is under way at CLOCK_MONOTONIC `now_ns`: nothing is full, and a loss is over
 * QUEUE_ACCOUNT_REST_NS after it. Without this a process that was taken out of service for a loss
 * would get no spans, and so never have the success that puts it back. */
#define QUEUE_ACCOUNT_REST_NS 5000000000u
void queue_account_idle(struct queue_account *a, uint64_t now_ns);

/* Counts lost spans of one request, and logs them: the first at once, then at most a line a minute
 * for each reason. Any thread. */
void queue_account_dropped(struct queue_account *a, enum drop_reason reason, uint64_t spans,
                           const char *message);

const char *drop_reason_name(enum drop_reason reason);

#endif
