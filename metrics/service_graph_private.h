/* What the files of service_graph share. */
#ifndef TAILSPAN_METRICS_SERVICE_GRAPH_PRIVATE_H
#define TAILSPAN_METRICS_SERVICE_GRAPH_PRIVATE_H

#include "component/component.h"
#include "component/config.h"
#include "component/metric.h"
#include "component/telemetry.h"
#include "metrics/dimensions.h"
#include "metrics/edges.h"
#include "metrics/series.h"

struct service_graph_settings {
    struct dimension_names names;       /* all that is looked for: databases, peers, dimensions */
    unsigned databases[DIMENSIONS_MAX]; /* in names; the first that is found counts */
    unsigned database_count;
    unsigned peers[DIMENSIONS_MAX];
    unsigned peer_count; /* 0: no virtual nodes */
    struct dimension_list client_dimensions;
    struct dimension_list server_dimensions;
    struct dimension_names labels; /* client_… and server_… */
    bool virtual_node_label;
    bool links;
    uint32_t max_items;
    uint64_t ttl_ns;
    uint64_t expiration_loop_ns;
    uint64_t flush_interval_ns;
    uint64_t timestamp_offset_ns;
    double *bounds;
    uint32_t bound_count;
    uint32_t max_size;
    struct series_limits limits;
};

/* The head of a series' key. */
enum virtual_side { VIRTUAL_NONE, VIRTUAL_CLIENT, VIRTUAL_SERVER };

static inline uint64_t graph_head(enum edge_type type, bool failed, enum virtual_side side,
                                  size_t server_len)
{
    return (uint64_t)type | (uint64_t)failed << 8 | (uint64_t)side << 16 |
           (uint64_t)server_len << 32;
}

enum { GRAPH_SERVER, GRAPH_CLIENT }; /* histograms */

enum { GRAPH_FAMILIES = 4 };

struct service_graph {
    struct component component;
    struct service_graph_settings settings;
    struct metric_source source;
    struct telemetry *telemetry;
    struct counter *total_edges;
    struct counter expired_edges;
    struct counter *dropped_spans;
    struct counter *overflowed;
    struct counter *lost;

    struct series_lock lock; /* guards all below */
    struct edges edges;
    struct text_set texts;
    struct series_store store;
    struct series_group group;
    struct dimension_writer keys;
    uint64_t tick_ns; /* CLOCK_MONOTONIC: edges that expire before go */
    uint64_t next_tick_ns;
    uint64_t lost_edges;
    bool told_overflow;
};

bool service_graph_configure(struct service_graph *g, const struct config_value *config,
                             struct error *e);

void service_graph_source_init(struct service_graph *g);

/* Lets edges go whose time is over, a few at a time; takes the lock. */
void service_graph_expire_all(struct service_graph *g, struct moment now);

#endif
