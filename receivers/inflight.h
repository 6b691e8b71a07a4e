/* How many requests are open, and waiting until none is.
 *
 * Entering and leaving is one atomic operation each; the lock is only taken when somebody waits. */
#ifndef TAILSPAN_RECEIVERS_INFLIGHT_H
#define TAILSPAN_RECEIVERS_INFLIGHT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct inflight {
    /* shared: any thread */
    atomic_uint count;
    atomic_bool awaited;
    pthread_mutex_t lock; /* with `none`, for the last one's signal */
    pthread_cond_t none;
};

void inflight_init(struct inflight *f);
void inflight_destroy(struct inflight *f);
void inflight_enter(struct inflight *f);
/* The caller's thread must be joined or flushed before inflight_destroy(). */
void inflight_leave(struct inflight *f);

/* Whether none was left before CLOCK_MONOTONIC `deadline_ns`. */
bool inflight_wait(struct inflight *f, uint64_t deadline_ns);

#endif
