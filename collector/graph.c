#include "collector/graph_private.h"

#include "collector/fanout.h"
#include "collector/hop_routes.h"
#include "component/clock.h"
#include "component/log.h"
#include "processors/processors.h"

#include <stdlib.h>
#include <string.h>

/* ---- nodes ---- */

struct node *graph_find_node(struct graph *g, enum component_class class, const char *id)
{
    for (size_t i = 0; i < g->count; i++) {
        if (g->nodes[i]->class == class && strcmp(g->nodes[i]->id, id) == 0)
            return g->nodes[i];
    }
    return NULL;
}

static struct component *find_component(void *context, enum component_class class, const char *id)
{
    struct node *n = graph_find_node(context, class, id);
    return n ? n->component : NULL;
}

struct graph *graph_of_spec(const struct component_spec *spec)
{
    return spec->find_context;
}

static struct component_spec make_spec(struct graph *g, enum component_class class, const char *id)
{
    return (struct component_spec){
        .kind = service_kind(class, id),
        .id = id,
        .config = service_component(g->options.root, class, id),
        .lanes = g->options.lanes,
        .lane_count = g->options.lane_count,
        .telemetry = g->options.telemetry,
        .data_directory = g->options.data_directory,
        .find = find_component,
        .find_context = g,
    };
}

static struct node *add_node(struct graph *g, const struct component_spec *spec, struct error *e)
{
    struct node *n = g->count < NODES_MAX ? calloc(1, sizeof *n) : NULL;
    if (!n) {
        error_set(e, "too many components, or out of memory");
        return NULL;
    }
    n->class = spec->kind->class;
    n->id = spec->id;
    n->component = spec->kind->create(spec, e);
    if (!n->component) {
        free(n);
        return NULL;
    }
    g->nodes[g->count++] = n;
    return n;
}

static bool connect(struct node *from, struct node *to, struct error *e)
{
    struct node **outputs = realloc(from->outputs, (from->output_count + 1) * sizeof *outputs);
    if (!outputs)
        return error_set(e, "out of memory");
    from->outputs = outputs;
    outputs[from->output_count++] = to;
    return true;
}

/* ---- batch settings: which exporters stand behind a `batch` processor ---- */

static bool is_connector(const struct graph *g, const struct config_value *item)
{
    return service_component(g->options.root, COMPONENT_CONNECTOR, item->text) != NULL;
}

static bool lists(const struct id_list *ids, const char *id)
{
    for (size_t i = 0; i < ids->count; i++) {
        if (strcmp(ids->items[i]->text, id) == 0)
            return true;
    }
    return false;
}

static bool pipeline_batch(const struct graph *g, const struct pipeline_config *p,
                           struct batch_settings *out, struct error *e)
{
    for (size_t i = 0; i < p->processors.count; i++) {
        const char *id = p->processors.items[i]->text;
        if (service_kind(COMPONENT_PROCESSOR, id) != &batch_processor)
            continue;
        if (!batch_processor_settings(service_component(g->options.root, COMPONENT_PROCESSOR, id),
                                      out, e))
            return false;
    }
    return true;
}

/* Settings of the nearest batch processor on a way to `id`, which ends or leads on from pipeline
 * `p`; `depth` keeps a cyclic graph, which is refused later, from recursing for ever. */
static bool find_batch(const struct graph *g, const char *id, unsigned depth,
                       struct batch_settings *out, struct error *e)
{
    const struct service_config *s = g->options.service;
    for (size_t i = 0; i < s->pipeline_count && !out->present; i++) {
        const struct pipeline_config *p = &s->pipelines[i];
        if (p->metrics || !lists(&p->exporters, id))
            continue;
        if (!pipeline_batch(g, p, out, e))
            return false;
        for (size_t r = 0; r < p->receivers.count && !out->present && depth > 0; r++) {
            const struct config_value *receiver = p->receivers.items[r];
            if (is_connector(g, receiver) && !find_batch(g, receiver->text, depth - 1, out, e))
                return false;
        }
    }
    return true;
}

/* ---- building ---- */

struct node *graph_shared_node(struct graph *g, enum component_class class, const char *id,
                               struct error *e)
{
    struct node *n = graph_find_node(g, class, id);
    if (n)
        return n;
    struct component_spec spec = make_spec(g, class, id);
    if (class == COMPONENT_EXPORTER && !find_batch(g, id, 8, &spec.batch, e))
        return NULL;
    return add_node(g, &spec, e);
}

/* A name in a pipeline's receivers or exporters may be a connector's. */
static struct node *end_node(struct graph *g, enum component_class class,
                             const struct config_value *item, struct error *e)
{
    struct node *n =
        graph_shared_node(g, is_connector(g, item) ? COMPONENT_CONNECTOR : class, item->text, e);
    if (!n)
        return NULL;
    const struct component_ops *ops = n->component->ops;
    if (class == COMPONENT_RECEIVER && n->class == COMPONENT_CONNECTOR && ops->metrics) {
        config_error(item, e, "\"%s\" makes metrics: it belongs in a metrics pipeline", item->text);
        return NULL;
    }
    if (class == COMPONENT_EXPORTER && !ops->consume) {
        config_error(item, e, "\"%s\" takes metrics only: it belongs in a metrics pipeline",
                     item->text);
        return NULL;
    }
    return n;
}

