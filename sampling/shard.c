#include "sampling/shard.h"

#include "component/lane.h"
#include "proto/attribute.h"
#include "proto/consistent.h"
#include "sampling/decision_memory.h"
#include "sampling/gather.h"
#include "sampling/recent_decisions.h"
#include "sampling/trace_table.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define A_SECOND 1000000000U

/* A turn of the home lane, in work and in time. */
#define TURN_NS      700000U
#define STEP_DECIDE  32U      /* decisions between two looks at the clock */
#define STEP_OFFER   16U      /* spans whose traces are looked up at a time */
#define STEP_LEAVE   1024U    /* spans that leave between two */
#define HAND_ON_MAX  2U       /* batches */
#define COMPACT_NS   A_SECOND /* between two looks for thin batches */
#define COMPACT_MAX  8U       /* of them in a turn */
#define IDLE_TURN_NS 100000000U
#define LINGER_NS    500000000U /* that kept spans wait for company at most */
#define RETRY_MIN_NS 10000000U
#define RETRY_MAX_NS (5ULL * A_SECOND)
#define OUTBOX_MAX   32U    /* batches that the next component has no room for yet */
#define LEAVING_MAX  65536U /* decided traces whose spans are still here */
#define GATHERED_MAX (8 * GATHER_SPANS)

struct shard {
    const struct shard_settings *settings;
    unsigned number;
    atomic_bool full; /* no room: read without the lock */

    pthread_mutex_t lock; /* guards all below */
    struct policy_set *policies;
    struct trace_table *traces;
    struct timing_wheel wheel;
    struct waiting_spans *spans;
    struct decision_memory *memory;
    struct recent_decisions *recent;
    uint32_t leaving_first; /* decided traces whose spans are still here, oldest first */
    uint32_t leaving_last;
    uint32_t leaving_count;
    struct gather *gather;
    uint64_t gather_since_ns; /* CLOCK_MONOTONIC of its first span */
    struct batch *outbox[OUTBOX_MAX];
    uint32_t outbox_first;
    uint32_t outbox_count;
    uint64_t retry_ns;   /* CLOCK_MONOTONIC: hand on again then; 0: now */
    uint64_t compact_ns; /* CLOCK_MONOTONIC: when thin batches are looked for next */
    uint64_t began_ns;   /* of the turns that decide what is due now; 0: nothing is */
    bool draining;
};

/* ---- making ---- */

static struct span_chain *chain_of(void *owner, uint32_t trace)
{
    struct shard *s = owner;
    return &trace_table_at(s->traces, trace)->spans;
}

static struct wheel_links *wheel_links_of(void *owner, uint32_t trace)
{
    struct shard *s = owner;
    return &trace_table_at(s->traces, trace)->wheel;
}

struct shard *shard_create(const struct shard_settings *settings, unsigned number,
                           struct policy_set *policies, uint64_t now_ns)
{
    struct shard *s = calloc(1, sizeof *s);
    if (!s) {
        policy_set_destroy(policies);
        return NULL;
    }
    s->settings = settings;
    s->number = number;
    s->policies = policies;
    s->leaving_first = s->leaving_last = TRACE_NONE;
    pthread_mutex_init(&s->lock, NULL);
    uint64_t horizon = settings->decision_wait_ns > settings->after_root_ns
                           ? settings->decision_wait_ns
                           : settings->after_root_ns;
    horizon += settings->hold_ns + A_SECOND;
    s->traces = trace_table_create(settings->traces_limit, policy_set_words(policies));
    s->spans = waiting_spans_create(chain_of, s);
    s->memory = decision_memory_create(settings->memory_bytes);
    s->recent = recent_decisions_create(settings->recent_bytes, policy_set_count(policies));
    s->gather = gather_create();
    bool wheel = wheel_init(&s->wheel, horizon, now_ns, wheel_links_of, s);
    if (s->traces && s->spans && s->memory && s->recent && s->gather && wheel)
        return s;
    shard_destroy(s);
    return NULL;
}

