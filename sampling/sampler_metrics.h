/* Tail sampling's own telemetry, under the Collector's names; its labels too, so samplers of one
 * process add up. Any thread. */
#ifndef TAILSPAN_SAMPLING_SAMPLER_METRICS_H
#define TAILSPAN_SAMPLING_SAMPLER_METRICS_H

#include "component/processor_metrics.h"
#include "component/telemetry.h"
#include "sampling/policy.h"

#define HISTOGRAM_BUCKETS_MAX 24

/* Counters named as a Prometheus histogram's series. Values are whole units. */
struct sampler_histogram {
    const uint32_t *bounds;
    unsigned count;
    struct counter *buckets[HISTOGRAM_BUCKETS_MAX]; /* the last is +Inf */
    struct counter *sum;
    struct counter *observations;
};

struct sampler_metrics {
    struct policy_counters {
        struct counter *verdicts[3]; /* by verdict: not sampled, sampled, dropped */
        struct counter *spans[3];    /* of the traces, likewise */
        struct counter *bytes[3];
        struct counter *executions;
        struct counter *time_us;
    } * policies;
    unsigned policy_count;

    struct counter *traces[3]; /* by verdict */
    struct counter *early_releases[2];
    struct counter *new_traces;
    struct counter *evaluation_errors;
    struct counter *decided_early;
    struct counter *too_large;
    struct counter *kept_by_journey;
    struct counter *held_for_journey;
    struct processor_items items;
    struct sampler_histogram timer_latency_ms;
    struct sampler_histogram late_span_age_s;
    struct sampler_histogram removal_age_s;

    /* spans that are lost after all */
    struct counter *lost_rejected;
    struct counter *lost_memory;
    struct counter *lost_shutdown;
};

/* Metrics of a processor and its policies. False: out of memory. */
bool sampler_metrics_init(struct sampler_metrics *m, struct telemetry *t, const char *component_id,
                          const struct policy_set *policies);
void sampler_metrics_free(struct sampler_metrics *m);

void histogram_observe(struct sampler_histogram *h, uint64_t value);

#endif
