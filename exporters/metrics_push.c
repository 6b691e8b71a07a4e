#include "exporters/metrics_push.h"

#include "component/clock.h"
#include "component/exporter_metrics.h"
#include "component/log.h"
#include "component/loss_log.h"
#include "component/telemetry.h"
#include "exporters/backoff.h"

#include <signal.h>
#include <stdlib.h>

#define WAITING_MAX        (64u << 20) /* bytes of requests of one source, compressed */
#define DRAINING_PAUSE_MAX 1000000000u
#define DRAINING_MAX       5000000000u
#define SHORTEST_INTERVAL  1000000000u /* for sources that would be asked for every batch */

struct push_request {
    struct push_request *next;
    struct buffer body;
    uint64_t points;
};

struct due_source {
    struct metric_source *source;
    uint64_t due_ns;
};

struct metrics_push {
    /* set once */
    struct metrics_push_options options;
    struct counter *sent;
    struct counter *failed;
    struct counter *unsent;
    pthread_t thread;
    bool started;

    /* the thread's; before start() the main thread's */
    struct due_source *sources;
    size_t count;
    uint32_t random;
    struct loss_log losses;

    pthread_mutex_t lock; /* guards below */
    pthread_cond_t changed;
    bool draining;
    uint64_t deadline_ns;
    bool done;
};

/* ---- requests ---- */

void push_requests_add(struct push_requests *r, struct buffer *body, uint64_t points)
{
    bool room = r->bytes + body->len <= r->bytes_max && r->count < r->count_max;
    struct push_request *q = room && !body->failed ? calloc(1, sizeof *q) : NULL;
    if (!q) {
        r->lost += points;
        buffer_free(body);
        return;
    }
    q->body = *body;
    q->points = points;
    *body = (struct buffer){0};
    *r->last = q;
    r->last = &q->next;
    r->bytes += q->body.len;
    r->count++;
}

static void take_first(struct push_requests *r)
{
    struct push_request *q = r->first;
    r->first = q->next;
    buffer_free(&q->body);
    free(q);
}

/* ---- time ---- */

static struct timespec timespec_of(uint64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / 1000000000),
                             .tv_nsec = (long)(ns % 1000000000)};
}

static bool is_draining(struct metrics_push *p, uint64_t *deadline_ns)
{
    pthread_mutex_lock(&p->lock);
    bool draining = p->draining;
    *deadline_ns = p->deadline_ns;
    pthread_mutex_unlock(&p->lock);
    return draining;
}

/* Waits until a time, or until draining begins (when it has not yet). */
static void wait_until(struct metrics_push *p, uint64_t ns, bool through_drain)
{
    struct timespec until = timespec_of(ns);
    pthread_mutex_lock(&p->lock);
    while ((through_drain || !p->draining) && monotonic_ns() < ns)
        pthread_cond_timedwait(&p->changed, &p->lock, &until);
    pthread_mutex_unlock(&p->lock);
}

/* ---- sending ---- */

static void give_up(struct metrics_push *p, const struct push_request *q,
                    const struct send_answer *answer)
{
    struct loss told;
    counter_add(p->failed, q->points);
    component_note_error(p->options.component, "%s", answer->message);
    loss_log_add(&p->losses, q->points);
    if (loss_log_take(&p->losses, monotonic_ns(), &told))
        log_warn(p->options.component->id, "metric points were not delivered",
                 LOG_I("requests", told.requests), LOG_I("points", told.items),
                 LOG_S("error", answer->message));
}

static void tell_the_rest(struct metrics_push *p)
{
    struct loss told;
    if (loss_log_take(&p->losses, UINT64_MAX, &told))
        log_warn(p->options.component->id, "metric points were not delivered",
                 LOG_I("requests", told.requests), LOG_I("points", told.items));
}

static void count_delivered(struct metrics_push *p, const struct push_request *q,
                            const struct send_answer *answer)
{
    uint64_t rejected = answer->rejected_spans < q->points ? answer->rejected_spans : q->points;
    counter_add(p->sent, q->points - rejected);
    counter_add(p->failed, rejected);
    if (answer->message[0])
        log_warn(p->options.component->id, "the backend says about metrics",
                 LOG_I("rejected", rejected), LOG_S("message", answer->message));
}

/* Sleeps before another try; false when there is none. `until_ns`: when the source is to be asked
 * again, 0 when that does not matter. */
static bool pause_for_retry(struct metrics_push *p, struct backoff *backoff, uint64_t begun_ns,
                            uint64_t until_ns, const struct send_answer *answer)
{
    uint64_t deadline_ns, now = monotonic_ns();
    p->random = p->random * 1664525 + 1013904223;
    uint64_t pause = backoff_next(backoff, &p->options.retry, p->random);
    uint64_t advice = answer->retry_after_ns < BACKOFF_ADVICE_MAX_NS ? answer->retry_after_ns
                                                                     : BACKOFF_ADVICE_MAX_NS;
    bool draining = is_draining(p, &deadline_ns);
    if (draining && pause > DRAINING_PAUSE_MAX)
        pause = DRAINING_PAUSE_MAX;
    pause = pause < advice ? advice : pause;
    if (!backoff_may_retry(&p->options.retry, begun_ns, now, pause) ||
        (draining && now + pause >= deadline_ns) ||
        (!draining && until_ns && now + pause >= until_ns))
        return false;
    wait_until(p, now + pause, draining);
    return true;
}

