#include "sampling/sampler_settings.h"

enum { SHARDS_MAX = 256 };

static const char *const strategies[] = {"trace-complete", "span-ingest", NULL};

#define CACHE(key_, member_)                                                                       \
    {                                                                                              \
        .key = key_, .type = FIELD_INT,                                                            \
        .offset = offsetof(struct sampler_settings, cache.member_) -                               \
                  offsetof(struct sampler_settings, cache),                                        \
        .min = 0, .max = INT32_MAX                                                                 \
    }
static const struct config_field cache_fields[] = {
    CACHE("sampled_cache_size", sampled),
    CACHE("non_sampled_cache_size", non_sampled),
    CONFIG_END,
};

#define JOURNEYS(key_, type_, member_, ...)                                                        \
    {                                                                                              \
        .key = key_, .type = type_,                                                                \
        .offset = offsetof(struct sampler_settings, journeys.member_) -                            \
                  offsetof(struct sampler_settings, journeys),                                     \
        __VA_ARGS__                                                                                \
    }
static const struct config_field journey_fields[] = {
    JOURNEYS("enabled", FIELD_BOOL, enabled, .fallback = "true"),
    JOURNEYS("max_hold", FIELD_DURATION, max_hold_ns, .fallback = "60s"),
    JOURNEYS("max_traces", FIELD_INT, max_traces, .fallback = "1000", .min = 2, .max = 1000000),
    CONFIG_END,
};

#define FIELD(key_, type_, member_, ...)                                                           \
    {                                                                                              \
        .key = key_, .type = type_, .offset = offsetof(struct sampler_settings, member_),          \
        __VA_ARGS__                                                                                \
    }
static const struct config_field fields[] = {
    FIELD("policies", FIELD_VALUE, policies),
    FIELD("decision_wait", FIELD_DURATION, decision_wait_ns, .fallback = "30s"),
    FIELD("decision_wait_after_root_received", FIELD_DURATION, after_root_ns),
    FIELD("num_traces", FIELD_INT, num_traces, .fallback = "50000", .min = 1, .max = 1 << 28),
    FIELD("expected_new_traces_per_sec", FIELD_INT, expected_new_traces_per_sec, .min = 0,
          .max = INT32_MAX),
    FIELD("block_on_overflow", FIELD_BOOL, block_on_overflow),
    FIELD("decision_cache", FIELD_SECTION, cache, .section = cache_fields),
    FIELD("sample_on_first_match", FIELD_BOOL, first_match),
    FIELD("sampling_strategy", FIELD_CHOICE, strategy, .choices = strategies,
          .fallback = "trace-complete"),
    FIELD("drop_pending_traces_on_shutdown", FIELD_BOOL, drop_pending),
    FIELD("maximum_trace_size_bytes", FIELD_INT, trace_bytes, .min = 0, .max = INT64_MAX),
    FIELD("num_shards", FIELD_INT, num_shards, .fallback = "1", .min = 1, .max = SHARDS_MAX),
    FIELD("tail_storage", FIELD_VALUE, tail_storage),
    FIELD("consistent_probability", FIELD_BOOL, consistent),
    FIELD("record_policy", FIELD_BOOL, record_policy, .fallback = "true"),
    FIELD("decision_memory_bytes", FIELD_SIZE, memory_bytes, .fallback = "96MB"),
    FIELD("explanation_bytes", FIELD_SIZE, explanation_bytes, .fallback = "8MiB"),
    FIELD("journeys", FIELD_SECTION, journeys, .section = journey_fields),
    CONFIG_END,
};

bool sampler_settings_read(const struct config_value *config, struct sampler_settings *c,
                           struct error *e)
{
    if (!config_read(config, fields, c, e))
        return false;
    if (!c->policies)
        return config_error(config, e, "policies must be given");
    if (c->tail_storage)
        return config_error(c->tail_storage, e,
                            "is not supported: waiting spans are held in memory");
    if (c->consistent && c->first_match)
        return config_error(config, e,
                            "consistent_probability needs every policy's vote; it does not go "
                            "with sample_on_first_match");
    if (c->consistent && c->strategy == STRATEGY_SPAN_INGEST)
        return config_error(
            config, e,
            "consistent_probability needs every policy's vote on the whole trace; it "
            "does not go with span-ingest");
    return true;
}
