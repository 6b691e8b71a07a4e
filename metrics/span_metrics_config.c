/* span_metrics' configuration: the Collector's keys, and `names`, `max_series` and `history`, which
 * are ours.
 *
 * Two defaults differ. aggregation_cardinality_limit is 10000 where the Collector has none, because
 * a sender of random span names would otherwise fill the memory; and max_series bounds all
 * resources together. */
#include "metrics/span_metrics_private.h"

#include "component/log.h"
#include "metrics/explicit.h"

#include <stdlib.h>
#include <string.h>

const char *const span_label_names[SPAN_LABELS + 1] = {
    "service.name", "span.name", "span.kind", "status.code", "collector.instance.id", NULL,
};

struct keys {
    const char *namespace;
    struct {
        bool disable;
        int unit;
        const struct config_value *explicit;
        const struct config_value *exponential;
        const struct config_value *dimensions;
    } histogram;
    const struct config_value *dimensions;
    const struct config_value *calls_dimensions;
    struct config_strings exclude;
    int temporality;
    int64_t flush_ns;
    int64_t metrics_expiration_ns;
    int64_t series_expiration_ns;
    int64_t resources;
    struct config_strings key_attributes;
    int64_t limit;
    int64_t timestamps;
    bool timestamps_present;
    struct {
        bool enabled;
        int64_t max;
    } exemplars;
    struct {
        bool enabled;
        const struct config_value *dimensions;
    } events;
    struct config_strings scopes;
    bool resource_attributes;
    bool resource_attributes_present;
    bool sampling_method;
    int64_t dimensions_cache;
    bool dimensions_cache_present;
    struct config_strings names;
    bool names_present;
    int64_t max_series;
    struct {
        bool enabled;
        int64_t step_ns;
        int64_t retention_ns;
        int64_t bytes;
    } history;
};

static const char *const units[] = {"ms", "s", NULL};
static const char *const temporalities[] = {"AGGREGATION_TEMPORALITY_CUMULATIVE",
                                            "AGGREGATION_TEMPORALITY_DELTA", NULL};

#define AT(member)       offsetof(struct keys, member)
#define IN(part, member) (offsetof(struct keys, part.member) - offsetof(struct keys, part))

static const struct config_field histogram_fields[] = {
    {.key = "disable", .type = FIELD_BOOL, .offset = IN(histogram, disable)},
    {.key = "unit", .type = FIELD_CHOICE, .offset = IN(histogram, unit), .choices = units},
    {.key = "explicit", .type = FIELD_VALUE, .offset = IN(histogram, explicit)},
    {.key = "exponential", .type = FIELD_VALUE, .offset = IN(histogram, exponential)},
    {.key = "dimensions", .type = FIELD_VALUE, .offset = IN(histogram, dimensions)},
    CONFIG_END,
};

static const struct config_field exemplar_fields[] = {
    {.key = "enabled", .type = FIELD_BOOL, .offset = IN(exemplars, enabled)},
    {.key = "max_per_data_point",
     .type = FIELD_INT,
     .offset = IN(exemplars, max),
     .fallback = "5",
     .max = EXEMPLARS_MAX},
    CONFIG_END,
};

static const struct config_field event_fields[] = {
    {.key = "enabled", .type = FIELD_BOOL, .offset = IN(events, enabled)},
    {.key = "dimensions", .type = FIELD_VALUE, .offset = IN(events, dimensions)},
    CONFIG_END,
};

static const struct config_field history_fields[] = {
    {.key = "enabled", .type = FIELD_BOOL, .offset = IN(history, enabled), .fallback = "true"},
    {.key = "step", .type = FIELD_DURATION, .offset = IN(history, step_ns), .fallback = "60s"},
    {.key = "retention",
     .type = FIELD_DURATION,
     .offset = IN(history, retention_ns),
     .fallback = "24h"},
    {.key = "max_bytes", .type = FIELD_SIZE, .offset = IN(history, bytes), .fallback = "32MiB"},
    CONFIG_END,
};

