#include "sampling/sampler_metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "otelcol_processor_tail_sampling_"

static const uint32_t latency_bounds[] = {1,    2,    5,    10,    25,    50,    75,   100,
                                          150,  200,  300,  400,   500,   750,   1000, 2000,
                                          3000, 4000, 5000, 10000, 20000, 30000, 50000};
static const uint32_t age_bounds[] = {0,   5,   10,   25,   50,   75,   100,  250,
                                      500, 750, 1000, 2500, 5000, 7500, 10000};

static void histogram_init(struct sampler_histogram *h, struct telemetry *t, const char *name,
                           const char *help, const uint32_t *bounds, unsigned count)
{
    char series[128];
    char le[16];
    *h = (struct sampler_histogram){.bounds = bounds, .count = count};
    snprintf(series, sizeof series, "%s_bucket", name);
    for (unsigned i = 0; i <= count; i++) {
        snprintf(le, sizeof le, "%u", i < count ? bounds[i] : 0);
        h->buckets[i] = telemetry_counter(t, series, help, LABELS({"le", i < count ? le : "+Inf"}));
    }
    snprintf(series, sizeof series, "%s_sum", name);
    h->sum = telemetry_counter(t, series, help, NULL);
    snprintf(series, sizeof series, "%s_count", name);
    h->observations = telemetry_counter(t, series, help, NULL);
}

void histogram_observe(struct sampler_histogram *h, uint64_t value)
{
    unsigned i = 0;
    while (i < h->count && value > h->bounds[i])
        i++;
    for (; i <= h->count; i++)
        counter_add(h->buckets[i], 1);
    counter_add(h->sum, value);
    counter_add(h->observations, 1);
}

static const char *const decisions[] = {
    [SAMPLING_NOT_SAMPLED] = "not_sampled",
    [SAMPLING_SAMPLED] = "sampled",
    [SAMPLING_DROPPED] = "dropped",
};

static const char *sampled(unsigned verdict)
{
    return verdict == SAMPLING_SAMPLED ? "true" : "false";
}

/* The Collector puts the component's own name before the policy's. */
static void init_policy(struct policy_counters *p, struct telemetry *t, const char *component_id,
                        const char *policy)
{
    char name[512];
    const char *slash = strchr(component_id, '/');
    snprintf(name, sizeof name, "%s%s%s", slash ? slash + 1 : "", slash ? "." : "", policy);
    for (unsigned v = 0; v < 3; v++) {
        const struct label *labels =
            LABELS({"policy", name}, {"sampled", sampled(v)}, {"decision", decisions[v]});
        p->verdicts[v] =
            telemetry_counter(t, PREFIX "count_traces_sampled",
                              "Traces that were sampled or not, for each sampling policy.", labels);
        p->spans[v] =
            telemetry_counter(t, PREFIX "count_spans_sampled",
                              "Spans that were sampled or not, for each sampling policy.", labels);
        p->bytes[v] =
            telemetry_counter(t, PREFIX "count_bytes_sampled",
                              "Bytes that were sampled or not, for each sampling policy.", labels);
    }
    p->time_us = telemetry_counter(t, PREFIX "sampling_policy_execution_time_sum",
                                   "Time (us) that evaluations of a sampling policy took.",
                                   LABELS({"policy", name}));
    p->executions =
        telemetry_counter(t, PREFIX "sampling_policy_execution_count",
                          "Evaluations of a sampling policy.", LABELS({"policy", name}));
}

static struct counter *lost(struct telemetry *t, const char *id, const char *reason)
{
    return telemetry_counter(t, "tailspan_tail_sampling_lost_spans",
                             "Spans accepted by a tail sampler that could not be handed on.",
                             LABELS({"processor", id}, {"reason", reason}));
}

static void init_totals(struct sampler_metrics *m, struct telemetry *t, const char *id)
{
    for (unsigned v = 0; v < 3; v++)
        m->traces[v] =
            telemetry_counter(t, PREFIX "global_count_traces_sampled", "Traces by their decision.",
                              LABELS({"sampled", sampled(v)}, {"decision", decisions[v]}));
    for (unsigned v = 0; v < 2; v++)
        m->early_releases[v] =
            telemetry_counter(t, PREFIX "early_releases_from_cache_decision",
                              "Late spans that followed the decision of their trace.",
                              LABELS({"sampled", sampled(v)}));
    m->new_traces =
        telemetry_counter(t, PREFIX "new_trace_id_received", "Traces that began to wait.", NULL);
    m->evaluation_errors = telemetry_counter(t, PREFIX "sampling_policy_evaluation_error",
                                             "Errors in sampling policies.", NULL);
    telemetry_counter(t, PREFIX "sampling_trace_dropped_too_early",
                      "Traces dropped before they were decided: none, they are decided early.",
                      NULL);
    m->decided_early = telemetry_counter(t, "tailspan_tail_sampling_decided_early",
                                         "Traces decided before their time, at num_traces.",
                                         LABELS({"processor", id}));
    m->too_large =
        telemetry_counter(t, PREFIX "traces_dropped_too_large",
                          "Traces not sampled because of maximum_trace_size_bytes.", NULL);
    m->kept_by_journey =
        telemetry_counter(t, "tailspan_tail_sampling_kept_by_journey",
                          "Traces that no policy wanted, kept with the rest of their journey.",
                          LABELS({"processor", id}));
    m->held_for_journey =
        telemetry_counter(t, "tailspan_tail_sampling_held_for_journey",
                          "Traces that no policy wanted, held until their journey was decided.",
                          LABELS({"processor", id}));
    m->items = processor_items(t, id);
    m->lost_rejected = lost(t, id, "rejected");
    m->lost_memory = lost(t, id, "out_of_memory");
    m->lost_shutdown = lost(t, id, "shutdown");
}

bool sampler_metrics_init(struct sampler_metrics *m, struct telemetry *t, const char *component_id,
                          const struct policy_set *policies)
{
    m->policy_count = policy_set_count(policies);
    m->policies = calloc(m->policy_count + 1, sizeof *m->policies);
    if (!m->policies)
        return false;
    for (unsigned i = 0; i < m->policy_count; i++)
        init_policy(&m->policies[i], t, component_id, policy_set_name(policies, i));
    init_totals(m, t, component_id);
    histogram_init(&m->timer_latency_ms, t, PREFIX "sampling_decision_timer_latency",
                   "Time (ms) that the decisions due at one time took.", latency_bounds,
                   sizeof latency_bounds / sizeof latency_bounds[0]);
    histogram_init(&m->late_span_age_s, t, PREFIX "sampling_late_span_age",
                   "Time (s) from a trace's decision to its late spans.", age_bounds,
                   sizeof age_bounds / sizeof age_bounds[0]);
    histogram_init(&m->removal_age_s, t, PREFIX "sampling_trace_removal_age",
                   "Time (s) that a trace waited.", age_bounds,
                   sizeof age_bounds / sizeof age_bounds[0]);
    return true;
}

void sampler_metrics_free(struct sampler_metrics *m)
{
    free(m->policies);
}
