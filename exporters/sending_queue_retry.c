/* The pauses between attempts. A timer is its lane's alone, so a pause that begins on another
 * thread is posted there first; the list of sleepers and when they wake is the lock's. */
#include "exporters/sending_queue_state.h"

#define DRAIN_PAUSE_MAX_NS 1000000000u

static void finish_at_shutdown(struct request *rq)
{
    struct send_answer answer = {.result = SEND_RETRY, .message = "shutting down"};
    queue_finish(rq, &answer, DROP_SHUTDOWN);
}

static void sleep_unlink(struct sending_queue *q, struct request *rq)
{
    if (rq->sleep_prev)
        rq->sleep_prev->sleep_next = rq->sleep_next;
    else
        q->sleepers = rq->sleep_next;
    if (rq->sleep_next)
        rq->sleep_next->sleep_prev = rq->sleep_prev;
}

static uint32_t next_random(struct sending_queue *q)
{
    uint32_t x = q->random;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return q->random = x;
}

/* On the lane: the pause is over. */
void queue_wake(struct lane_timer *t)
{
    struct request *rq = (struct request *)((char *)t - offsetof(struct request, timer));
    struct sending_queue *q = rq->attempt.queue;
    pthread_mutex_lock(&q->lock);
    sleep_unlink(q, rq);
    bool closed = q->closed;
    pthread_mutex_unlock(&q->lock);
    if (closed)
        finish_at_shutdown(rq);
    else
        q->send(q->transport, &rq->attempt);
}

void queue_set_wake_timer(struct lane_task *task, bool ok)
{
    (void)ok;
    struct request *rq = (struct request *)((char *)task - offsetof(struct request, task));
    struct sending_queue *q = rq->attempt.queue;
    pthread_mutex_lock(&q->lock);
    bool closed = q->closed;
    if (closed)
        sleep_unlink(q, rq);
    else
        lane_timer_set(q->lane, &rq->timer, rq->wake_ns);
    pthread_mutex_unlock(&q->lock);
    if (closed)
        finish_at_shutdown(rq);
}

/* Puts the request to sleep until its next attempt; the lock is held. */
static void sleep_until(struct sending_queue *q, struct request *rq, uint64_t now, uint64_t pause,
                        uint64_t advice)
{
    rq->wake_ns = now + pause;
    rq->not_before_ns = advice ? now + advice : 0;
    rq->sleep_prev = NULL;
    rq->sleep_next = q->sleepers;
    if (q->sleepers)
        q->sleepers->sleep_prev = rq;
    q->sleepers = rq;
    if (lane_is_current(q->lane))
        lane_timer_set(q->lane, &rq->timer, rq->wake_ns);
    else
        lane_post(q->lane, &rq->task);
}

bool queue_retry_later(struct request *rq, const struct send_answer *answer,
                       enum drop_reason *reason)
{
    struct sending_queue *q = rq->attempt.queue;
    uint64_t advice = answer->retry_after_ns < BACKOFF_ADVICE_MAX_NS ? answer->retry_after_ns
                                                                     : BACKOFF_ADVICE_MAX_NS;
    *reason = DROP_RETRIES;
    if (!q->retry.enabled)
        return false;
    queue_account_failed(&q->account, answer->message);
    pacing_release(&q->pacing, 0);

    pthread_mutex_lock(&q->lock);
    uint64_t now = monotonic_ns();
    uint64_t pause = backoff_next(&rq->backoff, &q->retry, next_random(q));
    if (q->draining && pause > DRAIN_PAUSE_MAX_NS)
        pause = DRAIN_PAUSE_MAX_NS;
    if (pause < advice)
        pause = advice;
    bool may = !q->closed && backoff_may_retry(&q->retry, rq->begun_ns, now, pause);
    if (may)
        sleep_until(q, rq, now, pause, advice);
    else if (q->closed)
        *reason = DROP_SHUTDOWN;
    pthread_mutex_unlock(&q->lock);
    return may;
}

void queue_hurry_sleepers(void *context)
{
    struct sending_queue *q = context;
    pthread_mutex_lock(&q->lock);
    uint64_t now = monotonic_ns();
    for (struct request *rq = q->sleepers; rq; rq = rq->sleep_next) {
        rq->wake_ns = rq->not_before_ns > now ? rq->not_before_ns : now;
        if (rq->timer.position)
            lane_timer_set(q->lane, &rq->timer, rq->wake_ns);
    }
    pthread_mutex_unlock(&q->lock);
}

void queue_end_timers(void *context)
{
    struct sending_queue *q = context;
    pthread_mutex_lock(&q->lock);
    if (q->flush_timer.position) {
        lane_timer_cancel(q->lane, &q->flush_timer);
        q->flush_armed = false;
    }
    for (struct request *rq = q->sleepers, *next; rq; rq = next) {
        next = rq->sleep_next;
        if (rq->timer.position)
            lane_timer_set(q->lane, &rq->timer, 0);
    }
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
}
