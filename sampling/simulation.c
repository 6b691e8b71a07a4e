#include "sampling/simulation.h"

#include "proto/attribute.h"
#include "proto/consistent.h"
#include "sampling/sampler_settings.h"

#include <stdlib.h>

struct simulation {
    struct sampler_settings settings;
    struct policy_set *policies;
    uint64_t bits[]; /* of the trace that is looked at */
};

struct simulation *simulation_create(const struct config_value *config, const char *id,
                                     struct error *e)
{
    struct sampler_settings settings = {0};
    if (!sampler_settings_read(config, &settings, e))
        return NULL;
    /* One set sees all traces, so rates are not divided among shards. */
    struct policy_set *policies =
        policy_set_create(settings.policies, id, 1, settings.consistent, e);
    if (!policies)
        return NULL;
    unsigned words = policy_set_words(policies);
    struct simulation *s = calloc(1, sizeof *s + words * sizeof s->bits[0]);
    if (!s) {
        policy_set_destroy(policies);
        error_set(e, "out of memory");
        return NULL;
    }
    s->settings = settings;
    s->policies = policies;
    return s;
}

void simulation_destroy(struct simulation *s)
{
    if (!s)
        return;
    policy_set_destroy(s->policies);
    free(s);
}

const struct policy_set *simulation_policies(const struct simulation *s)
{
    return s->policies;
}

bool simulation_on_ingest(const struct simulation *s)
{
    return s->settings.strategy == STRATEGY_SPAN_INGEST;
}

static void learn_span(struct trace_summary *t, const struct batch *b, uint32_t i)
{
    const struct span_view *s = &b->spans[i];
    t->bytes += s->len + s->frame_len;
    t->start_ns = s->start_ns < t->start_ns ? s->start_ns : t->start_ns;
    t->end_ns = s->end_ns > t->end_ns ? s->end_ns : t->end_ns;
    if (!t->root_batch && span_is_root(s)) {
        t->root_batch = b;
        t->root_span = i;
    }
    struct ot_state ot = ot_parse(span_trace_state(span_bytes(s)));
    if (ot.has_randomness)
        t->randomness = ot.randomness;
}

static void learn_heads(struct trace_summary *t, const struct batch *b)
{
    for (uint32_t i = 0; i < b->scope_count; i++)
        t->bytes += b->scopes[i].head.len + b->scopes[i].tail.len;
    for (uint32_t i = 0; i < b->resource_count; i++)
        t->bytes += b->resources[i].head.len + b->resources[i].tail.len;
}

struct sampling_decision simulation_decide(struct simulation *s, const struct batch *trace,
                                           uint64_t now_ns, bool *too_large)
{
    struct trace_summary t = {.start_ns = UINT64_MAX, .spans = trace->span_count, .bits = s->bits};
    memcpy(t.trace_id, trace->spans[0].trace_id, sizeof t.trace_id);
    t.randomness = trace_id_randomness(t.trace_id);
    memset(s->bits, 0, policy_set_words(s->policies) * sizeof s->bits[0]);
    learn_heads(&t, trace);
    policy_set_begin(s->policies, trace);
    for (uint32_t i = 0; i < trace->span_count; i++) {
        learn_span(&t, trace, i);
        policy_set_observe(s->policies, i, s->bits);
    }
    uint64_t limit = (uint64_t)s->settings.trace_bytes;
    *too_large = limit > 0 && t.bytes > limit;
    if (*too_large)
        return (struct sampling_decision){
            .verdict = SAMPLING_NOT_SAMPLED, .policy = UINT16_MAX, .sub_policy = UINT16_MAX};
    return policy_set_decide(s->policies, &t, s->settings.first_match, now_ns, NULL);
}