void shard_destroy(struct shard *s)
{
    if (!s)
        return;
    for (uint32_t i = 0; i < s->outbox_count; i++)
        batch_release(s->outbox[(s->outbox_first + i) % OUTBOX_MAX]);
    gather_destroy(s->gather);
    recent_decisions_destroy(s->recent);
    decision_memory_destroy(s->memory);
    waiting_spans_destroy(s->spans);
    wheel_free(&s->wheel);
    trace_table_destroy(s->traces);
    policy_set_destroy(s->policies);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

unsigned shard_of_trace(uint64_t hash, unsigned shards)
{
    return (unsigned)(((hash >> 32) * shards) >> 32);
}

bool shard_has_room(struct shard *s)
{
    return !atomic_load_explicit(&s->full, memory_order_relaxed);
}

static void update_full(struct shard *s)
{
    bool blocked = s->outbox_count == OUTBOX_MAX || s->settings->block_on_overflow;
    bool full = (blocked && trace_table_full(s->traces)) || s->leaving_count >= LEAVING_MAX ||
                gather_count(s->gather) >= GATHERED_MAX;
    atomic_store_explicit(&s->full, full, memory_order_relaxed);
}

/* ---- deciding ---- */

static void summarize(const struct shard *s, const struct trace *t, struct trace_summary *out)
{
    *out = (struct trace_summary){.start_ns = t->start_ns,
                                  .end_ns = t->end_ns,
                                  .bytes = t->bytes,
                                  .spans = t->span_count,
                                  .bits = t->bits,
                                  .randomness = t->randomness};
    memcpy(out->trace_id, t->id, sizeof out->trace_id);
    if (t->spans.root.held != SPAN_NONE)
        out->root_batch = waiting_spans_at(s->spans, t->spans.root, &out->root_span);
}

static void count_verdict(struct policy_counters *p, uint8_t verdict, const struct trace *t)
{
    counter_add(p->verdicts[verdict], 1);
    counter_add(p->spans[verdict], t->span_count);
    counter_add(p->bytes[verdict], t->bytes);
}

static void count_verdicts(struct shard *s, const struct trace *t)
{
    const uint8_t *verdicts = policy_set_verdicts(s->policies);
    struct sampler_metrics *m = s->settings->metrics;
    bool timed = policy_set_timed(s->policies);
    for (unsigned i = 0; i < m->policy_count; i++) {
        if (verdicts[i] == POLICY_NOT_ASKED)
            continue;
        counter_add(m->policies[i].executions, 1);
        if (timed)
            counter_add(m->policies[i].time_us, policy_set_take_time_us(s->policies, i));
        if (verdicts[i] == SAMPLING_ERROR)
            counter_add(m->evaluation_errors, 1);
        else
            count_verdict(&m->policies[i], verdicts[i], t);
    }
}

static void keep_recent(struct recent_decision *r, const struct trace *t,
                        const struct sampling_decision *d, enum explanation_reason reason,
                        uint64_t now_ns)
{
    memcpy(r->id, t->id, sizeof r->id);
    r->hash = t->hash;
    r->decision = *d;
    r->reason = reason;
    r->decided_ns = realtime_ns();
    r->waited_ns = now_ns - t->arrived_ns;
    r->duration_ns = t->end_ns > t->start_ns ? t->end_ns - t->start_ns : 0;
    r->bytes = t->bytes;
    r->spans = t->span_count;
    r->late_spans = 0;
    r->rooted = t->rooted;
    r->voted = reason != REASON_TOO_LARGE && !t->held;
}

static struct sampling_decision decide_by_policies(struct shard *s, const struct trace *t,
                                                   struct policy_vote *votes, uint64_t now_ns)
{
    struct trace_summary summary;
    summarize(s, t, &summary);
    struct sampling_decision d =
        policy_set_decide(s->policies, &summary, s->settings->first_match, now_ns, votes);
    count_verdicts(s, t);
    return d;
}

/* Puts a trace that its journey may yet keep back onto the wheel: while draining, behind all that
 * were not asked yet. */
static void hold(struct shard *s, uint32_t number, uint64_t until_ns)
{
    struct trace *t = trace_table_at(s->traces, number);
    if (!t->held)
        counter_add(s->settings->metrics->held_for_journey, 1);
    t->held = true;
    wheel_set(&s->wheel, number, until_ns);
}

/* What the journey makes of a decision. True: the trace is held, nothing is decided yet. */
static bool ask_journey(struct shard *s, uint32_t number, enum explanation_reason reason,
                        struct sampling_decision *d, uint64_t now_ns)
{
    struct journeys *j = s->settings->journeys;
    struct trace *t = trace_table_at(s->traces, number);
    uint64_t until_ns = now_ns;
    if (!j)
        return false;
    if (d->verdict == SAMPLING_SAMPLED)
        journeys_keep(j, t->hash);
    if (d->verdict != SAMPLING_NOT_SAMPLED || reason == REASON_TOO_LARGE)
        return false;
    enum journey_answer answer = journeys_ask(j, t->hash, t->arrived_ns, now_ns, &until_ns);
    if (answer == JOURNEY_KEPT) {
        *d = (struct sampling_decision){
            .verdict = SAMPLING_SAMPLED, .policy = POLICY_JOURNEY, .sub_policy = UINT16_MAX};
        counter_add(s->settings->metrics->kept_by_journey, 1);
    }
    bool may_wait = reason == REASON_POLICIES || (reason == REASON_SHUTDOWN && !t->held);
    if (answer != JOURNEY_HOLD || !may_wait)
        return false;
    hold(s, number, until_ns);
    return true;
}

/* A held trace is not shown to the policies again: rate limiters would count it twice. */
static struct sampling_decision vote(struct shard *s, const struct trace *t,
                                     enum explanation_reason reason, struct policy_vote *votes,
                                     uint64_t now_ns)
{
    struct sampling_decision d = {
        .verdict = SAMPLING_NOT_SAMPLED, .policy = UINT16_MAX, .sub_policy = UINT16_MAX};
    if (reason != REASON_TOO_LARGE && !t->held)
        d = decide_by_policies(s, t, votes, now_ns);
    if (d.verdict == SAMPLING_ERROR)
        d.verdict = SAMPLING_NOT_SAMPLED;
    return d;
}

/* Ends a trace's wait, off the wheel already. Its spans leave later. False: it is held, and back on
 * the wheel. */
static bool decide(struct shard *s, uint32_t number, enum explanation_reason reason,
                   uint64_t now_ns)
{
    struct trace *t = trace_table_at(s->traces, number);
    struct sampler_metrics *m = s->settings->metrics;
    struct recent_decision *r = recent_decisions_next(s->recent, now_ns);
    struct sampling_decision d = vote(s, t, reason, r ? r->votes : NULL, now_ns);
    bool held_before = t->held;
    if (ask_journey(s, number, reason, &d, now_ns))
        return false;
    if (held_before && reason == REASON_POLICIES)
        reason = REASON_JOURNEY;
    if (r) {
        keep_recent(r, t, &d, reason, now_ns);
        recent_decisions_commit(s->recent);
    }
    t->outcome = decision_memory_outcome(s->memory, &d);
    t->kept = d.verdict == SAMPLING_SAMPLED;
    decision_memory_add(s->memory, t->hash, t->outcome, now_ns);
    counter_add(m->traces[d.verdict], 1);
    histogram_observe(&m->removal_age_s, (now_ns - t->arrived_ns) / A_SECOND);
    if (reason == REASON_EARLY)
        counter_add(m->decided_early, 1);
    if (reason == REASON_TOO_LARGE)
        counter_add(m->too_large, 1);
    return true;
}

/* A trace that waits no more goes to the end of the queue out. */
static void begin_to_leave(struct shard *s, uint32_t number)
{
    struct trace *t = trace_table_at(s->traces, number);
    trace_table_remove(s->traces, number);
    t->next_leaving = TRACE_NONE;
    if (s->leaving_first == TRACE_NONE)
        s->leaving_first = number;
    else
        trace_table_at(s->traces, s->leaving_last)->next_leaving = number;
    s->leaving_last = number;
    s->leaving_count++;
}

/* ---- leaving ---- */

static const char *policy_name(const struct shard *s, uint16_t policy)
{
    return policy == POLICY_JOURNEY ? "linked" : policy_set_name(s->policies, policy);
}

/* Spans of one outcome, on time or late, form a group. */
static uint32_t group_of(uint16_t outcome, bool late)
{
    return (uint32_t)outcome << 1 | late;
}

static void mark_group(void *context, uint32_t group, struct kept_mark *out)
{
    const struct shard *s = context;
    const struct sampling_decision *d = decision_memory_get(s->memory, (uint16_t)(group >> 1));
    *out = (struct kept_mark){.cached_decision = group & 1,
                              .consistent = s->settings->consistent,
                              .probability_known = d->probability_known,
                              .threshold = d->threshold};
    if (!s->settings->record_policy || d->policy == UINT16_MAX)
        return;
    out->policy = policy_name(s, d->policy);
    if (d->sub_policy != UINT16_MAX)
        out->composite_policy = policy_set_sub_name(s->policies, d->policy, d->sub_policy);
}

static void gather_span(struct shard *s, struct batch *b, uint32_t span, uint32_t group,
                        uint64_t randomness, uint64_t now_ns)
{
    if (gather_count(s->gather) == 0)
        s->gather_since_ns = now_ns;
    if (!gather_add(s->gather, b, span, group, randomness))
        counter_add(s->settings->metrics->lost_memory, 1);
}

/* Puts what has gathered into the outbox. False: that is full. */
static bool flush(struct shard *s)
{
    if (s->outbox_count == OUTBOX_MAX)
        return false;
    uint32_t lost;
    struct batch *b = gather_finish(s->gather, mark_group, s, &lost);
    counter_add(s->settings->metrics->lost_memory, lost);
    if (b)
        s->outbox[(s->outbox_first + s->outbox_count++) % OUTBOX_MAX] = b;
    return true;
}

/* Whether no more may gather before a flush; within a trace there is some patience, so that traces
 * stay together. */
static bool gathered_enough(const struct shard *s, bool within_trace)
{
    return gather_full(s->gather) && (!within_trace || gather_count(s->gather) >= 4 * GATHER_SPANS);
}

/* Sends out up to `budget` spans of decided traces. False: stuck, as there is no room ahead. */
static bool leave(struct shard *s, uint32_t budget, uint64_t now_ns)
{
    bool within = false;
    while (s->leaving_first != TRACE_NONE && budget > 0) {
        uint32_t number = s->leaving_first;
        struct trace *t = trace_table_at(s->traces, number);
        struct batch *b;
        uint32_t span;
        if (t->kept && gathered_enough(s, within) && !flush(s))
            return false;
        within = waiting_spans_take(s->spans, number, t->kept, &b, &span);
        if (within) {
            budget--;
            if (t->kept)
                gather_span(s, b, span, group_of(t->outcome, false), t->randomness, now_ns);
            continue;
        }
        s->leaving_first = t->next_leaving;
        s->leaving_count--;
        trace_table_free(s->traces, number);
    }
    return true;
}

/* ---- arriving ---- */

static void make_room(struct shard *s, uint64_t now_ns)
{
    uint32_t number = wheel_first(&s->wheel);
    assert(number != WHEEL_NONE);
    (void)decide(s, number, REASON_EARLY, now_ns);
    begin_to_leave(s, number);
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
    gather_span(s, batch_retain(b), i, group_of(outcome, true), randomness, now_ns);
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
    (void)decide(s, number, REASON_TOO_LARGE, now_ns);
    begin_to_leave(s, number);
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

static void offer_spans(struct shard *s, struct batch *b, uint32_t count, uint64_t now_ns)
{
    uint32_t held = waiting_spans_hold(s->spans, batch_retain(b), count);
    if (held == SPAN_NONE) {
        batch_release(b);
        counter_add(s->settings->metrics->lost_memory, count);
        return;
    }
    policy_set_begin(s->policies, b);
    for (uint32_t first = 0; first < b->span_count; first += STEP_OFFER) {
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
    offer_spans(s, b, count, now_ns);
    /* Whoever made traces leave early does the work of it. */
    if (s->leaving_first != TRACE_NONE)
        (void)leave(s, 2 * count, now_ns);
    update_full(s);
    pthread_mutex_unlock(&s->lock);
}

/* ---- turns ---- */

/* Decides one trace that is due. False: none is. */
static bool decide_next(struct shard *s, uint64_t now_ns)
{
    uint32_t number = s->draining ? wheel_first(&s->wheel) : wheel_expire(&s->wheel, now_ns);
    if (number == WHEEL_NONE)
        return false;
    if (s->draining && s->settings->drop_pending) {
        struct trace *t = trace_table_at(s->traces, number);
        counter_add(s->settings->metrics->lost_shutdown, t->span_count);
    } else if (!decide(s, number, s->draining ? REASON_SHUTDOWN : REASON_POLICIES, now_ns)) {
        return true;
    }
    begin_to_leave(s, number);
    return true;
}

/* Under the lock. True: there is more to do at once. */
static bool decide_and_leave(struct shard *s, uint64_t now_ns)
{
    uint64_t began_ns = monotonic_ns();
    bool more = false;
    while (monotonic_ns() - began_ns < TURN_NS) {
        if (!leave(s, STEP_LEAVE, now_ns))
            return false; /* there is no room ahead: the others wait on */
        more = s->leaving_first != TRACE_NONE;
        for (unsigned i = 0; !more && i < STEP_DECIDE; i++) {
            if (!decide_next(s, now_ns))
                break;
            more = i + 1 == STEP_DECIDE || s->leaving_first != TRACE_NONE;
        }
        if (!more)
            break;
    }
    if (!more && now_ns >= s->compact_ns) {
        more = !waiting_spans_compact(s->spans, COMPACT_MAX);
        s->compact_ns = more ? now_ns : now_ns + COMPACT_NS;
    }
    if (!more && gather_count(s->gather) > 0 &&
        (s->draining || gather_full(s->gather) || now_ns - s->gather_since_ns >= LINGER_NS))
        (void)flush(s);
    return more;
}

/* How long the decisions due at one time took, over all their turns. */
static void time_decisions(struct shard *s, bool more, uint64_t turn_ns)
{
    if (more && s->began_ns == 0)
        s->began_ns = turn_ns;
    if (more || (s->began_ns == 0 && trace_table_count(s->traces) == 0))
        return;
    uint64_t since_ns = s->began_ns ? s->began_ns : turn_ns;
    histogram_observe(&s->settings->metrics->timer_latency_ms,
                      (monotonic_ns() - since_ns) / 1000000U);
    s->began_ns = 0;
}

/* Hands on the oldest batch of the outbox, without the lock meanwhile. False: not now. */
static bool hand_on(struct shard *s, uint64_t now_ns)
{
    if (s->outbox_count == 0 || s->retry_ns > now_ns)
        return false;
    struct batch *b = s->outbox[s->outbox_first];
    struct component *next = s->settings->sampler->next;
    uint32_t spans = b->span_count;
    pthread_mutex_unlock(&s->lock);
    struct outcome o = component_consume(next, batch_retain(b), NULL);
    pthread_mutex_lock(&s->lock);
    if (o.verdict == VERDICT_BUSY) {
        uint64_t wait_ns = (uint64_t)o.retry_after_ms * 1000000U;
        wait_ns = wait_ns < RETRY_MIN_NS ? RETRY_MIN_NS : wait_ns;
        s->retry_ns = now_ns + (wait_ns > RETRY_MAX_NS ? RETRY_MAX_NS : wait_ns);
        return false;
    }
    if (o.verdict == VERDICT_REJECTED) {
        counter_add(s->settings->metrics->lost_rejected, spans);
        component_note_error(s->settings->sampler, "%u kept spans were rejected: %s", spans,
                             o.message);
    } else {
        counter_add(s->settings->metrics->outgoing, spans);
    }
    s->outbox_first = (s->outbox_first + 1) % OUTBOX_MAX;
    s->outbox_count--;
    s->retry_ns = 0;
    batch_release(b);
    return true;
}

uint64_t shard_turn(struct shard *s, uint64_t now_ns)
{
    pthread_mutex_lock(&s->lock);
    uint64_t began_ns = monotonic_ns();
    bool more = decide_and_leave(s, now_ns);
    time_decisions(s, more, began_ns);
    for (unsigned i = 0; i < HAND_ON_MAX && hand_on(s, now_ns); i++)
        ;
    bool handing = s->outbox_count > 0 && s->retry_ns == 0;
    uint64_t next_ns = now_ns + IDLE_TURN_NS;
    if (s->retry_ns > now_ns && s->retry_ns < next_ns)
        next_ns = s->retry_ns;
    update_full(s);
    pthread_mutex_unlock(&s->lock);
    return more || handing ? now_ns : next_ns;
}

void shard_drain(struct shard *s)
{
    pthread_mutex_lock(&s->lock);
    s->draining = true;
    pthread_mutex_unlock(&s->lock);
}

/* ---- looking in ---- */

static uint64_t pending(const struct shard *s)
{
    uint64_t n = waiting_spans_count(s->spans) + gather_count(s->gather);
    for (uint32_t i = 0; i < s->outbox_count; i++)
        n += s->outbox[(s->outbox_first + i) % OUTBOX_MAX]->span_count;
    return n;
}

uint64_t shard_pending_spans(struct shard *s)
{
    pthread_mutex_lock(&s->lock);
    uint64_t n = pending(s);
    pthread_mutex_unlock(&s->lock);
    return n;
}

bool shard_empty(struct shard *s)
{
    pthread_mutex_lock(&s->lock);
    bool empty = pending(s) == 0 && trace_table_count(s->traces) == 0 && s->leaving_count == 0;
    pthread_mutex_unlock(&s->lock);
    return empty;
}

uint32_t shard_waiting_traces(struct shard *s)
{
    pthread_mutex_lock(&s->lock);
    uint32_t n = trace_table_count(s->traces);
    pthread_mutex_unlock(&s->lock);
    return n;
}

enum journey_past shard_past(struct shard *s, uint64_t hash)
{
    pthread_mutex_lock(&s->lock);
    uint16_t outcome = decision_memory_find(s->memory, hash, monotonic_ns(), NULL);
    enum journey_past past = outcome == OUTCOME_NONE ? PAST_NONE
                             : decision_memory_get(s->memory, outcome)->verdict == SAMPLING_SAMPLED
                                 ? PAST_KEPT
                                 : PAST_DROPPED;
    pthread_mutex_unlock(&s->lock);
    return past;
}

size_t shard_memory_bytes(struct shard *s)
{
    pthread_mutex_lock(&s->lock);
    size_t n = decision_memory_bytes(s->memory);
    pthread_mutex_unlock(&s->lock);
    return n;
}

static void explain_decision(const struct shard *s, struct explanation *out)
{
    out->state = EXPLANATION_DECIDED;
    out->policy = out->sub_policy = NULL;
    if (out->decision.policy == UINT16_MAX)
        return;
    out->policy = policy_name(s, out->decision.policy);
    if (out->decision.sub_policy != UINT16_MAX)
        out->sub_policy =
            policy_set_sub_name(s->policies, out->decision.policy, out->decision.sub_policy);
}

static void explain_recent(const struct shard *s, const struct recent_decision *r,
                           struct explanation *out)
{
    out->detailed = true;
    out->decision = r->decision;
    out->reason = r->reason;
    out->decided_ns = r->decided_ns;
    out->waited_ns = r->waited_ns;
    out->duration_ns = r->duration_ns;
    out->bytes = r->bytes;
    out->spans = r->spans;
    out->late_spans = r->late_spans;
    out->rooted = r->rooted;
    out->vote_count = r->voted ? policy_set_count(s->policies) : 0;
    for (unsigned i = 0; i < out->vote_count; i++) {
        out->votes[i].policy = policy_set_name(s->policies, i);
        out->votes[i].verdict = r->votes[i].verdict;
        memcpy(out->votes[i].why, r->votes[i].why, sizeof out->votes[i].why);
    }
    explain_decision(s, out);
}

static void explain_waiting(const struct trace *t, uint64_t now_ns, struct explanation *out)
{
    out->state = EXPLANATION_WAITING;
    out->detailed = true;
    out->waited_ns = now_ns - t->arrived_ns;
    out->duration_ns = t->end_ns > t->start_ns ? t->end_ns - t->start_ns : 0;
    out->bytes = t->bytes;
    out->spans = t->span_count;
    out->rooted = t->rooted;
}

/* Under the lock. */
static bool explain_trace(const struct shard *s, uint64_t hash, const uint8_t trace_id[16],
                          struct explanation *out)
{
    uint64_t now_ns = monotonic_ns();
    uint32_t number = trace_table_find(s->traces, hash, trace_id);
    if (number != TRACE_NONE) {
        explain_waiting(trace_table_at(s->traces, number), now_ns, out);
        return true;
    }
    const struct recent_decision *r = recent_decisions_find(s->recent, hash, trace_id);
    if (r) {
        explain_recent(s, r, out);
        return true;
    }
    uint64_t age_ns;
    uint16_t outcome = decision_memory_find(s->memory, hash, now_ns, &age_ns);
    if (outcome == OUTCOME_NONE)
        return false;
    out->decided_ns = realtime_ns() - age_ns;
    out->decision = *decision_memory_get(s->memory, outcome);
    explain_decision(s, out);
    return true;
}

bool shard_explain(struct shard *s, const uint8_t trace_id[16], struct explanation *out)
{
    pthread_mutex_lock(&s->lock);
    bool known = explain_trace(s, trace_hash(trace_id), trace_id, out);
    pthread_mutex_unlock(&s->lock);
    return known;
}
