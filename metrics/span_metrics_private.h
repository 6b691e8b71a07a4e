/* What the files of span_metrics share: its state, and what each of them does with it. */
#ifndef TAILSPAN_METRICS_SPAN_METRICS_PRIVATE_H
#define TAILSPAN_METRICS_SPAN_METRICS_PRIVATE_H

#include "component/component.h"
#include "component/config.h"
#include "component/metric.h"
#include "component/telemetry.h"
#include "metrics/adjusted.h"
#include "metrics/dimensions.h"
#include "metrics/history_keeper.h"
#include "metrics/resource_set.h"
#include "metrics/series.h"

/* Labels that every series has, unless they are excluded. */
enum span_label {
    LABEL_SERVICE_NAME,
    LABEL_SPAN_NAME,
    LABEL_SPAN_KIND,
    LABEL_STATUS_CODE,
    LABEL_INSTANCE_ID,
    SPAN_LABELS,
};

extern const char *const span_label_names[SPAN_LABELS + 1]; /* ends with NULL */

/* Stores. Calls and durations share one unless their dimensions differ. */
enum { STORE_CALLS, STORE_DURATIONS, STORE_EVENTS, STORES };

enum { EXEMPLARS_MAX = 100 }; /* of a series */

enum { NAMES_COLLECTOR = 1, NAMES_TEMPO = 2 };

struct span_metrics_settings {
    const char *namespace;
    unsigned names; /* of NAMES_ */
    bool seconds;
    bool no_histogram;
    double *bounds; /* in the unit */
    uint32_t bound_count;
    uint32_t max_size; /* of exponential histograms; 0: explicit */
    bool excluded[SPAN_LABELS];
    bool delta;
    uint64_t flush_interval_ns;
    uint64_t resource_idle_ns;
    struct series_limits limits;
    struct resource_settings resources;
    uint32_t exemplars; /* of a series; 0: none */
    bool events;
    struct config_strings scopes; /* that are told */
    bool sampling_method;
    struct dimension_names names_of_dimensions;
    struct dimension_list dimensions[STORES];
    bool split; /* durations have a store of their own */
    struct history_settings history;
};

/* One metric as it is shown: whose series, and in which spelling. */
struct span_family {
    unsigned store;
    bool durations;
    bool tempo;
};

enum { SPAN_FAMILIES = 5 };

struct span_metrics {
    struct component component;
    struct span_metrics_settings settings;
    struct metric_source source;
    struct metric_family families[SPAN_FAMILIES];
    struct span_family shown[SPAN_FAMILIES];
    double *bounds_in_seconds;
    struct history *history; /* NULL: none is kept */
    struct counter *overflowed;
    struct counter *lost;

    struct series_lock lock; /* guards all below */
    struct resource_set resources;
    struct series_store stores[STORES];
    struct adjusted_counts adjusted;
    struct dimension_writer keys;
    bool told_overflow;
};

/* Reads the configuration. */
bool span_metrics_configure(struct span_metrics_settings *s, const struct config_value *config,
                            const char *id, struct error *e);

/* Fills in the source: families, names, how they are shown. False: out of memory. */
bool span_metrics_source_init(struct span_metrics *m);
void span_metrics_source_free(struct span_metrics *m);

extern const struct component_ops span_metrics_ops;

#endif
