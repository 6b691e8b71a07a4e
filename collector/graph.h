/* The pipeline graph: components made from the configuration, connected, started and ended.
 *
 * Receivers, connectors, exporters and extensions exist once each; processors once a pipeline, as
 * in the Collector. Nodes are kept in an order in which everything comes before what it hands spans
 * to: drained in that order, started against it. Main thread, except for graph_each. */
#ifndef TAILSPAN_COLLECTOR_GRAPH_H
#define TAILSPAN_COLLECTOR_GRAPH_H

#include "collector/service.h"
#include "component/component.h"

struct graph;

struct graph_options {
    const struct config_value *root;
    const struct service_config *service;
    struct lane *const *lanes;
    unsigned lane_count;
    struct telemetry *telemetry;
    const char *data_directory;
};

/* Creates and connects everything; NULL with `e` set when a component's keys or the graph are
 * wrong. Components that are configured and not used are checked as well. Opens nothing yet. */
struct graph *graph_create(const struct graph_options *o, struct error *e);

/* Starts exporters first, receivers last. On failure what had started is stopped again. */
bool graph_start(struct graph *g, struct error *e);

/* Drains from the receivers on, then stops everything. */
void graph_stop(struct graph *g, uint64_t deadline_ns);

void graph_destroy(struct graph *g);

enum graph_phase {
    GRAPH_STARTING,
    GRAPH_RUNNING,
    GRAPH_STOPPING,
};

/* Any thread. */
enum graph_phase graph_phase(const struct graph *g);
uint64_t graph_started_ns(const struct graph *g); /* CLOCK_REALTIME; 0: not yet */

/* Visits every component, extensions last. Any thread between create and destroy. */
void graph_each(struct graph *g, void (*visit)(void *context, struct component *c), void *context);

/* The graph behind the spec that an extension is created with: extensions of this room (health)
 * look at all components. */
struct graph *graph_of_spec(const struct component_spec *spec);

#endif
