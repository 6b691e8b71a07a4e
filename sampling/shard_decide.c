/* Decisions: the policies', and what the journey of a trace makes of them. */
#include "sampling/shard_private.h"

#include "component/clock.h"

#include <string.h>

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
    if (d->verdict == SAMPLING_SAMPLED) {
        journeys_keep(j, t->hash);
        return false;
    }
    bool may_join = d->verdict == SAMPLING_NOT_SAMPLED && reason != REASON_TOO_LARGE;
    bool may_wait = reason == REASON_POLICIES || (reason == REASON_SHUTDOWN && !t->held);
    enum journey_answer answer =
        may_join ? journeys_ask(j, t->hash, t->arrived_ns, now_ns, &until_ns) : JOURNEY_OVER;
    if (answer == JOURNEY_KEPT) {
        *d = (struct sampling_decision){
            .verdict = SAMPLING_SAMPLED, .policy = POLICY_JOURNEY, .sub_policy = UINT16_MAX};
        counter_add(s->settings->metrics->kept_by_journey, 1);
    }
    if (answer == JOURNEY_HOLD && may_wait) {
        hold(s, number, until_ns);
        return true;
    }
    if (answer == JOURNEY_HOLD || !may_join)
        journeys_let_go(j, t->hash);
    return false;
}

/* A held trace is not shown to the policies again: rate limiters would count it twice. Nor is one
 * whose arrivals they have judged, unless a drop policy kept them from sampling any. */
static bool is_asked_for(const struct shard *s, const struct trace *t,
                         enum explanation_reason reason)
{
    bool judged = t->held || (s->settings->on_ingest && !policy_set_drops(s->policies));
    return reason != REASON_TOO_LARGE && !judged;
}

static struct sampling_decision vote(struct shard *s, const struct trace *t,
                                     enum explanation_reason reason, struct recent_decision *r,
                                     uint64_t now_ns)
{
    struct sampling_decision d = {
        .verdict = SAMPLING_NOT_SAMPLED, .policy = UINT16_MAX, .sub_policy = UINT16_MAX};
    bool asked = is_asked_for(s, t, reason);
    if (r)
        r->voted = asked;
    if (asked)
        d = decide_by_policies(s, t, r ? r->votes : NULL, now_ns);
    if (d.verdict == SAMPLING_ERROR)
        d.verdict = SAMPLING_NOT_SAMPLED;
    return d;
}

static void conclude(struct shard *s, struct trace *t, const struct sampling_decision *d,
                     enum explanation_reason reason, struct recent_decision *r, uint64_t now_ns)
{
    struct sampler_metrics *m = s->settings->metrics;
    if (r) {
        keep_recent(r, t, d, reason, now_ns);
        recent_decisions_commit(s->recent);
    }
    t->outcome = decision_memory_outcome(s->memory, d);
    t->kept = d->verdict == SAMPLING_SAMPLED;
    decision_memory_add(s->memory, t->hash, t->outcome, now_ns);
    counter_add(m->traces[d->verdict], 1);
    histogram_observe(&m->removal_age_s, (now_ns - t->arrived_ns) / A_SECOND);
    if (reason == REASON_EARLY)
        counter_add(m->decided_early, 1);
    if (reason == REASON_TOO_LARGE)
        counter_add(m->too_large, 1);
}

/* Ends a trace's wait, off the wheel already. Its spans leave later. False: it is held, and back on
 * the wheel. */
bool shard_decide(struct shard *s, uint32_t number, enum explanation_reason reason, uint64_t now_ns)
{
    struct trace *t = trace_table_at(s->traces, number);
    struct recent_decision *r = recent_decisions_next(s->recent, now_ns);
    struct sampling_decision d = vote(s, t, reason, r, now_ns);
    bool held_before = t->held;
    if (ask_journey(s, number, reason, &d, now_ns))
        return false;
    if (held_before && reason == REASON_POLICIES)
        reason = REASON_JOURNEY;
    conclude(s, t, &d, reason, r, now_ns);
    return true;
}

bool shard_decide_on_ingest(struct shard *s, uint32_t number, uint64_t now_ns)
{
    struct trace *t = trace_table_at(s->traces, number);
    struct recent_decision *r = recent_decisions_next(s->recent, now_ns);
    struct trace_summary summary;
    summarize(s, t, &summary);
    struct sampling_decision d =
        policy_set_decide_on_ingest(s->policies, &summary, now_ns, r ? r->votes : NULL);
    count_verdicts(s, t);
    if (d.verdict != SAMPLING_SAMPLED && d.verdict != SAMPLING_DROPPED)
        return false;
    if (r)
        r->voted = true;
    (void)ask_journey(s, number, REASON_POLICIES, &d, now_ns); /* nothing left to hold it for */
    conclude(s, t, &d, REASON_POLICIES, r, now_ns);
    return true;
}

/* A trace that waits no more goes to the end of the queue out. */
void shard_begin_to_leave(struct shard *s, uint32_t number)
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
