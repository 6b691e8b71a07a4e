#include "component/exporter_metrics.h"
#include "exporters/sending_queue_state.h"

#include <stdlib.h>

#define BUSY_ADVICE_MS 1000

/* ---- requests ---- */

static struct request *request_take(struct sending_queue *q)
{
    struct request *rq = q->pool;
    if (rq)
        q->pool = rq->next;
    else if (!(rq = calloc(1, sizeof *rq)))
        return NULL;
    rq->attempt.queue = q;
    rq->task.run = queue_set_wake_timer;
    rq->timer.run = queue_wake;
    rq->backoff.interval_ns = 0;
    q->in_flight++;
    return rq;
}

void queue_return_request(struct sending_queue *q, struct request *rq)
{
    if (rq->attempt.frame)
        frame_release(rq->attempt.frame);
    rq->attempt.frame = NULL;
    owners_clear(&rq->owners);
    pthread_mutex_lock(&q->lock);
    rq->next = q->pool;
    q->pool = rq;
    q->in_flight--;
    queue_pump(q);
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
}

bool queue_is_idle(const struct sending_queue *q)
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
    rq->spans = q->line.spans;
    if (waiting_line_cut(&q->line, q->batch_min, q->batch_max, frame, &rq->owners)) {
        rq->spans -= q->line.spans;
        return rq;
    }
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

/* How many batches wait beyond those that a working backend will have taken in a moment. */
static size_t crowd_of(const struct sending_queue *q)
{
    return q->line.count > q->consumers ? q->line.count - q->consumers : 0;
}

void queue_pump(struct sending_queue *q)
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
        size_t crowd = crowd_of(q);
        pthread_mutex_unlock(&q->lock);

        pacing_release(&q->pacing, crowd);
        if (roomy)
            queue_account_full(&q->account, false);
        if (!rq) {
            queue_drop_waiting(q, &lost, DROP_MEMORY);
        } else if (!frame_finish(rq->attempt.frame)) {
            struct send_answer answer = {.result = SEND_RETRY, .message = "out of memory"};
            queue_finish(rq, &answer, DROP_MEMORY);
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
    queue_pump(q);
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
    rq->spans = b->span_count;
    if (!frame || !frame_add(frame, b, 0, b->span_count) || !frame_finish(frame) ||
        (r && !owners_add(&rq->owners, r, b->span_count))) {
        struct outcome busy = refuse(q, b, "out of memory");
        queue_return_request(q, rq);
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

/* Answers for a batch that waits; the lock is held. Without wait_for_result its sender only waits
 * for its place in the line to come up, when it waits at all. */
static struct outcome answer_waiting(struct sending_queue *q, struct receipt *sender)
{
    bool pace = sender && !q->holds_receipts && q->in_flight >= q->consumers && crowd_of(q) > 0 &&
                !q->draining && !atomic_load_explicit(&q->account.failing, memory_order_relaxed);
    if (sender && (q->holds_receipts || (pace && pacing_hold(&q->pacing, sender))))
        return outcome_pending();
    return outcome_accepted();
}

struct outcome sending_queue_push(struct sending_queue *q, struct batch *b, struct receipt *sender)
{
    if (b->span_count == 0) {
        batch_release(b);
        return outcome_accepted();
    }
    struct receipt *r = q->holds_receipts ? sender : NULL;
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
    struct outcome answer = answer_waiting(q, sender);
    queue_pump(q);
    pthread_mutex_unlock(&q->lock);
    return answer;
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

void sending_queue_refresh(struct sending_queue *q, uint64_t now_ns)
{
    pthread_mutex_lock(&q->lock);
    bool idle = queue_is_idle(q);
    pthread_mutex_unlock(&q->lock);
    if (idle)
        queue_account_idle(&q->account, now_ns);
}

/* ---- the end ---- */

static bool wait_until_idle(struct sending_queue *q, uint64_t deadline_ns)
{
    struct timespec deadline = {.tv_sec = (time_t)(deadline_ns / 1000000000u),
                                .tv_nsec = (long)(deadline_ns % 1000000000u)};
    while (!queue_is_idle(q)) {
        if (pthread_cond_timedwait(&q->changed, &q->lock, &deadline) != 0)
            return queue_is_idle(q);
    }
    return true;
}

/* Empties the line of a closed queue; the lock is held, and let go of in between. */
static void drop_line(struct sending_queue *q)
{
    while (q->line.count > 0) {
        struct waiting w = waiting_line_take(&q->line);
        pthread_mutex_unlock(&q->lock);
        queue_drop_waiting(q, &w, DROP_SHUTDOWN);
        pthread_mutex_lock(&q->lock);
    }
}

void sending_queue_drain(struct sending_queue *q, uint64_t deadline_ns)
{
    pacing_close(&q->pacing);
    pthread_mutex_lock(&q->lock);
    q->draining = true;
    queue_pump(q);
    bool sleeping = q->sleepers != NULL;
    pthread_mutex_unlock(&q->lock);
    if (sleeping)
        lane_call(q->lane, queue_hurry_sleepers, q);

    pthread_mutex_lock(&q->lock);
    bool idle = wait_until_idle(q, deadline_ns);
    q->closed = true;
    drop_line(q);
    bool timers = q->sleepers || q->flush_armed;
    pthread_mutex_unlock(&q->lock);
    if (!idle)
        q->cancel(q->transport);
    if (timers)
        lane_call(q->lane, queue_end_timers, q);

    pthread_mutex_lock(&q->lock);
    while (!queue_is_idle(q) || q->flush_armed)
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
    telemetry_gauge(q->telemetry, EXPORTER_QUEUE_SIZE, own, read_size, q);
    telemetry_gauge(q->telemetry, EXPORTER_QUEUE_CAPACITY, own, read_capacity, q);
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
    pacing_init(&q->pacing, o->lane);
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
    pacing_free(&q->pacing);
    pthread_cond_destroy(&q->changed);
    pthread_mutex_destroy(&q->lock);
    free(q);
}