/* Connects `from` to the pipeline's exporters. */
static bool connect_exporters(struct graph *g, const struct pipeline_config *p, struct node *from,
                              struct error *e)
{
    for (size_t i = 0; i < p->exporters.count; i++) {
        struct node *to = end_node(g, COMPONENT_EXPORTER, p->exporters.items[i], e);
        if (!to || !connect(from, to, e))
            return false;
    }
    return true;
}

static bool build_pipeline(struct graph *g, const struct pipeline_config *p, struct error *e)
{
    struct node *head = NULL, *last = NULL;
    for (size_t i = 0; i < p->processors.count; i++) {
        struct component_spec spec =
            make_spec(g, COMPONENT_PROCESSOR, p->processors.items[i]->text);
        struct node *n = add_node(g, &spec, e);
        if (!n || (last && !connect(last, n, e)))
            return false;
        head = head ? head : n;
        last = n;
    }
    if (last && !connect_exporters(g, p, last, e))
        return false;
    for (size_t i = 0; i < p->receivers.count; i++) {
        struct node *from = end_node(g, COMPONENT_RECEIVER, p->receivers.items[i], e);
        if (!from || !(head ? connect(from, head, e) : connect_exporters(g, p, from, e)))
            return false;
    }
    return true;
}

/* A connector has to end one pipeline and begin another. */
static bool check_connectors(const struct graph *g, struct error *e)
{
    const struct service_config *s = g->options.service;
    const struct config_value *connectors = config_child(g->options.root, "connectors");
    if (!connectors)
        return true;
    for (const struct config_value *v = connectors->children; v; v = v->next) {
        bool ends = false, begins = false;
        for (size_t i = 0; i < s->pipeline_count; i++) {
            ends |= lists(&s->pipelines[i].exporters, v->key);
            begins |= lists(&s->pipelines[i].receivers, v->key);
        }
        if (ends != begins)
            return config_error(v, e,
                                "is used only as %s; a connector joins one pipeline to another",
                                ends ? "an exporter" : "a receiver");
    }
    return true;
}

/* ---- order ---- */

/* Depth first, consumers before suppliers; the list is turned round at the end. */
static bool visit(struct node *n, struct node **order, size_t *count, struct error *e)
{
    if (n->on_path)
        return error_set(e, "the pipelines form a cycle through %s \"%s\"",
                         component_class_name(n->class), n->id);
    if (n->visited)
        return true;
    n->visited = n->on_path = true;
    for (size_t i = 0; i < n->output_count; i++) {
        if (!visit(n->outputs[i], order, count, e))
            return false;
    }
    for (size_t i = 0; i < n->metric_output_count; i++) {
        if (!visit(n->metric_outputs[i], order, count, e))
            return false;
    }
    n->on_path = false;
    order[(*count)++] = n;
    return true;
}

static bool order_nodes(struct graph *g, struct error *e)
{
    struct node **order = calloc(g->count + 1, sizeof(struct node *));
    if (!order)
        return error_set(e, "out of memory");
    size_t count = 0;
    bool ok = true;
    for (size_t i = 0; i < g->count && ok; i++)
        ok = visit(g->nodes[i], order, &count, e);
    for (size_t i = 0; i < count && ok; i++)
        g->nodes[i] = order[count - 1 - i];
    free(order);
    return ok;
}

static bool link_outputs(struct node *n, struct error *e)
{
    if (n->output_count == 0)
        return true;
    struct component *targets[NODES_MAX];
    for (size_t i = 0; i < n->output_count; i++)
        targets[i] = n->outputs[i]->component;
    if (n->output_count == 1) {
        n->component->next = targets[0];
        return true;
    }
    n->fanout = fanout_create(targets, n->output_count);
    n->component->next = n->fanout;
    return n->fanout || error_set(e, "out of memory");
}

/* ---- what is configured and not used ---- */

static bool check_unused(struct graph *g, struct error *e)
{
    static const char *const sections[COMPONENT_CLASSES] = {"receivers", "processors", "connectors",
                                                            "exporters", "extensions"};
    for (int class = 0; class < COMPONENT_CLASSES; class ++) {
        const struct config_value *section = config_child(g->options.root, sections[class]);
        for (const struct config_value *v = section ? section->children : NULL; v; v = v->next) {
            if (graph_find_node(g, class, v->key) ||
                (class == COMPONENT_PROCESSOR && graph_metrics_processor(g, v->key)))
                continue;
            struct component_spec spec = make_spec(g, class, v->key);
            struct component *c = spec.kind->create(&spec, e);
            if (!c)
                return false;
            c->ops->destroy(c);
            log_warn(v->key, "configured but not used",
                     LOG_S("class", component_class_name(class)));
        }
    }
    return true;
}

