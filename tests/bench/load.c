/* The pool of shots, their clock and their accounts. */
#include "tests/bench/load.h"

#include <inttypes.h>
#include <libdeflate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static const uint64_t second_ns = 1000000000u;

static uint64_t clock_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t load_now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

static void compress_shot(struct shot *s)
{
    struct libdeflate_compressor *deflater = libdeflate_alloc_compressor(6);
    if (!deflater)
        abort();
    size_t room = libdeflate_gzip_compress_bound(deflater, s->request.len);
    uint8_t *out = malloc(room);
    if (!out)
        abort();
    s->len = libdeflate_gzip_compress(deflater, s->request.data, s->request.len, out, room);
    s->data = out;
    libdeflate_free_compressor(deflater);
    free(s->request.data);
    s->request.data = NULL;
}

static void put_free(struct load *l, struct shot *s)
{
    s->next = NULL;
    *l->free_last = s;
    l->free_last = &s->next;
}

void load_begin(struct load *l, const struct load_options *o)
{
    *l = (struct load){.options = *o, .random.state = o->seed};
    pthread_mutex_init(&l->lock, NULL);
    l->free_last = &l->free_first;
    unsigned pool = o->pool > o->in_flight ? o->pool : o->in_flight;
    if (!(l->shots = calloc(pool, sizeof *l->shots)))
        abort();
    for (unsigned i = 0; i < pool; i++) {
        struct shot *s = &l->shots[i];
        request_build(&s->request, &o->shape, &l->random);
        request_refresh(&s->request, &l->random, clock_ns(CLOCK_REALTIME));
        s->data = s->request.data;
        s->len = s->request.len;
        if (o->gzip)
            compress_shot(s);
        put_free(l, s);
    }
    if (o->rate > 0)
        l->interval_ns = (double)o->shape.spans / o->rate * 1e9;
    l->start_ns = load_now_ns();
    l->end_ns = l->start_ns + o->duration_ns;
}

/* Takes the first refused shot whose pause is over. */
static struct shot *take_refused(struct load *l, uint64_t now, uint64_t *wake_ns)
{
    for (struct shot **at = &l->refused; *at; at = &(*at)->next) {
        struct shot *s = *at;
        if (s->retry_ns <= now) {
            *at = s->next;
            return s;
        }
        if (s->retry_ns < *wake_ns)
            *wake_ns = s->retry_ns;
    }
    return NULL;
}

static bool ended(const struct load *l, uint64_t now)
{
    return now >= l->end_ns ||
           (l->options.span_limit && l->taken * l->options.shape.spans >= l->options.span_limit);
}

static struct shot *take_new(struct load *l, uint64_t now, uint64_t *wake_ns)
{
    if (ended(l, now) || l->busy == l->options.in_flight)
        return NULL;
    uint64_t due = now;
    if (l->interval_ns > 0)
        due = l->start_ns + (uint64_t)((double)l->taken * l->interval_ns);
    if (due > now) {
        if (due < *wake_ns)
            *wake_ns = due;
        return NULL;
    }
    struct shot *s = l->free_first;
    l->free_first = s->next;
    if (!l->free_first)
        l->free_last = &l->free_first;
    s->due_ns = due;
    s->tries = 0;
    l->busy++;
    l->taken++;
    if (due >= l->start_ns + l->options.warmup_ns)
        histogram_add(&l->lag, now - due);
    return s;
}

struct shot *load_take(struct load *l, uint64_t *wake_ns)
{
    struct random random = {0};
    *wake_ns = UINT64_MAX;
    pthread_mutex_lock(&l->lock);
    uint64_t now = load_now_ns();
    struct shot *s = take_refused(l, now, wake_ns);
    if (!s)
        s = take_new(l, now, wake_ns);
    if (s) {
        l->totals.sent += l->options.shape.spans;
        random.state = random_next(&l->random);
    }
    pthread_mutex_unlock(&l->lock);
    if (s && s->tries++ == 0 && s->request.data)
        request_refresh(&s->request, &random, clock_ns(CLOCK_REALTIME));
    return s;
}