static const struct config_field fields[] = {
    {.key = "namespace",
     .type = FIELD_STRING,
     .offset = AT(namespace),
     .fallback = "traces.span.metrics"},
    {.key = "histogram",
     .type = FIELD_SECTION,
     .offset = AT(histogram),
     .section = histogram_fields},
    {.key = "dimensions", .type = FIELD_VALUE, .offset = AT(dimensions)},
    {.key = "calls_dimensions", .type = FIELD_VALUE, .offset = AT(calls_dimensions)},
    {.key = "exclude_dimensions", .type = FIELD_STRINGS, .offset = AT(exclude)},
    {.key = "aggregation_temporality",
     .type = FIELD_CHOICE,
     .offset = AT(temporality),
     .choices = temporalities},
    {.key = "metrics_flush_interval",
     .type = FIELD_DURATION,
     .offset = AT(flush_ns),
     .fallback = "60s"},
    {.key = "metrics_expiration", .type = FIELD_DURATION, .offset = AT(metrics_expiration_ns)},
    {.key = "series_expiration", .type = FIELD_DURATION, .offset = AT(series_expiration_ns)},
    {.key = "resource_metrics_cache_size",
     .type = FIELD_INT,
     .offset = AT(resources),
     .fallback = "1000",
     .min = 1,
     .max = 1000000},
    {.key = "resource_metrics_key_attributes", .type = FIELD_STRINGS, .offset = AT(key_attributes)},
    {.key = "aggregation_cardinality_limit",
     .type = FIELD_INT,
     .offset = AT(limit),
     .fallback = "10000",
     .max = INT32_MAX},
    {.key = "metric_timestamp_cache_size",
     .type = FIELD_INT,
     .offset = AT(timestamps),
     .fallback = "1000",
     .max = INT32_MAX,
     .present = AT(timestamps_present)},
    {.key = "exemplars",
     .type = FIELD_SECTION,
     .offset = AT(exemplars),
     .section = exemplar_fields},
    {.key = "events", .type = FIELD_SECTION, .offset = AT(events), .section = event_fields},
    {.key = "include_instrumentation_scope", .type = FIELD_STRINGS, .offset = AT(scopes)},
    {.key = "add_resource_attributes",
     .type = FIELD_BOOL,
     .offset = AT(resource_attributes),
     .present = AT(resource_attributes_present)},
    {.key = "enable_metrics_sampling_method", .type = FIELD_BOOL, .offset = AT(sampling_method)},
    {.key = "dimensions_cache_size",
     .type = FIELD_INT,
     .offset = AT(dimensions_cache),
     .max = INT32_MAX,
     .present = AT(dimensions_cache_present)},
    {.key = "names", .type = FIELD_STRINGS, .offset = AT(names), .present = AT(names_present)},
    {.key = "max_series",
     .type = FIELD_INT,
     .offset = AT(max_series),
     .fallback = "100000",
     .min = 1,
     .max = 100000000},
    {.key = "history", .type = FIELD_SECTION, .offset = AT(history), .section = history_fields},
    CONFIG_END,
};

/* ---- histograms ---- */

static bool read_exponential(struct span_metrics_settings *s, const struct config_value *v,
                             struct error *e)
{
    static const struct config_field size_field[] = {
        {.key = "max_size", .type = FIELD_INT, .fallback = "160", .max = EXPONENTIAL_SIZE_MAX},
        CONFIG_END,
    };
    int64_t size = 0;
    if (!config_read(v, size_field, &size, e))
        return false;
    s->max_size = size == 0                     ? EXPONENTIAL_SIZE_DEFAULT
                  : size < EXPONENTIAL_SIZE_MIN ? EXPONENTIAL_SIZE_MIN
                                                : (uint32_t)size;
    return true;
}

static bool read_explicit(struct span_metrics_settings *s, const struct config_value *v,
                          struct error *e)
{
    static const struct config_field buckets_field[] = {{.key = "buckets", .type = FIELD_VALUE},
                                                        CONFIG_END};
    const struct config_value *buckets = NULL;
    if (v && !config_read(v, buckets_field, &buckets, e))
        return false;
    if (buckets)
        return explicit_bounds_read(buckets, s->seconds ? 1000000000 : 1000000, &s->bounds,
                                    &s->bound_count, e);
    s->bounds = explicit_bounds_default(s->seconds, &s->bound_count);
    if (v)
        s->bound_count = 0; /* `explicit: {}` is one bucket, as the Collector's */
    return true;
}

static bool is_set(const struct config_value *v)
{
    return v && v->type != CONFIG_NULL;
}

static bool read_histogram(struct span_metrics_settings *s, const struct keys *k, struct error *e)
{
    s->seconds = k->histogram.unit == 1;
    s->no_histogram = k->histogram.disable;
    if (is_set(k->histogram.explicit) && is_set(k->histogram.exponential))
        return config_error(k->histogram.exponential, e,
                            "use either explicit or exponential buckets");
    if (k->histogram.exponential)
        return read_exponential(s, k->histogram.exponential, e);
    return read_explicit(s, is_set(k->histogram.explicit) ? k->histogram.explicit : NULL, e);
}

/* ---- dimensions ---- */

static bool is_empty(const struct config_value *list)
{
    return !list || !list->children;
}

static bool read_dimensions(struct span_metrics_settings *s, const struct keys *k, struct error *e)
{
    const struct config_value *own[STORES] = {k->calls_dimensions, k->histogram.dimensions,
                                              k->events.dimensions};
    for (unsigned i = 0; i < STORES; i++) {
        if (!dimension_list_read(&s->dimensions[i], &s->names_of_dimensions, k->dimensions,
                                 span_label_names, e) ||
            !dimension_list_read(&s->dimensions[i], &s->names_of_dimensions, own[i],
                                 span_label_names, e))
            return false;
    }
    s->split =
        !s->no_histogram && (!is_empty(k->calls_dimensions) || !is_empty(k->histogram.dimensions));
    return true;
}

