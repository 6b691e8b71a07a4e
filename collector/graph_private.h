/* What graph.c and graph_metrics.c share: the nodes of the graph. */
#ifndef TAILSPAN_COLLECTOR_GRAPH_PRIVATE_H
#define TAILSPAN_COLLECTOR_GRAPH_PRIVATE_H

#include "collector/graph.h"

#include <stdatomic.h>

enum { NODES_MAX = PIPELINES_MAX * PIPELINE_ITEMS_MAX };

struct node {
    struct component *component;
    enum component_class class;
    const char *id;
    struct component *fanout; /* owned; between this component and its consumers, if several */
    struct node **outputs;
    size_t output_count;
    struct node **metric_outputs; /* exporters that ask this one for its metrics */
    size_t metric_output_count;
    bool visited;
    bool on_path; /* while ordering: seeing it again means a cycle */
    bool started;
};

struct graph {
    struct graph_options options;
    struct node *nodes[NODES_MAX]; /* after ordering: suppliers before consumers */
    size_t count;
    struct hop_routes *hops; /* while it runs */
    atomic_int phase;
    atomic_uint_fast64_t started_ns;
};

/* NULL: there is none yet. Of a processor, which may be in several pipelines, the first. */
struct node *graph_find_node(struct graph *g, enum component_class class, const char *id);

/* The node of a component that exists once, made when it is not there yet. */
struct node *graph_shared_node(struct graph *g, enum component_class class, const char *id,
                               struct error *e);

/* Connects the sources of a metrics pipeline to its exporters. After all traces pipelines. */
bool graph_build_metrics(struct graph *g, const struct pipeline_config *p, struct error *e);

/* Whether a metrics pipeline names this processor. */
bool graph_metrics_processor(const struct graph *g, const char *id);

#endif
