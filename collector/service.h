/* The `service:` section, and names of components: what the graph is built from. */
#ifndef TAILSPAN_COLLECTOR_SERVICE_H
#define TAILSPAN_COLLECTOR_SERVICE_H

#include "component/component.h"
#include "component/config.h"

enum {
    PIPELINES_MAX = 64,
    PIPELINE_ITEMS_MAX = 64, /* receivers, processors or exporters of one pipeline */
};

/* A list of component ids in a pipeline, with their places for errors. */
struct id_list {
    const struct config_value *items[PIPELINE_ITEMS_MAX];
    size_t count;
};

struct pipeline_config {
    bool metrics; /* else it is a traces pipeline */
    struct id_list receivers;
    struct id_list processors;
    struct id_list exporters;
};

struct service_config {
    struct id_list extensions;
    struct pipeline_config pipelines[PIPELINES_MAX];
    size_t pipeline_count;
    const char *metrics_endpoint; /* of own telemetry; NULL: off */
    int log_level;                /* enum log_level */
    int log_encoding;             /* enum log_format */
    int64_t lanes;                /* 0: by the machine */
    int64_t drain_timeout_ns;
};

/* Reads and checks everything outside of the components' own keys: top-level sections, types, the
 * service section. */
bool service_read(const struct config_value *root, struct service_config *out, struct error *e);

/* The configuration of a component, by class and id; NULL when it has none. */
const struct config_value *service_component(const struct config_value *root,
                                             enum component_class class, const char *id);

/* The kind that an id names: "otlp/jaeger" is of type otlp. */
const struct component_kind *service_kind(enum component_class class, const char *id);

#endif
