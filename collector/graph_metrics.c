/* Metrics pipelines: no spans flow in them. An exporter is told its sources once, and asks them
 * when it wants to know (component/metric.h).
 *
 * Sources are connectors that make metrics, and, as an addition to the Collector's schema,
 * processors that do. The processors of a metrics pipeline may be memory_limiter and batch, which
 * configurations have there from habit and which have nothing to do where nothing waits. */
#include "collector/graph_private.h"
#include "processors/processors.h"

#include <stdlib.h>
#include <string.h>

static bool check_processors(const struct pipeline_config *p, struct error *e)
{
    for (size_t i = 0; i < p->processors.count; i++) {
        const struct config_value *item = p->processors.items[i];
        const struct component_kind *kind = service_kind(COMPONENT_PROCESSOR, item->text);
        if (kind != &batch_processor && kind != &memory_limiter_processor)
            return config_error(item, e,
                                "\"%s\" does not process metrics; supported: batch, memory_limiter",
                                item->text);
    }
    return true;
}

bool graph_metrics_processor(const struct graph *g, const char *id)
{
    const struct service_config *s = g->options.service;
    for (size_t i = 0; i < s->pipeline_count; i++) {
        const struct id_list *ids = &s->pipelines[i].processors;
        for (size_t k = 0; s->pipelines[i].metrics && k < ids->count; k++) {
            if (strcmp(ids->items[k]->text, id) == 0)
                return true;
        }
    }
    return false;
}

static bool already_connected(const struct node *source, const struct node *exporter)
{
    for (size_t i = 0; i < source->metric_output_count; i++) {
        if (source->metric_outputs[i] == exporter)
            return true;
    }
    return false;
}

static bool connect_source(struct node *source, struct node *exporter, struct error *e)
{
    if (already_connected(source, exporter))
        return true;
    struct node **outputs =
        realloc(source->metric_outputs, (source->metric_output_count + 1) * sizeof *outputs);
    if (!outputs)
        return error_set(e, "out of memory");
    source->metric_outputs = outputs;
    outputs[source->metric_output_count++] = exporter;
    struct metric_source *metrics = source->component->ops->metrics(source->component);
    return exporter->component->ops->take_metrics(exporter->component, metrics) ||
           error_set(e, "out of memory");
}

/* Connects every source of this name: a connector, or a processor in each pipeline that has it. */
static bool connect_sources(struct graph *g, const struct config_value *item, struct node *exporter,
                            struct error *e)
{
    bool found = false;
    for (size_t i = 0; i < g->count; i++) {
        struct node *n = g->nodes[i];
        bool source = n->class == COMPONENT_CONNECTOR || n->class == COMPONENT_PROCESSOR;
        if (!source || !n->component->ops->metrics || strcmp(n->id, item->text) != 0)
            continue;
        found = true;
        if (!connect_source(n, exporter, e))
            return false;
    }
    return found || config_error(item, e,
                                 "\"%s\" is not a connector or processor of a traces pipeline that "
                                 "makes metrics",
                                 item->text);
}

bool graph_build_metrics(struct graph *g, const struct pipeline_config *p, struct error *e)
{
    if (!check_processors(p, e))
        return false;
    for (size_t i = 0; i < p->exporters.count; i++) {
        const struct config_value *item = p->exporters.items[i];
        struct node *exporter = graph_shared_node(g, COMPONENT_EXPORTER, item->text, e);
        if (!exporter)
            return false;
        if (!exporter->component->ops->take_metrics)
            return config_error(item, e, "\"%s\" does not take metrics", item->text);
        for (size_t r = 0; r < p->receivers.count; r++) {
            if (!connect_sources(g, p->receivers.items[r], exporter, e))
                return false;
        }
    }
    return true;
}