static bool build(struct graph *g, struct error *e)
{
    const struct service_config *s = g->options.service;
    if (!check_connectors(g, e))
        return false;
    for (size_t i = 0; i < s->pipeline_count; i++) {
        if (!s->pipelines[i].metrics && !build_pipeline(g, &s->pipelines[i], e))
            return false;
    }
    for (size_t i = 0; i < s->pipeline_count; i++) {
        if (s->pipelines[i].metrics && !graph_build_metrics(g, &s->pipelines[i], e))
            return false;
    }
    if (!order_nodes(g, e))
        return false;
    for (size_t i = 0; i < g->count; i++) {
        if (!link_outputs(g->nodes[i], e))
            return false;
    }
    for (size_t i = 0; i < s->extensions.count; i++) {
        if (!graph_shared_node(g, COMPONENT_EXTENSION, s->extensions.items[i]->text, e))
            return false;
    }
    return check_unused(g, e);
}

struct graph *graph_create(const struct graph_options *o, struct error *e)
{
    struct graph *g = calloc(1, sizeof *g);
    if (!g) {
        error_set(e, "out of memory");
        return NULL;
    }
    g->options = *o;
    if (build(g, e))
        return g;
    graph_destroy(g);
    return NULL;
}

void graph_destroy(struct graph *g)
{
    for (size_t i = g->count; i-- > 0;) {
        struct node *n = g->nodes[i];
        n->component->ops->destroy(n->component);
        if (n->fanout)
            n->fanout->ops->destroy(n->fanout);
        free(n->outputs);
        free(n->metric_outputs);
        free(n);
    }
    free(g);
}

/* ---- running ---- */

/* Says which component could not start, unless its own words begin with the place. */
static bool start_error(const struct graph *g, const struct node *n, struct error *e)
{
    const struct config_value *config = service_component(g->options.root, n->class, n->id);
    bool placed =
        !config || !config->file || strncmp(e->text, config->file, strlen(config->file)) == 0;
    return placed ? false : config_error(config, e, "%s", e->text);
}

static bool start_node(const struct graph *g, struct node *n, struct error *e)
{
    const struct component_ops *ops = n->component->ops;
    if (ops->start && !ops->start(n->component, e))
        return start_error(g, n, e);
    n->started = true;
    if (component_report(n->component).state == STATE_STARTING)
        component_set_ok(n->component);
    return true;
}

/* Extensions come before receivers: what is asked about the first span should have an answer. */
static bool start_class(struct graph *g, bool receivers, bool extensions, struct error *e)
{
    for (size_t i = g->count; i-- > 0;) {
        struct node *n = g->nodes[i];
        bool receiver = n->class == COMPONENT_RECEIVER, extension = n->class == COMPONENT_EXTENSION;
        if (receiver != receivers || extension != extensions)
            continue;
        if (!start_node(g, n, e))
            return false;
    }
    return true;
}

static void stop_nodes(struct graph *g, enum component_class class, bool only)
{
    for (size_t i = 0; i < g->count; i++) {
        struct node *n = g->nodes[i];
        if (!n->started || (n->class == class) != only)
            continue;
        if (n->component->ops->stop)
            n->component->ops->stop(n->component);
        n->started = false;
        component_set_state(n->component, STATE_STOPPED, NULL);
    }
}

static bool route_hops(struct graph *g, struct error *e)
{
    struct component *components[NODES_MAX];
    for (size_t i = 0; i < g->count; i++)
        components[i] = g->nodes[i]->component;
    g->hops = hop_routes_open(components, g->count);
    return g->hops || error_set(e, "out of memory");
}

bool graph_start(struct graph *g, struct error *e)
{
    if (start_class(g, false, false, e) && route_hops(g, e) && start_class(g, false, true, e) &&
        start_class(g, true, false, e)) {
        atomic_store(&g->started_ns, realtime_ns());
        atomic_store(&g->phase, GRAPH_RUNNING);
        return true;
    }
    graph_stop(g, 0);
    return false;
}

void graph_stop(struct graph *g, uint64_t deadline_ns)
{
    atomic_store(&g->phase, GRAPH_STOPPING);
    for (size_t i = 0; i < g->count; i++) {
        struct node *n = g->nodes[i];
        if (n->started && n->component->ops->drain)
            n->component->ops->drain(n->component, deadline_ns);
    }
    hop_routes_close(g->hops);
    g->hops = NULL;
    stop_nodes(g, COMPONENT_EXTENSION, true); /* before the store that they read */
    stop_nodes(g, COMPONENT_EXTENSION, false);
}

enum graph_phase graph_phase(const struct graph *g)
{
    return atomic_load(&g->phase);
}

uint64_t graph_started_ns(const struct graph *g)
{
    return atomic_load(&g->started_ns);
}

void graph_each(struct graph *g, void (*each)(void *context, struct component *c), void *context)
{
    for (size_t i = 0; i < g->count; i++)
        each(context, g->nodes[i]->component);
}
