/* The state of a queue is one mutex's. Pushes and answers take it once; while it is held nothing is
 * framed as bytes, sent, logged or answered.
 *
 * A request lives from its dispatch to its final answer, retries and the pauses between them
 * included. Requests leave the line in one place, pump(), which one thread runs at a time: a
 * transport that answers before send() returns would else recurse once per waiting request.
 *
 * Destruction. Answers come on foreign threads, which must not touch the queue when their request
 * was the last: so the last thing that such a thread does is to let go of the mutex under which it
 * gave its request back. The main thread waits for that with `changed`. */
#include "exporters/sending_queue.h"

#include "component/log.h"
#include "exporters/backoff.h"
#include "exporters/queue_account.h"
#include "exporters/waiting_line.h"

#include <assert.h>
#include <stdlib.h>

#define DRAIN_PAUSE_MAX_NS 1000000000u
#define BUSY_ADVICE_MS     1000

struct request {
    struct send_attempt attempt; /* first: a transport hands it back */
    struct request *next;        /* in the pool */
    struct lane_task task;       /* takes the pause to the lane */
    struct lane_timer timer;     /* the lane's */
    struct owners owners;
    struct backoff backoff;
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

static void pump(struct sending_queue *q);
static void finish(struct request *rq, const struct send_answer *answer, enum drop_reason reason);
static void set_wake_timer(struct lane_task *task, bool ok);
static void wake(struct lane_timer *t);

/* ---- requests ---- */

static struct request *request_take(struct sending_queue *q)
{
    struct request *rq = q->pool;
    if (rq)
        q->pool = rq->next;
    else if (!(rq = calloc(1, sizeof *rq)))
        return NULL;
    rq->attempt.queue = q;
    rq->task.run = set_wake_timer;
    rq->timer.run = wake;
    rq->backoff.interval_ns = 0;
    q->in_flight++;
    return rq;
}

/* Gives a request back and goes on with what waits. Afterwards the queue may be gone. */
static void request_return(struct sending_queue *q, struct request *rq)
{
    if (rq->attempt.frame)
        frame_release(rq->attempt.frame);
    rq->attempt.frame = NULL;
    owners_clear(&rq->owners);
    pthread_mutex_lock(&q->lock);
    rq->next = q->pool;
    q->pool = rq;
    q->in_flight--;
    pump(q);
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
}

static bool is_idle(const struct sending_queue *q)
{
    return q->in_flight == 0 && q->line.count == 0 && !q->pumping;
}

/* ---- from the line to the transport ---- */

static bool front_is_due(struct sending_queue *q)
{
    struct waiting *first = waiting_line_first(&q->line);
    if (!first)
        return false;
    if (!q->batching || q->draining || q->line.batch_size >= q->batch_min ||
        (ptrdiff_t)(q->flush_before - q->line.head) > 0)
        return true;
    return monotonic_ns() >= first->since_ns + q->flush_timeout_ns;
}

static void drop_waiting(struct sending_queue *q, struct waiting *w, enum drop_reason reason);

/* Cuts a request from the line; the lock is held. NULL: out of memory, nothing was cut. */
static struct request *cut_request(struct sending_queue *q)
{
    struct frame *frame = frame_create();
    struct request *rq = frame ? request_take(q) : NULL;
    if (!rq) {
        if (frame)
            frame_release(frame);
        return NULL;
    }
    rq->attempt.frame = frame;
    if (waiting_line_cut(&q->line, q->batch_min, q->batch_max, frame, &rq->owners))
        return rq;
    rq->attempt.frame = NULL;
    rq->next = q->pool;
    q->pool = rq;
    q->in_flight--;
    frame_release(frame);
    return NULL;
}

static void arm_flush(struct sending_queue *q)
{
    struct waiting *first = waiting_line_first(&q->line);
    if (!q->batching || !first || q->flush_armed || q->in_flight >= q->consumers || q->closed)
        return;
    q->flush_armed = true;
    if (lane_is_current(q->lane))
        lane_timer_set(q->lane, &q->flush_timer, first->since_ns + q->flush_timeout_ns);
    else
        lane_post(q->lane, &q->flush_task);
}

/* Sends what may go. The lock is held on entry and return, and let go of in between. */
static void pump(struct sending_queue *q)
{
    if (q->pumping)
        return;
    q->pumping = true;
    while (!q->closed && q->in_flight < q->consumers && front_is_due(q)) {
        struct request *rq = cut_request(q);
        struct waiting lost;
        if (!rq)
            lost = waiting_line_take(&q->line);
        bool roomy = q->line.size <= q->capacity - q->capacity / 10;
        pthread_mutex_unlock(&q->lock);

        if (roomy)
            queue_account_full(&q->account, false);
        if (!rq) {
            drop_waiting(q, &lost, DROP_MEMORY);
        } else if (!frame_finish(rq->attempt.frame)) {
            struct send_answer answer = {.result = SEND_RETRY, .message = "out of memory"};
            finish(rq, &answer, DROP_MEMORY);
        } else {
            rq->begun_ns = monotonic_ns();
            q->send(q->transport, &rq->attempt);
        }
        pthread_mutex_lock(&q->lock);
    }
    q->pumping = false;
    arm_flush(q);
}

static void flush_due(struct lane_timer *t)
{
    struct sending_queue *q =
        (struct sending_queue *)((char *)t - offsetof(struct sending_queue, flush_timer));
    pthread_mutex_lock(&q->lock);
    q->flush_armed = false;
    pump(q);
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
}

static void set_flush_timer(struct lane_task *task, bool ok)
{
    (void)ok;
    struct sending_queue *q =
        (struct sending_queue *)((char *)task - offsetof(struct sending_queue, flush_task));
    pthread_mutex_lock(&q->lock);
    struct waiting *first = waiting_line_first(&q->line);
    if (first && !q->closed)
        lane_timer_set(q->lane, &q->flush_timer, first->since_ns + q->flush_timeout_ns);
    else
        q->flush_armed = false;
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
}

/* ---- pushing ---- */

static struct outcome refuse(struct sending_queue *q, struct batch *b, const char *why)
{
    counter_add(q->account.refused, b->span_count);
    batch_release(b);
    return outcome_busy(BUSY_ADVICE_MS, "%s: %s", q->component->id, why);
}

/* Sends a batch by itself, on the fast path. */
static struct outcome send_alone(struct sending_queue *q, struct request *rq, struct batch *b,
                                 struct receipt *r)
{
    struct frame *frame = frame_create();
    rq->attempt.frame = frame;
    if (!frame || !frame_add(frame, b, 0, b->span_count) || !frame_finish(frame) ||
        (r && !owners_add(&rq->owners, r, b->span_count))) {
        struct outcome busy = refuse(q, b, "out of memory");
        request_return(q, rq);
        return busy;
    }
    batch_release(b);
    if (r)
        receipt_hold(r);
    rq->begun_ns = monotonic_ns();
    q->send(q->transport, &rq->attempt);
    return r ? outcome_pending() : outcome_accepted();
}

static bool is_alone(const struct sending_queue *q)
{
    return !q->batching && q->line.count == 0 && q->in_flight < q->consumers;
}

/* Whether the line takes this batch. When it is full but a consumer is free, what waits for a
 * larger batch goes out now. */
static bool line_has_room(const struct sending_queue *q, const struct batch *b)
{
    return q->in_flight < q->consumers ||
           q->line.size + waiting_size(q->line.sizer, b, 0) <= q->capacity;
}

struct outcome sending_queue_push(struct sending_queue *q, struct batch *b, struct receipt *r)
{
    if (b->span_count == 0) {
        batch_release(b);
        return outcome_accepted();
    }
    if (!q->holds_receipts)
        r = NULL;
    uint64_t now = q->batching ? monotonic_ns() : 0;

