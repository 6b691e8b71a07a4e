/* Spans on their way in: each finds its trace, adds what it says to its summary, and waits; or is
 * late, and follows what was decided. */
#include "sampling/shard_private.h"

#include "proto/attribute.h"
#include "proto/consistent.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define STEP_OFFER 16U /* spans whose traces are looked up at a time */

static void make_room(struct shard *s, uint64_t now_ns)
{
    uint32_t number = wheel_first(&s->wheel);
    assert(number != WHEEL_NONE);
    (void)shard_decide(s, number, REASON_EARLY, now_ns);
    shard_begin_to_leave(s, number);
}

static uint32_t new_trace(struct shard *s, uint64_t hash, const struct span_view *span,
                          uint64_t now_ns)
{
    if (trace_table_full(s->traces))
        make_room(s, now_ns);
    uint32_t number = trace_table_add(s->traces, hash, span->trace_id);
    if (number == TRACE_NONE)
        return TRACE_NONE;
    struct trace *t = trace_table_at(s->traces, number);
    t->arrived_ns = now_ns;
    t->start_ns = UINT64_MAX;
    t->randomness = trace_id_randomness(t->id);
    wheel_set(&s->wheel, number, now_ns + s->settings->decision_wait_ns);
    counter_add(s->settings->metrics->new_traces, 1);
    return number;
}

static void late_span(struct shard *s, struct batch *b, uint32_t i, uint64_t hash, uint16_t outcome,
                      uint64_t age_ns, uint64_t now_ns)
{
    const struct span_view *span = &b->spans[i];
    struct sampler_metrics *m = s->settings->metrics;
    bool kept = decision_memory_get(s->memory, outcome)->verdict == SAMPLING_SAMPLED;
    histogram_observe(&m->late_span_age_s, age_ns / A_SECOND);
    counter_add(m->early_releases[kept], 1);
    struct recent_decision *r = recent_decisions_find(s->recent, hash, span->trace_id);
    if (r)
        r->late_spans++;
    if (!kept)
        return;
    uint64_t randomness = trace_id_randomness(span->trace_id);
    if (s->settings->consistent) {
        struct ot_state ot = ot_parse(span_trace_state(span_bytes(span)));
        randomness = ot.has_randomness ? ot.randomness : randomness;
    }
    shard_gather(s, batch_retain(b), i, shard_group_of(outcome, true), randomness, now_ns);
}

/* The bytes that a span brings to its trace, with those of a resource and scope that the trace's
 * last span did not share. */
static uint64_t bytes_of_span(const struct batch *b, const struct span_view *span,
                              const struct span_view *last)
{
    uint64_t bytes = span->len + span->frame_len;
    const struct scope_view *scope = span_scope(b, span);
    const struct resource_view *resource = &b->resources[scope->resource];
    if (!last || last->scope != span->scope)
        bytes += scope->head.len + scope->tail.len;
    if (!last || b->scopes[last->scope].resource != scope->resource)
        bytes += resource->head.len + resource->tail.len;
    return bytes;
}

static void learn_randomness(struct trace *t, const struct span_view *span)
{
    if (t->explicit_randomness)
        return;
    struct ot_state ot = ot_parse(span_trace_state(span_bytes(span)));
    if (ot.has_randomness) {
        t->randomness = ot.randomness;
        t->explicit_randomness = true;
    }
}

/* Adds what a span says to its trace's summary. */
static void learn(struct shard *s, uint32_t number, const struct batch *b, uint32_t i,
                  uint32_t held, uint64_t now_ns)
{
    const struct span_view *span = &b->spans[i];
    struct trace *t = trace_table_at(s->traces, number);
    const struct span_view *last = NULL;
    if (t->spans.last.held == held) {
        uint32_t last_span;
        (void)waiting_spans_at(s->spans, t->spans.last, &last_span);
        last = &b->spans[last_span];
    }
    t->bytes += bytes_of_span(b, span, last);
    t->span_count++;
    if (span->start_ns < t->start_ns)
        t->start_ns = span->start_ns;
    if (span->end_ns > t->end_ns)
        t->end_ns = span->end_ns;
    policy_set_observe(s->policies, i, t->bits);
    if (s->settings->consistent)
        learn_randomness(t, span);
    if (t->rooted || !span_is_root(span))
        return;
    t->rooted = true;
    uint64_t deadline_ns = now_ns + s->settings->after_root_ns;
    if (s->settings->after_root_ns > 0 && deadline_ns < wheel_deadline(&s->wheel, number)) {
        wheel_remove(&s->wheel, number);
        wheel_set(&s->wheel, number, deadline_ns);
    }
}

static void too_large(struct shard *s, uint32_t number, uint64_t now_ns)
{
    wheel_remove(&s->wheel, number);
    (void)shard_decide(s, number, REASON_TOO_LARGE, now_ns);
    shard_begin_to_leave(s, number);
}

