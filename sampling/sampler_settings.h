/* The keys of a tail_sampling processor. */
#ifndef TAILSPAN_SAMPLING_SAMPLER_SETTINGS_H
#define TAILSPAN_SAMPLING_SAMPLER_SETTINGS_H

#include "component/config.h"

#include <stdbool.h>

enum sampling_strategy {
    STRATEGY_TRACE_COMPLETE,
    STRATEGY_SPAN_INGEST,
};

struct sampler_settings {
    const struct config_value *policies;
    int64_t decision_wait_ns;
    int64_t after_root_ns;
    int64_t num_traces;
    int64_t expected_new_traces_per_sec;
    bool block_on_overflow;
    struct {
        int64_t sampled;
        int64_t non_sampled;
    } cache;
    bool first_match;
    int strategy; /* enum sampling_strategy */
    bool drop_pending;
    int64_t trace_bytes;
    int64_t num_shards;
    const struct config_value *tail_storage;
    bool consistent;
    bool record_policy;
    int64_t memory_bytes;
    int64_t explanation_bytes;
    struct {
        bool enabled;
        int64_t max_hold_ns;
        int64_t max_traces;
    } journeys;
};

/* Reads them from a processor's section. False with `e` set when one is wrong, or two do not go
 * together. */
bool sampler_settings_read(const struct config_value *config, struct sampler_settings *out,
                           struct error *e);

#endif
