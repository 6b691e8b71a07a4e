#include "exporters/pacing.h"

#include <stdlib.h>

static void set_timer(struct lane_task *task, bool ok);
static void on_timer(struct lane_timer *t);

void pacing_init(struct pacing *p, struct lane *lane)
{
    *p = (struct pacing){.lane = lane, .lock = PTHREAD_MUTEX_INITIALIZER};
    p->task.run = set_timer;
    p->timer.run = on_timer;
}

static bool make_room(struct pacing *p)
{
    size_t held = atomic_load_explicit(&p->held, memory_order_relaxed);
    if (p->ring && held <= p->mask)
        return true;
    size_t size = p->ring ? (p->mask + 1) * 2 : 64;
    struct receipt **ring = malloc(size * sizeof(struct receipt *));
    if (!ring)
        return false;
    for (size_t i = 0; p->ring && i < held; i++)
        ring[i] = p->ring[(p->head + i) & p->mask];
    free(p->ring);
    p->ring = ring;
    p->mask = size - 1;
    p->head = 0;
    return true;
}

bool pacing_hold(struct pacing *p, struct receipt *r)
{
    pthread_mutex_lock(&p->lock);
    bool holds = !p->closed && make_room(p);
    if (holds) {
        receipt_hold(r);
        size_t held = atomic_fetch_add_explicit(&p->held, 1, memory_order_relaxed);
        p->ring[(p->head + held) & p->mask] = r;
        if (!p->armed) {
            p->armed = true;
            lane_post(p->lane, &p->task);
        }
    }
    pthread_mutex_unlock(&p->lock);
    return holds;
}

static struct receipt *take_oldest(struct pacing *p, size_t keep)
{
    struct receipt *r = NULL;
    pthread_mutex_lock(&p->lock);
    if (atomic_load_explicit(&p->held, memory_order_relaxed) > keep) {
        r = p->ring[p->head & p->mask];
        p->head++;
        atomic_fetch_sub_explicit(&p->held, 1, memory_order_relaxed);
    }
    pthread_mutex_unlock(&p->lock);
    return r;
}

void pacing_release(struct pacing *p, size_t keep)
{
    if (atomic_load_explicit(&p->held, memory_order_relaxed) <= keep)
        return;
    struct outcome accepted = outcome_accepted();
    struct receipt *r;
    while ((r = take_oldest(p, keep)))
        receipt_resolve(r, &accepted);
}

/* ---- the timer, on the lane ---- */

static void set_timer(struct lane_task *task, bool ok)
{
    (void)ok;
    struct pacing *p = (struct pacing *)((char *)task - offsetof(struct pacing, task));
    pthread_mutex_lock(&p->lock);
    if (p->closed)
        p->armed = false;
    else
        lane_timer_set(p->lane, &p->timer, monotonic_ns() + PACING_LONGEST_NS);
    pthread_mutex_unlock(&p->lock);
}

/* Whatever was held since before the timer was set has waited long enough; so has what came after.
 */
static void on_timer(struct lane_timer *t)
{
    struct pacing *p = (struct pacing *)((char *)t - offsetof(struct pacing, timer));
    pthread_mutex_lock(&p->lock);
    p->armed = false;
    pthread_mutex_unlock(&p->lock);
    pacing_release(p, 0);
}

static void cancel_timer(void *context)
{
    struct pacing *p = context;
    pthread_mutex_lock(&p->lock);
    lane_timer_cancel(p->lane, &p->timer);
    p->armed = false;
    pthread_mutex_unlock(&p->lock);
}

void pacing_close(struct pacing *p)
{
    pthread_mutex_lock(&p->lock);
    p->closed = true;
    bool armed = p->armed;
    pthread_mutex_unlock(&p->lock);
    pacing_release(p, 0);
    if (armed)
        lane_call(p->lane, cancel_timer, p); /* behind the task, should that still be under way */
}

void pacing_free(struct pacing *p)
{
    free(p->ring);
    pthread_mutex_destroy(&p->lock);
}