/* The first span of a trace from the resource at hand: what is judged begins with it. */
static void begin_ingest(struct shard *s, uint32_t number)
{
    struct ingest *in = &s->ingest;
    struct trace *t = trace_table_at(s->traces, number);
    if (t->turn == in->turn)
        return;
    if (in->count == in->capacity) {
        uint32_t capacity = in->capacity ? in->capacity * 2 : 64;
        uint32_t *traces = reallocarray(in->traces, capacity, sizeof *traces);
        if (!traces)
            return; /* it waits for its next spans */
        in->traces = traces;
        in->capacity = capacity;
    }
    in->traces[in->count++] = number;
    t->turn = in->turn;
    t->start_ns = UINT64_MAX;
    t->end_ns = 0;
    memset(t->bits, 0, policy_set_words(s->policies) * sizeof t->bits[0]);
}

/* Judges all traces that had spans of the resource. Those that were too large, or made room, have
 * left. */
static void end_ingest(struct shard *s, uint64_t now_ns)
{
    struct ingest *in = &s->ingest;
    for (uint32_t i = 0; i < in->count; i++) {
        uint32_t number = in->traces[i];
        struct trace *t = trace_table_at(s->traces, number);
        if (t->turn != in->turn || t->wheel.list == WHEEL_NONE ||
            !shard_decide_on_ingest(s, number, now_ns))
            continue;
        wheel_remove(&s->wheel, number);
        shard_begin_to_leave(s, number);
    }
    in->count = 0;
}

static void offer_span(struct shard *s, struct batch *b, uint32_t i, uint64_t hash, uint32_t held,
                       uint64_t now_ns)
{
    const struct span_view *span = &b->spans[i];
    uint32_t number = trace_table_find(s->traces, hash, span->trace_id);
    if (number == TRACE_NONE) {
        uint64_t age_ns;
        uint16_t outcome = decision_memory_find(s->memory, hash, now_ns, &age_ns);
        if (outcome != OUTCOME_NONE) {
            late_span(s, b, i, hash, outcome, age_ns, now_ns);
            return;
        }
        number = new_trace(s, hash, span, now_ns);
    }
    if (number == TRACE_NONE) {
        counter_add(s->settings->metrics->lost_memory, 1);
        return;
    }
    struct trace *t = trace_table_at(s->traces, number);
    bool first_root = !t->rooted && span_is_root(span);
    if (s->settings->on_ingest)
        begin_ingest(s, number);
    learn(s, number, b, i, held, now_ns);
    waiting_spans_add(s->spans, held, i, number, first_root);
    if (s->settings->trace_bytes > 0 && t->bytes > s->settings->trace_bytes)
        too_large(s, number, now_ns);
}

static uint32_t spans_of_shard(const struct shard *s, const struct batch *b)
{
    unsigned shards = s->settings->shards;
    if (shards == 1)
        return b->span_count;
    uint32_t n = 0;
    for (uint32_t i = 0; i < b->span_count; i++)
        n += shard_of_trace(trace_hash(b->spans[i].trace_id), shards) == s->number;
    return n;
}

/* As the Collector does, spans of one trace are judged resource by resource. */
static void offer_by_resource(struct shard *s, struct batch *b, uint32_t held, uint64_t now_ns)
{
    uint32_t resource = UINT32_MAX;
    for (uint32_t i = 0; i < b->span_count; i++) {
        uint64_t hash = trace_hash(b->spans[i].trace_id);
        uint32_t of = b->scopes[b->spans[i].scope].resource;
        if (shard_of_trace(hash, s->settings->shards) != s->number)
            continue;
        if (of != resource) {
            end_ingest(s, now_ns);
            s->ingest.turn++;
        }
        resource = of;
        offer_span(s, b, i, hash, held, now_ns);
    }
    end_ingest(s, now_ns);
}

static void offer_spans(struct shard *s, struct batch *b, uint32_t count, uint64_t now_ns)
{
    uint32_t held = waiting_spans_hold(s->spans, batch_retain(b), count);
    if (held == SPAN_NONE) {
        batch_release(b);
        counter_add(s->settings->metrics->lost_memory, count);
        return;
    }
    policy_set_begin(s->policies, b);
    if (s->settings->on_ingest)
        offer_by_resource(s, b, held, now_ns);
    for (uint32_t first = 0; first < b->span_count && !s->settings->on_ingest;
         first += STEP_OFFER) {
        uint64_t hashes[STEP_OFFER];
        uint32_t n = b->span_count - first < STEP_OFFER ? b->span_count - first : STEP_OFFER;
        for (uint32_t i = 0; i < n; i++) {
            hashes[i] = trace_hash(b->spans[first + i].trace_id);
            trace_table_prefetch(s->traces, hashes[i]);
        }
        for (uint32_t i = 0; i < n; i++) {
            if (shard_of_trace(hashes[i], s->settings->shards) == s->number)
                offer_span(s, b, first + i, hashes[i], held, now_ns);
        }
    }
    waiting_spans_held(s->spans, held);
}

void shard_offer(struct shard *s, struct batch *b, uint64_t now_ns)
{
    uint32_t count = spans_of_shard(s, b);
    if (count == 0)
        return;
    pthread_mutex_lock(&s->lock);
    now_ns = shard_clock(s, now_ns);
    offer_spans(s, b, count, now_ns);
    /* Whoever made traces leave early does the work of it. */
    if (s->leaving_first != TRACE_NONE)
        (void)shard_leave(s, 2 * count, now_ns);
    shard_update_full(s);
    pthread_mutex_unlock(&s->lock);
}