static void read_excluded(struct span_metrics_settings *s, const struct keys *k, const char *id)
{
    for (size_t i = 0; i < k->exclude.count; i++) {
        unsigned l = 0;
        while (l < SPAN_LABELS && strcmp(k->exclude.items[i], span_label_names[l]) != 0)
            l++;
        if (l < SPAN_LABELS)
            s->excluded[l] = true;
        else
            log_warn(id, "exclude_dimensions names what is there only when dimensions add it",
                     LOG_S("dimension", k->exclude.items[i]));
    }
}

/* ---- ours ---- */

static bool read_names(struct span_metrics_settings *s, const struct keys *k,
                       const struct config_value *config, struct error *e)
{
    const struct config_value *v = config_child(config, "names");
    if (!k->names_present)
        s->names = NAMES_COLLECTOR;
    for (size_t i = 0; i < k->names.count; i++) {
        if (strcmp(k->names.items[i], "collector") == 0)
            s->names |= NAMES_COLLECTOR;
        else if (strcmp(k->names.items[i], "tempo") == 0)
            s->names |= NAMES_TEMPO;
        else
            return config_error(v, e, "there are no names \"%s\"; supported: collector, tempo",
                                k->names.items[i]);
    }
    if (s->names == 0)
        return config_error(v, e, "must have collector, tempo, or both");
    if (s->names & NAMES_TEMPO && s->max_size && !s->seconds)
        return config_error(v, e,
                            "tempo's durations are seconds, which exponential histograms of "
                            "milliseconds cannot be shown in: set histogram::unit to s");
    return true;
}

static bool read_history(struct span_metrics_settings *s, const struct keys *k,
                         const struct config_value *config, struct error *e)
{
    const struct config_value *v = config_child(config, "history");
    s->history = (struct history_settings){.enabled = k->history.enabled,
                                           .step_ns = (uint64_t)k->history.step_ns,
                                           .retention_ns = (uint64_t)k->history.retention_ns,
                                           .bytes = (size_t)k->history.bytes};
    if (k->history.step_ns < 1000000000)
        return config_error(v ? v : config, e, "step must be at least 1s");
    if (k->history.retention_ns < k->history.step_ns)
        return config_error(v ? v : config, e, "retention must be at least a step");
    if (k->history.retention_ns / k->history.step_ns > HISTORY_STEPS_MAX)
        return config_error(v ? v : config, e, "retention must be at most %d steps",
                            HISTORY_STEPS_MAX);
    if (k->history.bytes < 65536)
        return config_error(v ? v : config, e, "max_bytes must be at least 64KiB");
    return true;
}

/* ---- all of it ---- */

/* Deltas: the Collector forgets every series once it was sent. Here one goes when it has counted
 * nothing for two intervals, by when it was. */
static void set_limits(struct span_metrics_settings *s, const struct keys *k)
{
    s->delta = k->temporality == 1;
    s->flush_interval_ns = (uint64_t)k->flush_ns;
    s->resource_idle_ns = (uint64_t)k->metrics_expiration_ns;
    s->limits = (struct series_limits){.group = (uint32_t)k->limit,
                                       .store = (uint32_t)k->max_series,
                                       .idle_ns = (uint64_t)k->series_expiration_ns,
                                       .group_idle_ns = s->resource_idle_ns};
    if (s->delta && !s->limits.idle_ns)
        s->limits.idle_ns = 2 * s->flush_interval_ns;
    s->resources = (struct resource_settings){.limit = (uint32_t)k->resources,
                                              .key_attributes = k->key_attributes,
                                              .hidden = k->resource_attributes_present &&
                                                        !k->resource_attributes,
                                              .idle_ns = s->resource_idle_ns};
}

static void tell_what_does_nothing(const struct keys *k, const char *id)
{
    if (k->dimensions_cache_present)
        log_warn(id, "dimensions_cache_size is deprecated: aggregation_cardinality_limit and "
                     "max_series bound what is kept");
    if (k->timestamps_present)
        log_info(id, "metric_timestamp_cache_size bounds nothing here: a series has its own times");
}

bool span_metrics_configure(struct span_metrics_settings *s, const struct config_value *config,
                            const char *id, struct error *e)
{
    struct keys k = {0};
    if (!config_read(config, fields, &k, e))
        return false;
    s->namespace = k.namespace ? k.namespace : "";
    s->scopes = k.scopes;
    s->sampling_method = k.sampling_method;
    s->events = k.events.enabled;
    s->exemplars = k.exemplars.enabled ? (uint32_t)k.exemplars.max : 0;
    if (k.flush_ns == 0)
        return config_error(config_child(config, "metrics_flush_interval"), e,
                            "must be more than 0");
    if (k.temporality == 1 && k.timestamps == 0)
        return config_error(config_child(config, "metric_timestamp_cache_size"), e,
                            "must be more than 0 with deltas");
    if (s->events && is_empty(k.events.dimensions))
        return config_error(config_child(config, "events"), e,
                            "events need dimensions to tell them apart by");
    set_limits(s, &k);
    if (!read_histogram(s, &k, e) || !read_dimensions(s, &k, e) || !read_names(s, &k, config, e) ||
        !read_history(s, &k, config, e))
        return false;
    read_excluded(s, &k, id);
    tell_what_does_nothing(&k, id);
    return true;
}