    pthread_mutex_lock(&q->lock);
    if (q->closed) {
        pthread_mutex_unlock(&q->lock);
        return refuse(q, b, "shutting down");
    }
    struct request *rq = is_alone(q) ? request_take(q) : NULL;
    if (rq) {
        pthread_mutex_unlock(&q->lock);
        return send_alone(q, rq, b, r);
    }
    if (!line_has_room(q, b)) {
        pthread_mutex_unlock(&q->lock);
        queue_account_full(&q->account, true);
        return refuse(q, b, "sending queue is full");
    }
    if (q->line.size + waiting_size(q->line.sizer, b, 0) > q->capacity)
        q->flush_before = q->line.head + q->line.count;
    if (!waiting_line_add(&q->line, b, r, now)) {
        pthread_mutex_unlock(&q->lock);
        return refuse(q, b, "out of memory");
    }
    if (r)
        receipt_hold(r);
    pump(q);
    pthread_mutex_unlock(&q->lock);
    return r ? outcome_pending() : outcome_accepted();
}

bool sending_queue_has_room(struct sending_queue *q, const struct batch *b, struct outcome *why)
{
    pthread_mutex_lock(&q->lock);
    bool room = !q->closed && line_has_room(q, b);
    bool closed = q->closed;
    pthread_mutex_unlock(&q->lock);
    if (room)
        return true;
    if (!closed)
        queue_account_full(&q->account, true);
    counter_add(q->account.refused, b->span_count);
    *why = outcome_busy(BUSY_ADVICE_MS, "%s: %s", q->component->id,
                        closed ? "shutting down" : "sending queue is full");
    return false;
}

/* ---- final answers ---- */

static struct outcome outcome_of(const struct send_answer *answer)
{
    if (answer->result == SEND_OK)
        return outcome_accepted();
    if (answer->result == SEND_PERMANENT)
        return outcome_rejected(answer->grpc_status, "%s", answer->message);
    return outcome_busy((uint32_t)(answer->retry_after_ns / 1000000), "%s", answer->message);
}

static void succeed(struct sending_queue *q, struct request *rq, const struct send_answer *answer)
{
    uint64_t spans = frame_spans(rq->attempt.frame);
    uint64_t rejected = answer->rejected_spans < spans ? answer->rejected_spans : spans;
    counter_add(q->account.sent, spans - rejected);
    if (rejected) {
        counter_add(q->account.send_failed, rejected);
        counter_add(q->account.dropped[DROP_PARTIAL], rejected);
        log_warn(q->component->id, "backend rejected spans", LOG_I("spans", rejected),
                 LOG_S("message", answer->message));
    } else if (answer->message[0]) {
        log_warn(q->component->id, "backend warns", LOG_S("message", answer->message));
    }
    queue_account_succeeded(&q->account);
}

/* Spans whose sender is told "try again" are not lost: it still has them. */
static void count_failed(struct sending_queue *q, uint64_t spans, uint64_t kept_by_sender,
                         enum drop_reason reason, const char *message)
{
    uint64_t lost = spans - kept_by_sender;
    if (kept_by_sender)
        counter_add(q->account.refused, kept_by_sender);
    if (lost == 0)
        return;
    counter_add(q->account.dropped[reason], lost);
    log_error(q->component->id, "spans dropped", LOG_S("reason", drop_reason_name(reason)),
              LOG_I("spans", lost), LOG_S("error", message));
}

static void fail(struct sending_queue *q, struct request *rq, const struct send_answer *answer,
                 enum drop_reason reason)
{
    uint64_t spans = frame_spans(rq->attempt.frame);
    uint64_t kept = 0;
    for (size_t i = 0; answer->result == SEND_RETRY && i < rq->owners.count; i++)
        kept += owners_at(&rq->owners, i)->spans;
    counter_add(q->account.send_failed, spans);
    count_failed(q, spans, kept, reason, answer->message);
    queue_account_failed(&q->account, answer->message);
}

static void finish(struct request *rq, const struct send_answer *answer, enum drop_reason reason)
{
    struct sending_queue *q = rq->attempt.queue;
    if (answer->result == SEND_OK)
        succeed(q, rq, answer);
    else
        fail(q, rq, answer, reason);
    if (rq->owners.count) {
        struct outcome outcome = outcome_of(answer);
        for (size_t i = 0; i < rq->owners.count; i++)
            receipt_resolve(owners_at(&rq->owners, i)->receipt, &outcome);
    }
    request_return(q, rq);
}

static void drop_waiting(struct sending_queue *q, struct waiting *w, enum drop_reason reason)
{
    uint64_t spans = w->batch->span_count - w->first;
    if (!w->receipt)
        counter_add(q->account.enqueue_failed, spans);
    count_failed(q, spans, w->receipt ? spans : 0, reason, "not sent");
    if (w->receipt) {
        struct outcome busy = outcome_busy(0, "%s: %s", q->component->id, drop_reason_name(reason));
        receipt_resolve(w->receipt, &busy);
    }
    batch_release(w->batch);
}

static void finish_at_shutdown(struct request *rq)
{
    struct send_answer answer = {.result = SEND_RETRY, .message = "shutting down"};
    finish(rq, &answer, DROP_SHUTDOWN);
}

/* ---- retries ---- */

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
static void wake(struct lane_timer *t)
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

static void set_wake_timer(struct lane_task *task, bool ok)
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

/* False when the request must not be tried again; `reason` says why. */
static bool retry_later(struct request *rq, const struct send_answer *answer,
                        enum drop_reason *reason)
{
    struct sending_queue *q = rq->attempt.queue;
    uint64_t advice = answer->retry_after_ns < BACKOFF_ADVICE_MAX_NS ? answer->retry_after_ns
                                                                     : BACKOFF_ADVICE_MAX_NS;
    *reason = DROP_RETRIES;
    if (!q->retry.enabled)
        return false;
    queue_account_failed(&q->account, answer->message);

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

void sending_queue_answer(struct send_attempt *attempt, const struct send_answer *answer)
{
    struct request *rq = (struct request *)attempt;
    enum drop_reason reason = DROP_REFUSED;
    if (answer->result == SEND_RETRY) {
        log_debug(attempt->queue->component->id, "attempt failed", LOG_S("error", answer->message));
        if (retry_later(rq, answer, &reason))
            return;
    }
    finish(rq, answer, reason);
}

/* ---- the end ---- */

/* On the lane: sleepers are tried now, but for those that the backend asked to wait. */
static void hurry_sleepers(void *context)
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

/* On the lane, when closed: ends pauses, and the flush timer. Those whose timer is not set yet find
 * the queue closed when their task runs. */
static void end_timers(void *context)
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

static bool wait_until_idle(struct sending_queue *q, uint64_t deadline_ns)
{
    struct timespec deadline = {.tv_sec = (time_t)(deadline_ns / 1000000000u),
                                .tv_nsec = (long)(deadline_ns % 1000000000u)};
    while (!is_idle(q)) {
        if (pthread_cond_timedwait(&q->changed, &q->lock, &deadline) != 0)
            return is_idle(q);
    }
    return true;
}

/* Empties the line of a closed queue; the lock is held, and let go of in between. */
static void drop_line(struct sending_queue *q)
{
    while (q->line.count > 0) {
        struct waiting w = waiting_line_take(&q->line);
        pthread_mutex_unlock(&q->lock);
        drop_waiting(q, &w, DROP_SHUTDOWN);
        pthread_mutex_lock(&q->lock);
    }
}

void sending_queue_drain(struct sending_queue *q, uint64_t deadline_ns)
{
    pthread_mutex_lock(&q->lock);
    q->draining = true;
    pump(q);
    bool sleeping = q->sleepers != NULL;
    pthread_mutex_unlock(&q->lock);
    if (sleeping)
        lane_call(q->lane, hurry_sleepers, q);

    pthread_mutex_lock(&q->lock);
    bool idle = wait_until_idle(q, deadline_ns);
    q->closed = true;
    drop_line(q);
    bool timers = q->sleepers || q->flush_armed;
    pthread_mutex_unlock(&q->lock);
    if (!idle)
        q->cancel(q->transport);
    if (timers)
        lane_call(q->lane, end_timers, q);

    pthread_mutex_lock(&q->lock);
    while (!is_idle(q) || q->flush_armed)
        pthread_cond_wait(&q->changed, &q->lock);
    pthread_mutex_unlock(&q->lock);
}

/* ---- life ---- */

static double read_size(void *context)
{
    struct sending_queue *q = context;
    pthread_mutex_lock(&q->lock);
    double size = (double)q->line.size;
    pthread_mutex_unlock(&q->lock);
    return size;
}

static double read_capacity(void *context)
{
    struct sending_queue *q = context;
    return (double)q->capacity;
}

static double read_in_flight(void *context)
{
    struct sending_queue *q = context;
    pthread_mutex_lock(&q->lock);
    double n = q->in_flight;
    pthread_mutex_unlock(&q->lock);
    return n;
}

static void register_gauges(struct sending_queue *q, const struct component_spec *spec)
{
    const struct label *own = LABELS({"exporter", spec->id});
    q->telemetry = spec->telemetry;
    telemetry_gauge(q->telemetry, "otelcol_exporter_queue_size",
                    "What waits in the sending queue, in its sizer's unit.", own, read_size, q);
    telemetry_gauge(q->telemetry, "otelcol_exporter_queue_capacity",
                    "What may wait in the sending queue.", own, read_capacity, q);
    telemetry_gauge(q->telemetry, "otelcol_exporter_in_flight_requests",
                    "Requests under way, or pausing before they are tried again.", own,
                    read_in_flight, q);
}

static void configure(struct sending_queue *q, struct queue_settings s)
{
    q->batching = s.batch.present;
    q->holds_receipts = !s.enabled || s.wait_for_result;
    q->capacity = s.enabled ? (uint64_t)s.queue_size : UINT64_MAX;
    q->consumers = s.enabled ? (uint32_t)s.num_consumers : UINT32_MAX;
    q->line.sizer = (enum queue_sizer)s.sizer;
    if (!q->batching)
        return;
    q->batch_min = (uint64_t)s.batch.min_size;
    q->batch_max = (uint64_t)s.batch.max_size;
    q->flush_timeout_ns = (uint64_t)s.batch.flush_timeout_ns;
    q->line.batch_sizer = (enum queue_sizer)s.batch.sizer;
}

struct sending_queue *sending_queue_create(const struct sending_queue_options *o, struct error *e)
{
    struct sending_queue *q = calloc(1, sizeof *q);
    if (!q) {
        error_set(e, "out of memory");
        return NULL;
    }
    q->component = o->component;
    q->lane = o->lane;
    q->send = o->send;
    q->cancel = o->cancel;
    q->transport = o->transport;
    q->retry = o->retry;
    q->random = (uint32_t)monotonic_ns() | 1;
    q->flush_task.run = set_flush_timer;
    q->flush_timer.run = flush_due;
    struct queue_settings settings = o->queue;
    queue_settings_adopt_batch(&settings, &o->spec->batch);
    configure(q, settings);

    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&q->changed, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&q->lock, NULL);
    queue_account_init(&q->account, o->spec, o->component);
    register_gauges(q, o->spec);
    return q;
}

void sending_queue_destroy(struct sending_queue *q)
{
    if (!q)
        return;
    if (!q->closed)
        sending_queue_drain(q, 0);
    telemetry_remove(q->telemetry, q);
    while (q->pool) {
        struct request *rq = q->pool;
        q->pool = rq->next;
        free(rq);
    }
    waiting_line_free(&q->line);
    queue_account_free(&q->account);
    pthread_cond_destroy(&q->changed);
    pthread_mutex_destroy(&q->lock);
    free(q);
}
