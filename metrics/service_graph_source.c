/* service_graph as a source of metrics, under the names that the Collector, Tempo and Grafana's
 * service map share. */
#include "metrics/service_graph_private.h"

#include "metrics/series_walk.h"

#include <string.h>

enum { TOTAL, FAILED_TOTAL, SERVER, CLIENT };

enum { LABELS_MAX = 5 + DIMENSIONS_MAX };

struct showing {
    struct service_graph *g;
    size_t family;
    struct metric_visitor *visitor;
    uint64_t time_ns;
    struct metric_label labels[LABELS_MAX];
    size_t label_count;
};

static void put_label(struct showing *v, struct bytes name, struct value value)
{
    if (v->label_count < LABELS_MAX)
        v->labels[v->label_count++] = (struct metric_label){.name = name, .value = value};
}

static void put_text(struct showing *v, const char *name, struct bytes text)
{
    put_label(v, bytes_of_string(name), (struct value){.type = VALUE_STRING, .bytes = text});
}

static bool is_failed(const struct series *s)
{
    return s->head >> 8 & 1;
}

static void put_labels(struct showing *v, const struct series *s)
{
    static const char *const types[] = {"", "messaging_system", "database", "virtual_node"};
    static const char *const sides[] = {"", "client", "server"};
    struct metric_label label;
    v->label_count = 0;
    if (s->overflow) {
        put_label(v, bytes_of_string("otel.metric.overflow"),
                  (struct value){.type = VALUE_BOOL, .boolean = true});
        return;
    }
    struct bytes rest = series_rest(s);
    size_t server_len = s->head >> 32;
    put_text(v, "client", series_name(s));
    put_text(v, "server", bytes_of(rest.data, server_len));
    put_text(v, "connection_type", bytes_of_string(types[s->head & 3]));
    put_label(v, bytes_of_string("failed"),
              (struct value){.type = VALUE_BOOL, .boolean = is_failed(s)});
    if (v->g->settings.virtual_node_label)
        put_text(v, "virtual_node", bytes_of_string(sides[s->head >> 16 & 3]));
    struct dimension_reader r = {.rest = bytes_of(rest.data + server_len, rest.len - server_len)};
    while (dimension_read(&r, &v->g->settings.labels, &label))
        put_label(v, label.name, label.value);
}

static void put_histogram(struct showing *v, const struct series *s, struct metric_point *p)
{
    const struct series_shape *shape = &v->g->store.shape;
    const void *values = series_values(s, shape, v->family == SERVER ? GRAPH_SERVER : GRAPH_CLIENT);
    p->count = s->count;
    if (shape->max_size)
        series_exponential_point(values, p);
    else
        series_explicit_point(values, shape, p);
}

static bool show(void *context, const struct series *s)
{
    struct showing *v = context;
    if (v->family == FAILED_TOTAL && (s->overflow || !is_failed(s)))
        return true;
    put_labels(v, s);
    struct metric_point p = {.series = s->id,
                             .labels = v->labels,
                             .label_count = v->label_count,
                             .start_ns = s->start_ns,
                             .time_ns = v->time_ns,
                             .value = (double)s->count};
    if (v->family >= SERVER)
        put_histogram(v, s, &p);
    return v->visitor->point(v->visitor, &p);
}

static void service_graph_collect(struct metric_source *source, size_t family,
                                  struct metric_visitor *visitor)
{
    struct service_graph *g =
        (struct service_graph *)((char *)source - offsetof(struct service_graph, source));
    struct moment now = moment_now();
    struct showing v = {.g = g,
                        .family = family,
                        .visitor = visitor,
                        .time_ns = now.wall_ns - g->settings.timestamp_offset_ns};
    service_graph_expire_all(g, now);
    if (!series_walk(&g->store, &g->lock, now.steady_ns, show, &v))
        visitor->incomplete = true;
}

void service_graph_source_init(struct service_graph *g)
{
    static const struct metric_family explicit[GRAPH_FAMILIES] = {
        [TOTAL] = {"traces_service_graph_request_total", "", "Requests from a client to a server.",
                   METRIC_SUM},
        [FAILED_TOTAL] = {"traces_service_graph_request_failed_total", "",
                          "Those of them that failed.", METRIC_SUM},
        [SERVER] = {"traces_service_graph_request_server", "s", "How long the server took.",
                    METRIC_HISTOGRAM},
        [CLIENT] = {"traces_service_graph_request_client", "s", "How long the client waited.",
                    METRIC_HISTOGRAM},
    };
    static const struct metric_family exponential[GRAPH_FAMILIES] = {
        [TOTAL] = {"traces_service_graph_request_total", "", "Requests from a client to a server.",
                   METRIC_SUM},
        [FAILED_TOTAL] = {"traces_service_graph_request_failed_total", "",
                          "Those of them that failed.", METRIC_SUM},
        [SERVER] = {"traces_service_graph_request_server", "s", "How long the server took.",
                    METRIC_EXPONENTIAL_HISTOGRAM},
        [CLIENT] = {"traces_service_graph_request_client", "s", "How long the client waited.",
                    METRIC_EXPONENTIAL_HISTOGRAM},
    };
    g->source = (struct metric_source){.families = g->settings.max_size ? exponential : explicit,
                                       .family_count = GRAPH_FAMILIES,
                                       .scope = "traces_service_graph",
                                       .flush_interval_ns = g->settings.flush_interval_ns,
                                       .collect = service_graph_collect};
}
