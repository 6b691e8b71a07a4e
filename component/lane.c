/* Lanes on gRPC C core's completion queue.
 *
 * C core has no public way to put a tag of one's own on a queue. A call's batch without operations
 * completes at once, whatever the call's state, so each lane keeps one call on a channel that leads
 * nowhere and posts through it. Timers are a binary heap that bounds how long the lane waits. */
#include "component/lane.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct lane {
    char name[16];
    grpc_completion_queue *queue;
    grpc_channel *nowhere;
    grpc_call *bell; /* posts go through this call */
    pthread_t thread;
    bool started;

    /* the lane thread's alone */
    struct lane_timer **heap; /* from 1 */
    uint32_t timers;
    uint32_t heap_size;
};

static _Thread_local const struct lane *current;

struct lane *lane_create(const char *name)
{
    struct lane *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    strncpy(l->name, name, sizeof l->name - 1);
    l->queue = grpc_completion_queue_create_for_next(NULL);
    l->nowhere = grpc_lame_client_channel_create("lane", GRPC_STATUS_UNAVAILABLE, "lane");
    l->bell = grpc_channel_create_call(l->nowhere, NULL, GRPC_PROPAGATE_DEFAULTS, l->queue,
                                       grpc_slice_from_static_string("/lane"), NULL,
                                       gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    return l;
}

grpc_completion_queue *lane_queue(struct lane *l)
{
    return l->queue;
}

bool lane_is_current(const struct lane *l)
{
    return current == l;
}

void lane_post(struct lane *l, struct lane_task *task)
{
    lane_task_given(task);
    grpc_call_error error = grpc_call_start_batch(l->bell, NULL, 0, task, NULL);
    assert(error == GRPC_CALL_OK);
    (void)error;
}

/* ---- timers ---- */

static void heap_put(struct lane *l, uint32_t at, struct lane_timer *t)
{
    l->heap[at] = t;
    t->position = at;
}

static void heap_rise(struct lane *l, uint32_t at)
{
    struct lane_timer *t = l->heap[at];
    while (at > 1 && l->heap[at / 2]->deadline_ns > t->deadline_ns) {
        heap_put(l, at, l->heap[at / 2]);
        at /= 2;
    }
    heap_put(l, at, t);
}

static void heap_sink(struct lane *l, uint32_t at)
{
    struct lane_timer *t = l->heap[at];
    for (;;) {
        uint32_t child = at * 2;
        if (child > l->timers)
            break;
        if (child < l->timers && l->heap[child + 1]->deadline_ns < l->heap[child]->deadline_ns)
            child++;
        if (l->heap[child]->deadline_ns >= t->deadline_ns)
            break;
        heap_put(l, at, l->heap[child]);
        at = child;
    }
    heap_put(l, at, t);
}

void lane_timer_cancel(struct lane *l, struct lane_timer *t)
{
    assert(lane_is_current(l) || !l->started);
    uint32_t at = t->position;
    if (at == 0)
        return;
    t->position = 0;
    struct lane_timer *last = l->heap[l->timers--];
    if (last == t)
        return;
    heap_put(l, at, last);
    heap_rise(l, at);
    heap_sink(l, last->position);
}

void lane_timer_set(struct lane *l, struct lane_timer *t, uint64_t deadline_ns)
{
    lane_timer_cancel(l, t);
    if (l->timers + 1 >= l->heap_size) {
        uint32_t size = l->heap_size ? l->heap_size * 2 : 64;
        struct lane_timer **heap = realloc(l->heap, size * sizeof *heap);
        if (!heap)
            abort(); /* a few bytes a timer, of which there are as many as requests in flight */
        l->heap = heap;
        l->heap_size = size;
    }
    t->deadline_ns = deadline_ns;
    heap_put(l, ++l->timers, t);
    heap_rise(l, l->timers);
}

static void run_due_timers(struct lane *l)
{
    uint64_t now = monotonic_ns();
    while (l->timers > 0 && l->heap[1]->deadline_ns <= now) {
        struct lane_timer *t = l->heap[1];
        lane_timer_cancel(l, t);
        t->run(t);
    }
}

static gpr_timespec next_deadline(const struct lane *l)
{
    if (l->timers == 0)
        return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    uint64_t now = monotonic_ns();
    uint64_t due = l->heap[1]->deadline_ns;
    /* C core's monotonic clock is its own, so the deadline is given as a distance from now. */
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                        gpr_time_from_nanos(due > now ? (int64_t)(due - now) : 0, GPR_TIMESPAN));
}

/* ---- the thread ---- */

static void *run(void *arg)
{
    struct lane *l = arg;
    current = l;
    pthread_setname_np(pthread_self(), l->name);
    for (;;) {
        grpc_event event = grpc_completion_queue_next(l->queue, next_deadline(l), NULL);
        if (event.type == GRPC_QUEUE_SHUTDOWN)
            return NULL;
        if (event.type == GRPC_OP_COMPLETE) {
            struct lane_task *task = event.tag;
#ifdef LANE_THREAD_SANITIZER
            __tsan_acquire(task);
#endif
            task->run(task, event.success);
        }
        if (l->timers > 0)
            run_due_timers(l);
    }
}

bool lane_start(struct lane *l)
{
    l->started = pthread_create(&l->thread, NULL, run, l) == 0;
    return l->started;
}

struct errand {
    struct lane_task task;
    void (*function)(void *context);
    void *context;
    pthread_mutex_t lock;
    pthread_cond_t ran;
    bool done;
};

static void run_errand(struct lane_task *task, bool ok)
{
    (void)ok;
    struct errand *e = (struct errand *)task;
    e->function(e->context);
    pthread_mutex_lock(&e->lock);
    e->done = true;
    pthread_cond_signal(&e->ran);
    pthread_mutex_unlock(&e->lock);
}

void lane_call(struct lane *l, void (*function)(void *context), void *context)
{
    if (!l->started || lane_is_current(l)) {
        function(context);
        return;
    }
    struct errand e = {.task.run = run_errand,
                       .function = function,
                       .context = context,
                       .lock = PTHREAD_MUTEX_INITIALIZER,
                       .ran = PTHREAD_COND_INITIALIZER};
    lane_post(l, &e.task);
    pthread_mutex_lock(&e.lock);
    while (!e.done)
        pthread_cond_wait(&e.ran, &e.lock);
    pthread_mutex_unlock(&e.lock);
    pthread_cond_destroy(&e.ran);
    pthread_mutex_destroy(&e.lock);
}

void lane_destroy(struct lane *l)
{
    grpc_call_unref(l->bell);
    grpc_channel_destroy(l->nowhere);
    grpc_completion_queue_shutdown(l->queue);
    if (l->started)
        pthread_join(l->thread, NULL);
    else
        run(l);
    grpc_completion_queue_destroy(l->queue);
    free(l->heap);
    free(l);
}
