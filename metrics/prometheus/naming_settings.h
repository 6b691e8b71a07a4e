/* The keys about names that exporters for Prometheus share. */
#ifndef TAILSPAN_METRICS_PROMETHEUS_NAMING_SETTINGS_H
#define TAILSPAN_METRICS_PROMETHEUS_NAMING_SETTINGS_H

#include "component/config.h"
#include "metrics/prometheus/naming.h"

struct naming_settings {
    const char *namespace;
    bool add_metric_suffixes;
    int strategy; /* index into naming_strategies; its first is "", as add_metric_suffixes says */
};

extern const char *const naming_strategies[];

#define NAMING_KEYS(struct_, member)                                                               \
    {.key = "namespace", .type = FIELD_STRING, .offset = offsetof(struct_, member.namespace)},     \
        {.key = "add_metric_suffixes",                                                             \
         .type = FIELD_BOOL,                                                                       \
         .offset = offsetof(struct_, member.add_metric_suffixes),                                  \
         .fallback = "true"},                                                                      \
    {                                                                                              \
        .key = "translation_strategy", .type = FIELD_CHOICE,                                       \
        .offset = offsetof(struct_, member.strategy), .fallback = "", .choices = naming_strategies \
    }

struct naming naming_of_settings(const struct naming_settings *s);

/* Whether every key of a map of labels (const_labels, external_labels) can be made a label's name,
 * as those of attributes are. */
bool naming_check_labels(const struct config_pairs *labels, const struct config_value *place,
                         struct error *e);

#endif
