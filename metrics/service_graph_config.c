/* service_graph's configuration: the Collector's keys, and `pair_by_links` and `max_series`, which
 * are ours. store::max_items is 100000 by default where the Collector's 1000 lets go of requests at
 * some thousand spans a second. */
#include "metrics/service_graph_private.h"

#include "metrics/explicit.h"

#include <stdio.h>
#include <string.h>

#define SECOND_NS UINT64_C(1000000000)
#define IDLE_NS   (SECOND_NS * 60 * 15) /* that a series stays, as in the Collector */

struct keys {
    const struct config_value *buckets;
    int64_t max_size;
    struct config_strings dimensions;
    struct {
        int64_t max_items;
        int64_t ttl_ns;
    } store;
    int64_t cache_loop_ns;
    int64_t expiration_loop_ns;
    struct config_strings peers;
    bool peers_present;
    bool virtual_node_label;
    int64_t flush_ns;
    struct config_strings databases;
    int64_t offset_ns;
    bool links;
    int64_t max_series;
};

#define AT(member) offsetof(struct keys, member)

static const struct config_field store_fields[] = {
    {.key = "max_items",
     .type = FIELD_INT,
     .offset = AT(store.max_items) - AT(store),
     .fallback = "100000",
     .min = 1,
     .max = 100000000},
    {.key = "ttl",
     .type = FIELD_DURATION,
     .offset = AT(store.ttl_ns) - AT(store),
     .fallback = "2s"},
    CONFIG_END,
};

static const struct config_field fields[] = {
    {.key = "latency_histogram_buckets", .type = FIELD_VALUE, .offset = AT(buckets)},
    {.key = "exponential_histogram_max_size",
     .type = FIELD_INT,
     .offset = AT(max_size),
     .max = EXPONENTIAL_SIZE_MAX},
    {.key = "dimensions", .type = FIELD_STRINGS, .offset = AT(dimensions)},
    {.key = "store", .type = FIELD_SECTION, .offset = AT(store), .section = store_fields},
    {.key = "cache_loop", .type = FIELD_DURATION, .offset = AT(cache_loop_ns), .fallback = "1m"},
    {.key = "store_expiration_loop",
     .type = FIELD_DURATION,
     .offset = AT(expiration_loop_ns),
     .fallback = "2s"},
    {.key = "virtual_node_peer_attributes",
     .type = FIELD_STRINGS,
     .offset = AT(peers),
     .present = AT(peers_present)},
    {.key = "virtual_node_extra_label", .type = FIELD_BOOL, .offset = AT(virtual_node_label)},
    {.key = "metrics_flush_interval",
     .type = FIELD_DURATION,
     .offset = AT(flush_ns),
     .fallback = "60s"},
    {.key = "database_name_attributes", .type = FIELD_STRINGS, .offset = AT(databases)},
    {.key = "metrics_timestamp_offset", .type = FIELD_DURATION, .offset = AT(offset_ns)},
    {.key = "pair_by_links", .type = FIELD_BOOL, .offset = AT(links), .fallback = "true"},
    {.key = "max_series",
     .type = FIELD_INT,
     .offset = AT(max_series),
     .fallback = "20000",
     .min = 1,
     .max = 100000000},
    CONFIG_END,
};

static bool add_name(struct dimension_names *names, const char *name, unsigned *at,
                     const struct config_value *config, struct error *e)
{
    for (*at = 0; *at < names->count; (*at)++) {
        if (bytes_equal_string(names->items[*at], name))
            return true;
    }
    if (names->count == DIMENSIONS_MAX)
        return config_error(config, e, "more than %d attributes to look for", DIMENSIONS_MAX);
    dimension_names_add(names, bytes_of_string(name));
    return true;
}

static bool add_names(struct service_graph_settings *s, const struct config_strings *list,
                      unsigned *to, unsigned *count, const struct config_value *config,
                      struct error *e)
{
    if (list->count > DIMENSIONS_MAX)
        return config_error(config, e, "more than %d attributes to look for", DIMENSIONS_MAX);
    for (size_t i = 0; i < list->count; i++) {
        if (!add_name(&s->names, list->items[i], &to[(*count)++], config, e))
            return false;
    }
    return true;
}

static void add_label(struct service_graph_settings *s, struct dimension_list *list, unsigned name,
                      const char *prefix, const char *dimension)
{
    size_t len = strlen(prefix) + strlen(dimension);
    char *text = config_keep(len + 1, 1);
    snprintf(text, len + 1, "%s%s", prefix, dimension);
    list->items[list->count++] = (struct dimension){.name = name, .label = s->labels.count};
    dimension_names_add(&s->labels, bytes_of(text, len));
}

static bool add_dimensions(struct service_graph_settings *s, const struct config_strings *list,
                           const struct config_value *config, struct error *e)
{
    unsigned name;
    if (list->count > DIMENSIONS_MAX / 2)
        return config_error(config, e, "more than %d dimensions", DIMENSIONS_MAX / 2);
    for (size_t i = 0; i < list->count; i++) {
        if (!add_name(&s->names, list->items[i], &name, config, e))
            return false;
        add_label(s, &s->client_dimensions, name, "client_", list->items[i]);
        add_label(s, &s->server_dimensions, name, "server_", list->items[i]);
    }
    return true;
}

static bool read_buckets(struct service_graph_settings *s, const struct keys *k, struct error *e)
{
    bool buckets = k->buckets && k->buckets->type != CONFIG_NULL;
    if (buckets && k->max_size > 0)
        return config_error(
            k->buckets, e,
            "use either latency_histogram_buckets or exponential_histogram_max_size");
    s->max_size = (uint32_t)k->max_size;
    if (s->max_size > 0 && s->max_size < EXPONENTIAL_SIZE_MIN)
        s->max_size = EXPONENTIAL_SIZE_MIN;
    if (buckets)
        return explicit_bounds_read(k->buckets, (int64_t)SECOND_NS, &s->bounds, &s->bound_count, e);
    s->bounds = explicit_bounds_default(true, &s->bound_count);
    return true;
}

bool service_graph_configure(struct service_graph *g, const struct config_value *config,
                             struct error *e)
{
    static const char *const default_peers[] = {"peer.service", "db.name", "db.system"};
    static const char *const default_databases[] = {"db.name"};
    struct service_graph_settings *s = &g->settings;
    struct keys k = {0};
    if (!config_read(config, fields, &k, e) || !read_buckets(s, &k, e))
        return false;
    if (!k.peers_present)
        k.peers = (struct config_strings){default_peers, 3};
    if (k.databases.count == 0)
        k.databases = (struct config_strings){default_databases, 1};
    s->virtual_node_label = k.virtual_node_label;
    s->links = k.links;
    s->max_items = (uint32_t)k.store.max_items;
    s->ttl_ns = (uint64_t)k.store.ttl_ns;
    s->expiration_loop_ns =
        k.expiration_loop_ns > 0 ? (uint64_t)k.expiration_loop_ns : SECOND_NS * 2;
    s->flush_interval_ns = k.flush_ns > 0 ? (uint64_t)k.flush_ns : SECOND_NS;
    s->timestamp_offset_ns = (uint64_t)k.offset_ns;
    s->limits = (struct series_limits){
        .store = (uint32_t)k.max_series,
        .idle_ns = IDLE_NS + (k.cache_loop_ns > 0 ? (uint64_t)k.cache_loop_ns : SECOND_NS * 60)};
    return add_names(s, &k.databases, s->databases, &s->database_count, config, e) &&
           add_names(s, &k.peers, s->peers, &s->peer_count, config, e) &&
           add_dimensions(s, &k.dimensions, config, e);
}