/* The pause doubles from 10 ms to 640 ms; after the end a shot gets five seconds more. */
static bool refuse(struct load *l, struct shot *s, uint64_t now)
{
    l->totals.refused += l->options.shape.spans;
    if (now > l->end_ns + 5 * second_ns)
        return false;
    unsigned doublings = s->tries < 7 ? s->tries : 7;
    s->retry_ns = now + (5000000u << doublings);
    s->next = l->refused;
    l->refused = s;
    return true;
}

void load_answer(struct load *l, struct shot *s, enum answer answer, uint64_t rejected)
{
    uint32_t spans = l->options.shape.spans;
    pthread_mutex_lock(&l->lock);
    uint64_t now = load_now_ns();
    if (answer != ANSWER_REFUSED || !refuse(l, s, now)) {
        if (answer == ANSWER_ACCEPTED) {
            l->totals.acked += spans - rejected;
            l->totals.rejected += rejected;
            if (s->due_ns >= l->start_ns + l->options.warmup_ns)
                histogram_add(&l->latency, now - s->due_ns);
        } else {
            l->totals.failed += spans;
        }
        l->busy--;
        l->finished_ns = now;
        put_free(l, s);
    }
    pthread_mutex_unlock(&l->lock);
}

bool load_done(struct load *l)
{
    pthread_mutex_lock(&l->lock);
    bool done = l->busy == 0 && ended(l, load_now_ns());
    pthread_mutex_unlock(&l->lock);
    return done;
}

static size_t read_varint(const uint8_t *at, size_t len, uint64_t *v)
{
    *v = 0;
    for (size_t i = 0; i < len && i < 10; i++) {
        *v |= (uint64_t)(at[i] & 0x7f) << (7 * i);
        if (at[i] < 0x80)
            return i + 1;
    }
    return 0;
}

/* The response's first field is partial_success, whose first is rejected_spans; an empty one, or
 * one with a message only, rejects nothing. */
uint64_t load_rejected_spans(const uint8_t *response, size_t len)
{
    uint64_t inner, rejected;
    if (len < 3 || response[0] != (1 << 3 | 2))
        return 0;
    size_t used = read_varint(response + 1, len - 1, &inner) + 1;
    if (used >= len || inner < 2 || response[used] != 1 << 3)
        return 0;
    return read_varint(response + used + 1, len - used - 1, &rejected) ? rejected : 0;
}

static double percentile_us(const struct histogram *h, double percentile)
{
    return (double)histogram_percentile(h, percentile) / 1e3;
}

void load_report(struct load *l, bool final)
{
    pthread_mutex_lock(&l->lock);
    const struct load_totals *t = &l->totals;
    uint64_t until = final ? l->finished_ns : load_now_ns();
    double seconds = (double)(until - l->start_ns) / 1e9;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    printf("{\"spans_sent\": %" PRIu64 ", \"spans_acked\": %" PRIu64 ", \"spans_refused\": %" PRIu64
           ", \"spans_rejected\": %" PRIu64 ", \"spans_failed\": %" PRIu64
           ", \"seconds\": %.3f, \"spans_per_second\": %.0f, \"cpu_seconds\": %.3f",
           t->sent, t->acked, t->refused, t->rejected, t->failed, seconds,
           seconds > 0 ? (double)t->acked / seconds : 0, cpu);
    if (final)
        printf(", \"requests\": %" PRIu64 ", \"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f"
               ", \"max_us\": %.1f, \"lag_p99_us\": %.1f, \"request_bytes\": %zu",
               l->latency.count, percentile_us(&l->latency, 50), percentile_us(&l->latency, 99),
               percentile_us(&l->latency, 99.9), (double)l->latency.max_ns / 1e3,
               percentile_us(&l->lag, 99), l->shots[0].len);
    printf("}\n");
    fflush(stdout);
    pthread_mutex_unlock(&l->lock);
}
