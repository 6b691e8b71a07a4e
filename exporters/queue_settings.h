/* The sections that every sending exporter has: sending_queue and retry_on_failure.
 *
 * Keys and defaults are those of the Collector's exporterhelper. */
#ifndef TAILSPAN_EXPORTERS_QUEUE_SETTINGS_H
#define TAILSPAN_EXPORTERS_QUEUE_SETTINGS_H

#include "component/component.h"
#include "component/config.h"

enum queue_sizer {
    SIZER_REQUESTS,
    SIZER_ITEMS, /* spans */
    SIZER_BYTES, /* of the framed request */
};

struct retry_settings {
    bool enabled;
    int64_t initial_interval_ns;
    int64_t max_interval_ns;
    int64_t max_elapsed_time_ns; /* 0: for ever */
    double multiplier;
    double randomization_factor; /* 0 to 1 */
};

struct queue_settings {
    bool enabled;
    int64_t num_consumers;
    int64_t queue_size;
    int sizer; /* enum queue_sizer */
    bool block_on_overflow;
    bool wait_for_result;
    const struct config_value *storage; /* not supported: queue_settings_check() refuses it */
    struct {
        bool present;
        int64_t flush_timeout_ns; /* 0: never wait */
        int64_t min_size;
        int64_t max_size; /* 0: none */
        int sizer;        /* SIZER_ITEMS or SIZER_BYTES */
    } batch;
};

/* For the exporters' own tables, as FIELD_SECTIONs. */
extern const struct config_field retry_fields[];
extern const struct config_field queue_fields[];

/* What a table cannot check: keys that depend on each other, and those that are not supported.
 * `config` is the exporter's, for the error's place. */
bool retry_settings_check(const struct retry_settings *s, const struct config_value *config,
                          struct error *e);
bool queue_settings_check(const struct queue_settings *s, const struct config_value *config,
                          struct error *e);

/* Lets a `batch` processor in front decide, where sending_queue::batch does not. */
void queue_settings_adopt_batch(struct queue_settings *s, const struct batch_settings *batch);

#endif
