#include "exporters/queue_settings.h"

static const char *const queue_sizers[] = {"requests", "items", "bytes", NULL};

/* The Collector has no batch sizer "requests"; the first name keeps the indices of both alike. */
static const char *const batch_sizers[] = {"", "items", "bytes", NULL};

#define RETRY(key_, member, type_, ...)                                                            \
    {                                                                                              \
        .key = #key_, .type = type_, .offset = offsetof(struct retry_settings, member),            \
        __VA_ARGS__                                                                                \
    }
const struct config_field retry_fields[] = {
    RETRY(enabled, enabled, FIELD_BOOL, .fallback = "true"),
    RETRY(initial_interval, initial_interval_ns, FIELD_DURATION, .fallback = "5s"),
    RETRY(max_interval, max_interval_ns, FIELD_DURATION, .fallback = "30s"),
    RETRY(max_elapsed_time, max_elapsed_time_ns, FIELD_DURATION, .fallback = "300s"),
    RETRY(multiplier, multiplier, FIELD_DOUBLE, .fallback = "1.5"),
    RETRY(randomization_factor, randomization_factor, FIELD_DOUBLE, .fallback = "0.5"),
    CONFIG_END,
};

#define BATCH(key_, member, type_, ...)                                                            \
    {                                                                                              \
        .key = #key_, .type = type_,                                                               \
        .offset = offsetof(struct queue_settings, batch.member) -                                  \
                  offsetof(struct queue_settings, batch),                                          \
        __VA_ARGS__                                                                                \
    }
static const struct config_field batch_fields[] = {
    BATCH(flush_timeout, flush_timeout_ns, FIELD_DURATION, .fallback = "200ms"),
    BATCH(min_size, min_size, FIELD_INT, .fallback = "8192", .min = 0, .max = 1 << 30),
    BATCH(max_size, max_size, FIELD_INT, .fallback = "0", .min = 0, .max = 1 << 30),
    BATCH(sizer, sizer, FIELD_CHOICE, .fallback = "items", .choices = batch_sizers),
    CONFIG_END,
};

#define QUEUE(key_, member, type_, ...)                                                            \
    {                                                                                              \
        .key = #key_, .type = type_, .offset = offsetof(struct queue_settings, member),            \
        __VA_ARGS__                                                                                \
    }
const struct config_field queue_fields[] = {
    QUEUE(enabled, enabled, FIELD_BOOL, .fallback = "true"),
    QUEUE(num_consumers, num_consumers, FIELD_INT, .fallback = "10", .min = 1, .max = 10000),
    QUEUE(queue_size, queue_size, FIELD_INT, .fallback = "1000", .min = 1, .max = 1LL << 40),
    QUEUE(sizer, sizer, FIELD_CHOICE, .fallback = "requests", .choices = queue_sizers),
    QUEUE(block_on_overflow, block_on_overflow, FIELD_BOOL),
    QUEUE(wait_for_result, wait_for_result, FIELD_BOOL),
    QUEUE(storage, storage, FIELD_VALUE),
    QUEUE(batch, batch, FIELD_SECTION, .section = batch_fields,
          .present = offsetof(struct queue_settings, batch.present)),
    CONFIG_END,
};

/* The written value of section::key, or the nearest thing above it. */
static const struct config_value *place(const struct config_value *config, const char *section,
                                        const char *key)
{
    const struct config_value *s = config_child(config, section);
    const struct config_value *k = config_child(s, key);
    return k ? k : s ? s : config;
}

bool retry_settings_check(const struct retry_settings *s, const struct config_value *config,
                          struct error *e)
{
    if (!(s->randomization_factor >= 0 && s->randomization_factor <= 1))
        return config_error(place(config, "retry_on_failure", "randomization_factor"), e,
                            "must be from 0 to 1");
    if (!(s->multiplier >= 1 && s->multiplier <= 1000))
        return config_error(place(config, "retry_on_failure", "multiplier"), e,
                            "must be from 1 to 1000");
    return true;
}

bool queue_settings_check(const struct queue_settings *s, const struct config_value *config,
                          struct error *e)
{
    if (s->storage)
        return config_error(s->storage, e,
                            "a persistent queue is not supported yet; without `storage` the queue "
                            "is in memory");
    if (!s->batch.present)
        return true;
    const struct config_value *batch = place(config, "sending_queue", "batch");
    if (s->batch.sizer == SIZER_REQUESTS)
        return config_error(batch, e, "sizer must be items or bytes");
    if (s->batch.max_size > 0 && s->batch.max_size < s->batch.min_size)
        return config_error(batch, e, "max_size %lld is less than min_size %lld",
                            (long long)s->batch.max_size, (long long)s->batch.min_size);
    if (s->batch.flush_timeout_ns == 0)
        return config_error(batch, e, "flush_timeout must be more than 0");
    return true;
}

void queue_settings_adopt_batch(struct queue_settings *s, const struct batch_settings *batch)
{
    if (s->batch.present || !batch->present)
        return;
    s->batch.present = true;
    s->batch.flush_timeout_ns = (int64_t)batch->timeout_ns;
    s->batch.min_size = batch->timeout_ns ? batch->min_spans : 0;
    s->batch.max_size = batch->max_spans;
    s->batch.sizer = SIZER_ITEMS;
}
