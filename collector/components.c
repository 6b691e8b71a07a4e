#include "collector/components.h"

#include "collector/forward.h"
#include "collector/health.h"
#include "exporters/exporters.h"
#include "metrics/metrics.h"
#include "metrics/prometheus/prometheus.h"
#include "processors/kafka_hops/hops.h"
#include "processors/processors.h"
#include "processors/scrub/scrub.h"
#include "query/query.h"
#include "receivers/receivers.h"
#include "sampling/sampling.h"
#include "storage/sqlite_exporter.h"

#include <string.h>

const struct component_kind *const component_kinds[] = {
    &otlp_receiver,
    &attributes_processor,
    &batch_processor,
    &filter_processor,
    &kafka_hops_processor,
    &memory_limiter_processor,
    &probabilistic_sampler_processor,
    &redaction_processor,
    &resource_processor,
    &scrub_processor,
    &tail_sampling_processor,
    &forward_connector,
    &service_graph_connector,
    &span_metrics_connector,
    &debug_exporter,
    &file_exporter,
    &nop_exporter,
    &otlp_grpc_exporter,
    &otlp_http_exporter,
    &prometheus_exporter,
    &prometheus_remote_write_exporter,
    &sqlite_exporter,
    &health_check_extension,
    &query_extension,
    NULL,
};

static bool names(const char *name, const char *type, size_t len)
{
    return name && strlen(name) == len && memcmp(name, type, len) == 0;
}

const struct component_kind *components_find(enum component_class class, const char *type,
                                             size_t type_len)
{
    for (size_t i = 0; component_kinds[i]; i++) {
        const struct component_kind *k = component_kinds[i];
        if (k->class == class &&
            (names(k->type, type, type_len) || names(k->alias, type, type_len)))
            return k;
    }
    return NULL;
}
