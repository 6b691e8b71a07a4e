/* Looking in, from any thread: how much waits, and what is known of a trace. */
#include "sampling/shard_private.h"

#include "component/clock.h"

#include <string.h>

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
    out->policy = shard_policy_name(s, out->decision.policy);
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
