/* A lane: one thread with one gRPC completion queue.
 *
 * A batch runs to completion on the lane where it arrived: received, indexed, processed, and its
 * export begun and finished there. Measured on a relay, one lane needs 0.33 CPU-seconds a million
 * spans where two threads that hand over need 0.42. So components own no threads unless their work
 * would hold a lane up.
 *
 * Every tag on the completion queue is a struct lane_task. */
#ifndef TAILSPAN_COMPONENT_LANE_H
#define TAILSPAN_COMPONENT_LANE_H

#include "component/clock.h"

#include <grpc/grpc.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define LANE_THREAD_SANITIZER
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#endif
#endif

struct lane_task {
    /* On the lane's thread. `ok` is the completion's success, always true for posted tasks. */
    void (*run)(struct lane_task *task, bool ok);
};

/* A timer belongs to its lane: set and cancelled on the lane's thread only, memory of the caller's.
 */
struct lane_timer {
    void (*run)(struct lane_timer *timer);
    uint64_t deadline_ns; /* CLOCK_MONOTONIC */
    uint32_t position;    /* in the lane's heap, from 1; 0: not set. Zero it before first use. */
};

/* C core is not built with ThreadSanitizer, which therefore does not see that what was written
 * before a task was handed to C core as a tag is visible when the tag comes back. Call this before
 * handing one over; lane_post() does. Does nothing in other builds. */
static inline void lane_task_given(struct lane_task *task)
{
#ifdef LANE_THREAD_SANITIZER
    __tsan_release(task);
#else
    (void)task;
#endif
}

struct lane;

/* Creates the queue; tasks may be posted, none runs before lane_start(). NULL: out of memory. */
struct lane *lane_create(const char *name);
bool lane_start(struct lane *l);

/* Runs what is queued, ends the thread and frees the lane. Servers, channels and calls on its queue
 * must be gone. Main thread. */
void lane_destroy(struct lane *l);

grpc_completion_queue *lane_queue(struct lane *l);

/* Has the task run soon on the lane's thread. Any thread. One post of a task at a time. */
void lane_post(struct lane *l, struct lane_task *task);

/* Has `function` run on the lane's thread and returns when it has. Before lane_start(), and on the
 * lane itself, it is run at once. Any thread that the lane never waits for. */
void lane_call(struct lane *l, void (*function)(void *context), void *context);

bool lane_is_current(const struct lane *l);

void lane_timer_set(struct lane *l, struct lane_timer *t, uint64_t deadline_ns);
void lane_timer_cancel(struct lane *l, struct lane_timer *t);

#endif