static void send_request(struct metrics_push *p, const struct push_request *q, uint64_t until_ns)
{
    struct backoff backoff = {0};
    uint64_t begun_ns = monotonic_ns();
    for (;;) {
        struct send_answer answer = {0};
        p->options.send(p->options.context, buffer_bytes(&q->body), &answer);
        if (answer.result == SEND_OK) {
            count_delivered(p, q, &answer);
            return;
        }
        if (answer.result == SEND_PERMANENT ||
            !pause_for_retry(p, &backoff, begun_ns, until_ns, &answer)) {
            give_up(p, q, &answer);
            return;
        }
    }
}

static void push(struct metrics_push *p, const struct due_source *d)
{
    struct push_requests r = {.bytes_max = WAITING_MAX,
                              .count_max =
                                  p->options.requests_max ? p->options.requests_max : SIZE_MAX};
    r.last = &r.first;
    p->options.collect(p->options.context, d->source, &r);
    if (r.lost > 0) {
        counter_add(p->unsent, r.lost);
        log_warn(p->options.component->id, "metric points found no room to wait",
                 LOG_I("points", r.lost));
    }
    for (; r.first; take_first(&r))
        send_request(p, r.first, d->source->delta ? 0 : d->due_ns);
}

/* ---- the thread ---- */

static uint64_t interval(const struct metric_source *s)
{
    return s->flush_interval_ns > SHORTEST_INTERVAL ? s->flush_interval_ns : SHORTEST_INTERVAL;
}

static void push_due(struct metrics_push *p)
{
    uint64_t next = UINT64_MAX;
    for (size_t i = 0; i < p->count; i++) {
        struct due_source *d = &p->sources[i];
        uint64_t now = monotonic_ns();
        if (d->due_ns <= now) {
            d->due_ns += interval(d->source);
            if (d->due_ns <= now)
                d->due_ns = now + interval(d->source);
            push(p, d);
        }
        if (d->due_ns < next)
            next = d->due_ns;
    }
    wait_until(p, next, false);
}

static void *run(void *arg)
{
    struct metrics_push *p = arg;
    uint64_t deadline_ns;
    pthread_setname_np(pthread_self(), "metrics-push");
    while (!is_draining(p, &deadline_ns))
        push_due(p);
    is_draining(p, &deadline_ns);
    for (size_t i = 0; i < p->count && monotonic_ns() < deadline_ns; i++)
        push(p, &p->sources[i]);
    tell_the_rest(p);
    pthread_mutex_lock(&p->lock);
    p->done = true;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* ---- life ---- */

struct metrics_push *metrics_push_create(const struct metrics_push_options *o)
{
    struct metrics_push *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->options = *o;
    p->random = (uint32_t)monotonic_ns();
    const struct label *labels = LABELS({"exporter", o->component->id});
    p->sent = telemetry_counter(o->telemetry, EXPORTER_SENT_METRIC_POINTS, labels);
    p->failed = telemetry_counter(o->telemetry, EXPORTER_SEND_FAILED_METRIC_POINTS, labels);
    p->unsent = telemetry_counter(o->telemetry, EXPORTER_ENQUEUE_FAILED_METRIC_POINTS, labels);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&p->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&p->lock, NULL);
    return p;
}

bool metrics_push_add(struct metrics_push *p, struct metric_source *source)
{
    struct due_source *sources = reallocarray(p->sources, p->count + 1, sizeof *sources);
    if (!sources)
        return false;
    p->sources = sources;
    sources[p->count++] = (struct due_source){.source = source};
    return true;
}

bool metrics_push_has_sources(const struct metrics_push *p)
{
    return p->count > 0;
}

/* Signals are the main thread's. */
bool metrics_push_start(struct metrics_push *p, struct error *e)
{
    if (p->count == 0)
        return true;
    for (size_t i = 0; i < p->count; i++)
        p->sources[i].due_ns = monotonic_ns() + interval(p->sources[i].source);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    p->started = pthread_create(&p->thread, NULL, run, p) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return p->started || error_set(e, "cannot start a thread");
}

void metrics_push_drain(struct metrics_push *p, uint64_t deadline_ns)
{
    if (!p->started)
        return;
    uint64_t latest_ns = monotonic_ns() + DRAINING_MAX;
    if (deadline_ns > latest_ns)
        deadline_ns = latest_ns;
    struct timespec deadline = timespec_of(deadline_ns);
    pthread_mutex_lock(&p->lock);
    p->draining = true;
    p->deadline_ns = deadline_ns;
    pthread_cond_broadcast(&p->changed);
    while (!p->done && monotonic_ns() < deadline_ns)
        pthread_cond_timedwait(&p->changed, &p->lock, &deadline);
    bool done = p->done;
    pthread_mutex_unlock(&p->lock);
    if (!done && p->options.cancel)
        p->options.cancel(p->options.context);
    pthread_join(p->thread, NULL);
    p->started = false;
}

void metrics_push_destroy(struct metrics_push *p)
{
    if (!p)
        return;
    metrics_push_drain(p, 0);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
    free(p->sources);
    free(p);
}
