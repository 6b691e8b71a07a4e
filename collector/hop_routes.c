#include "collector/hop_routes.h"

#include "processors/kafka_hops/hops.h"
#include "sampling/sampling.h"
#include "storage/sqlite_exporter.h"
#include "storage/store_hops.h"

#include <stdlib.h>
#include <string.h>

struct hop_routes {
    struct hop_listener listener; /* first: it is what the listener is called with */
    size_t store_count;
    struct store *stores[];
};

static void keep(struct hop_routes *r, const struct hop *hop)
{
    struct store_hop kept = {
        .producer_end_ns = hop->producer_end_ns,
        .consumer_start_ns = hop->consumer_start_ns,
        .offset = hop->offset,
        .partition = hop->partition,
        .attempt = hop->attempt,
        .confidence = hop->confidence,
        .matched_by = bytes_of_string(hop_match_name(hop->matched_by)),
        .topic = hop->topic,
        .group = hop->group,
        .producer_service = hop->producer_service,
        .consumer_service = hop->consumer_service,
    };
    memcpy(kept.producer_trace, hop->producer_trace, sizeof kept.producer_trace);
    memcpy(kept.producer_span, hop->producer_span, sizeof kept.producer_span);
    memcpy(kept.consumer_trace, hop->consumer_trace, sizeof kept.consumer_trace);
    memcpy(kept.consumer_span, hop->consumer_span, sizeof kept.consumer_span);
    for (size_t i = 0; i < r->store_count; i++)
        (void)store_write_hop(r->stores[i], &kept); /* what it drops it counts */
}

static void on_hop(struct hop_listener *l, const struct hop *hop)
{
    sampling_join_all(hop->producer_trace, hop->consumer_trace, hop->waited);
    keep((struct hop_routes *)l, hop);
}

static void on_open(struct hop_listener *l, const uint8_t trace_id[16])
{
    (void)l;
    sampling_open_all(trace_id);
}

struct hop_routes *hop_routes_open(struct component *const *components, size_t count)
{
    struct hop_routes *r = calloc(1, sizeof *r + count * sizeof r->stores[0]);
    if (!r)
        return NULL;
    r->listener.hop = on_hop;
    r->listener.open = on_open;
    for (size_t i = 0; i < count; i++) {
        if (components[i]->kind == &sqlite_exporter && sqlite_exporter_store(components[i]))
            r->stores[r->store_count++] = sqlite_exporter_store(components[i]);
    }
    hops_subscribe(&r->listener);
    return r;
}

void hop_routes_close(struct hop_routes *r)
{
    if (!r)
        return;
    hops_unsubscribe(&r->listener);
    free(r);
}
