/* Spans of decided traces on their way out: let go, or gathered into full batches. */
#include "sampling/shard_private.h"

const char *shard_policy_name(const struct shard *s, uint16_t policy)
{
    return policy == POLICY_JOURNEY ? "linked" : policy_set_name(s->policies, policy);
}

uint32_t shard_group_of(uint16_t outcome, bool late)
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
    out->policy = shard_policy_name(s, d->policy);
    if (d->sub_policy != UINT16_MAX)
        out->composite_policy = policy_set_sub_name(s->policies, d->policy, d->sub_policy);
}

void shard_gather(struct shard *s, struct batch *b, uint32_t span, uint32_t group,
                  uint64_t randomness, uint64_t now_ns)
{
    if (gather_count(s->gather) == 0)
        s->gather_since_ns = now_ns;
    if (!gather_add(s->gather, b, span, group, randomness))
        counter_add(s->settings->metrics->lost_memory, 1);
}

bool shard_flush(struct shard *s)
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

bool shard_leave(struct shard *s, uint32_t budget, uint64_t now_ns)
{
    bool within = false;
    while (s->leaving_first != TRACE_NONE && budget > 0) {
        uint32_t number = s->leaving_first;
        struct trace *t = trace_table_at(s->traces, number);
        struct batch *b;
        uint32_t span;
        if (t->kept && gathered_enough(s, within) && !shard_flush(s))
            return false;
        within = waiting_spans_take(s->spans, number, t->kept, &b, &span);
        if (within) {
            budget--;
            if (t->kept)
                shard_gather(s, b, span, shard_group_of(t->outcome, false), t->randomness, now_ns);
            continue;
        }
        s->leaving_first = t->next_leaving;
        s->leaving_count--;
        trace_table_free(s->traces, number);
    }
    return true;
}
