/* `connectors: service_graph`: which service calls which, how often, how it ends and how long it
 * takes on either side.
 *
 * A request has two spans: the client's (or producer's), and the server's (or consumer's), whose
 * parent the first is, or to which it has a link. Whichever comes first waits as an edge for the
 * other. A call of a database is complete by itself. What waited too long becomes, where one side
 * can be told, an edge to or from a virtual node: a server that is a root was called by "user", a
 * client's peer is named by an attribute.
 *
 * Pairing by link is an addition of ours: consumers of messages often have a trace of their own,
 * and the Collector would show each as called by "user". A producer that several consumers link to
 * is paired with the first. */
#include "metrics/metrics.h"
#include "metrics/service_graph_private.h"

#include "component/hash_seed.h"
#include "component/log.h"
#include "proto/batch.h"
#include "proto/span_kind.h"

#include <stdlib.h>
#include <string.h>

enum {
    HANDFUL = 16,
    SWEEP_SLOTS = 16,   /* a batch */
    EXPIRE_MORE = 256,  /* a batch, beyond as many as it has spans */
    EXPIRE_CHUNK = 256, /* with the lock held */
    LINKS_MAX = 128,    /* of a span that are looked at */
};

struct counts {
    uint64_t total;
    uint64_t expired;
    uint64_t dropped;
    uint64_t lost;
    uint64_t overflowed;
};

struct walk {
    struct service_graph *g;
    const struct batch *batch;
    struct moment now;
    struct counts counts;

    uint32_t scope; /* of the batch, as is the resource */
    uint32_t resource_number;
    struct text *service; /* of the resource; NULL: has none, or no memory */
    bool no_service_memory;
    bool no_memory; /* for the span */
    struct dimension_values resource;
    struct dimension_values span;
};

/* One side of a request, as a span tells it. Texts are not held. */
struct half {
    bool client;
    enum edge_type type;
    uint64_t duration_ns;
    bool failed;
    struct text *service;
    struct text *dimensions;
    struct text *peer;     /* client only */
    struct text *database; /* likewise */
};

/* ---- complete edges ---- */

static struct series_key key_of(struct service_graph *g, const struct edge *e, struct bytes client,
                                struct bytes server, enum virtual_side side)
{
    struct series_key k = {.head = graph_head((enum edge_type)e->type, e->failed, side, server.len),
                           .name = client,
                           .rest = server};
    struct buffer *rest = &g->keys.rest;
    if (!e->client_dimensions && !e->server_dimensions)
        return k;
    struct bytes client_part = text_bytes(e->client_dimensions);
    struct bytes server_part = text_bytes(e->server_dimensions);
    rest->len = 0;
    buffer_append(rest, server.data, server.len);
    buffer_append(rest, client_part.data, client_part.len);
    buffer_append(rest, server_part.data, server_part.len);
    k.rest = buffer_bytes(rest);
    return k;
}

static void complete(struct service_graph *g, const struct edge *e, struct bytes client,
                     struct bytes server, enum virtual_side side, struct moment now)
{
    if (!g->settings.virtual_node_label)
        side = VIRTUAL_NONE;
    struct series_key k = key_of(g, e, client, server, side);
    struct series *s = NULL;
    if (!g->keys.rest.failed)
        s = series_get(&g->store, &g->group, &k, series_hash(&g->group, &k), now);
    else
        buffer_free(&g->keys.rest);
    if (!s) {
        g->lost_edges++;
        return;
    }
    s->last_ns = now.steady_ns;
    s->count++;
    series_record(&g->store, s, GRAPH_SERVER, (double)e->server_ns / 1e9, 1);
    series_record(&g->store, s, GRAPH_CLIENT, (double)e->client_ns / 1e9, 1);
}

static bool is_complete(const struct edge *e)
{
    return text_bytes(e->client).len > 0 && text_bytes(e->server).len > 0;
}

/* ---- edges that wait ---- */

/* The texts that an edge gets are held once more. */
static void set_text(struct service_graph *g, struct text **to, struct text *text)
{
    if (!text)
        return;
    text_hold(text);
    text_drop(&g->texts, *to);
    *to = text;
}

/* Should a side be told twice, its dimensions add up. */
static void add_dimensions(struct service_graph *g, struct text **to, struct text *dimensions)
{
    if (!*to || !dimensions || *to == dimensions) {
        set_text(g, to, dimensions);
        return;
    }
    struct buffer both = {0};
    dimension_merge(&both, text_bytes(*to), text_bytes(dimensions));
    struct text *merged =
        !both.failed && both.len <= TEXT_MAX ? text_get(&g->texts, buffer_bytes(&both)) : NULL;
    set_text(g, to, merged ? merged : dimensions);
    text_drop(&g->texts, merged);
    buffer_free(&both);
}

static void update(struct service_graph *g, struct edge *e, const struct half *h)
{
    e->type = (uint8_t)h->type;
    e->failed |= h->failed;
    if (!h->client) {
        set_text(g, &e->server, h->service);
        add_dimensions(g, &e->server_dimensions, h->dimensions);
        e->server_ns = h->duration_ns;
        return;
    }
    set_text(g, &e->client, h->service);
    add_dimensions(g, &e->client_dimensions, h->dimensions);
    set_text(g, &e->peer, h->peer);
    e->client_ns = h->duration_ns;
    if (h->database) {
        set_text(g, &e->server, h->database);
        e->type = EDGE_DATABASE;
        e->server_ns = h->duration_ns;
    }
}

static void expire(struct service_graph *g, struct edge *e, struct moment now)
{
    static const uint8_t none[8];
    counter_add(&g->expired_edges, 1);
    if (g->settings.peer_count == 0)
        return;
    e->type = EDGE_VIRTUAL;
    struct bytes client = text_bytes(e->client), server = text_bytes(e->server);
    if (client.len == 0 && memcmp(e->key.span_id, none, sizeof none) == 0) {
        client = bytes_of_string("user");
        complete(g, e, client, server, VIRTUAL_CLIENT, now);
    }
    if (server.len == 0) {
        server = e->peer ? text_bytes(e->peer) : bytes_of_string("unknown");
        complete(g, e, client, server, VIRTUAL_SERVER, now);
    }
}

/* Lets edges go whose time is over, `most` at once. True: there are more. With the lock. */
static bool expire_some(struct service_graph *g, struct moment now, unsigned most)
{
    if (now.steady_ns >= g->next_tick_ns) {
        g->tick_ns = now.steady_ns;
        g->next_tick_ns = now.steady_ns + g->settings.expiration_loop_ns;
    }
    for (; most > 0; most--) {
        struct edge *e = open_edges_oldest(&g->edges);
        if (!e || e->expires_ns >= g->tick_ns)
            return false;
        expire(g, e, now);
        open_edges_remove(&g->edges, e);
    }
    return true;
}

void service_graph_expire_all(struct service_graph *g, struct moment now)
{
    bool more = true;
    while (more) {
        series_lock_other(&g->lock);
        more = expire_some(g, now, EXPIRE_CHUNK);
        series_unlock(&g->lock);
    }
}

/* A full store lets go of what would go with the next tick. */
static bool has_room(struct service_graph *g, struct moment now)
{
    struct edge *oldest = open_edges_oldest(&g->edges);
    if (open_edges_full(&g->edges) && oldest && oldest->expires_ns < now.steady_ns) {
        expire(g, oldest, now);
        open_edges_remove(&g->edges, oldest);
    }
    return !open_edges_full(&g->edges);
}

/* A database's edge, which never waits. */
static void complete_at_once(struct walk *w, const struct half *h)
{
    struct service_graph *g = w->g;
    struct edge e = {.client = NULL};
    update(g, &e, h);
    complete(g, &e, text_bytes(e.client), text_bytes(e.server), VIRTUAL_NONE, w->now);
    edge_drop_texts(&g->texts, &e);
    w->counts.total++;
}

static void add_edge(struct walk *w, const struct edge_key *key, uint64_t hash,
                     const struct half *h)
{
    struct service_graph *g = w->g;
    if (h->database && h->database->len > 0 && h->service->len > 0) {
        complete_at_once(w, h);
        return;
    }
    if (!has_room(g, w->now)) {
        w->counts.dropped++;
        return;
    }
    struct edge *e = open_edges_add(&g->edges, key, hash);
    if (!e) {
        w->counts.lost++;
        return;
    }
    e->expires_ns = w->now.steady_ns + g->settings.ttl_ns;
    update(g, e, h);
    w->counts.total++;
}

static void offer(struct walk *w, const struct edge_key *key, uint64_t hash, const struct half *h)
{
    struct service_graph *g = w->g;
    struct edge *e = open_edges_find(&g->edges, key, hash);
    if (!e) {
        add_edge(w, key, hash, h);
        return;
    }
    update(g, e, h);
    if (!is_complete(e))
        return;
    complete(g, e, text_bytes(e->client), text_bytes(e->server), VIRTUAL_NONE, w->now);
    open_edges_remove(&g->edges, e);
}

/* ---- what a span tells ---- */

static const struct value *find_value(const struct dimension_values *v, unsigned name)
{
    return v->present >> name & 1 ? &v->items[name] : NULL;
}

/* A text of the set; NULL for want of memory, which is noted. */
static struct text *get_text(struct walk *w, const struct value *v)
{
    struct service_graph *g = w->g;
    struct bytes bytes = value_text(v, &g->keys.text);
    struct text *t = NULL;
    if (g->keys.text.large.failed)
        value_text_free(&g->keys.text);
    else
        t = text_get(&g->texts, bytes);
    w->no_memory |= !t;
    return t;
}

static struct text *database_of(struct walk *w)
{
    const struct service_graph_settings *s = &w->g->settings;
    for (unsigned i = 0; i < s->database_count; i++) {
        const struct value *v = find_value(&w->resource, s->databases[i]);
        if (!v)
            v = find_value(&w->span, s->databases[i]);
        if (v)
            return get_text(w, v);
    }
    return NULL;
}

static struct text *peer_of(struct walk *w)
{
    const struct service_graph_settings *s = &w->g->settings;
    for (unsigned i = 0; i < s->peer_count; i++) {
        const struct value *v = find_value(&w->span, s->peers[i]);
        if (v)
            return get_text(w, v);
    }
    return NULL;
}

/* Edges wait with their dimensions, so what is longer than a text can be is left out. */
static struct text *dimensions_of(struct walk *w, const struct dimension_list *list)
{
    struct service_graph *g = w->g;
    const struct dimension_values *from[3] = {&w->resource, &w->span, NULL};
    if (list->count == 0)
        return NULL;
    g->keys.rest.len = g->keys.types.len = 0;
    dimension_list_write(list, from, &g->keys);
    if (g->keys.rest.failed || g->keys.types.failed) {
        dimension_writer_free(&g->keys);
        w->no_memory = true;
        return NULL;
    }
    if (g->keys.rest.len == 0 || g->keys.rest.len > TEXT_MAX)
        return NULL;
    struct text *t = text_get(&g->texts, buffer_bytes(&g->keys.rest));
    w->no_memory |= !t;
    return t;
}

static bool is_client(const struct span_view *span)
{
    return span->kind == SPAN_KIND_CLIENT || span->kind == SPAN_KIND_PRODUCER;
}

static bool has_part(const struct span_view *span)
{
    return span->kind >= SPAN_KIND_SERVER;
}

static struct half half_of(struct walk *w, const struct span_view *span)
{
    const struct service_graph_settings *s = &w->g->settings;
    bool messaging = span->kind == SPAN_KIND_PRODUCER || span->kind == SPAN_KIND_CONSUMER;
    struct half h = {.client = is_client(span),
                     .type = messaging ? EDGE_MESSAGING : EDGE_UNKNOWN,
                     .failed = span->status_code == SPAN_STATUS_ERROR,
                     .service = w->service};
    if (span->end_ns > span->start_ns)
        h.duration_ns = span->end_ns - span->start_ns;
    if (h.client || s->client_dimensions.count > 0)
        dimension_values_find(&w->span, &s->names, span_bytes(span), SPAN_ATTRIBUTES);
    h.dimensions = dimensions_of(w, h.client ? &s->client_dimensions : &s->server_dimensions);
    if (h.client) {
        h.peer = peer_of(w);
        h.database = database_of(w);
    }
    return h;
}

static void drop_half(struct service_graph *g, const struct half *h)
{
    text_drop(&g->texts, h->dimensions);
    text_drop(&g->texts, h->peer);
    text_drop(&g->texts, h->database);
}

static struct edge_key key_of_span(const struct span_view *span)
{
    struct edge_key k;
    memcpy(k.trace_id, span->trace_id, sizeof k.trace_id);
    memcpy(k.span_id, is_client(span) ? span->span_id : span->parent_span_id, sizeof k.span_id);
    return k;
}

static bool key_of_link(const struct link_view *link, struct edge_key *k)
{
    static const struct edge_key none;
    if (link->trace_id.len != sizeof k->trace_id || link->span_id.len != sizeof k->span_id)
        return false;
    memcpy(k->trace_id, link->trace_id.data, sizeof k->trace_id);
    memcpy(k->span_id, link->span_id.data, sizeof k->span_id);
    return memcmp(k->trace_id, none.trace_id, sizeof k->trace_id) != 0 &&
           memcmp(k->span_id, none.span_id, sizeof k->span_id) != 0;
}

/* Whether the parent is still to be looked for: not when a link names it, nor when there is none
 * and a link names somebody else. */
static bool offer_links(struct walk *w, const struct span_view *span, const struct edge_key *parent,
                        const struct half *h)
{
    struct span_cursor cursor;
    struct link_view link;
    struct edge_key k;
    bool linked = false, same = false;
    span_links_begin(&cursor, span_bytes(span));
    for (unsigned n = 0; n < LINKS_MAX && link_next(&cursor, &link); n++) {
        if (!key_of_link(&link, &k))
            continue;
        if (memcmp(&k, parent, sizeof k) == 0) {
            same = true; /* once is enough */
            continue;
        }
        linked = true;
        offer(w, &k, edge_hash(&k), h);
    }
    return same || !linked || !span_is_root(span);
}

struct pending {
    const struct span_view *span;
    struct edge_key key;
    uint64_t hash;
};

/* As in span_metrics, a resource is read once and not for each of its scopes. */
static void enter_resource(struct walk *w, uint32_t number)
{
    struct service_graph *g = w->g;
    const struct resource_view *r = &w->batch->resources[number];
    struct attribute a;
    text_drop(&g->texts, w->service);
    w->service = NULL;
    w->resource_number = number;
    w->no_memory = false;
    if (attribute_find(r->message, RESOURCE_ATTRIBUTES, bytes_of_string("service.name"), &a))
        w->service = get_text(w, &a.value);
    w->no_service_memory = w->no_memory;
    dimension_values_find(&w->resource, &g->settings.names, r->message, RESOURCE_ATTRIBUTES);
}

static void enter_scope(struct walk *w, uint32_t scope)
{
    uint32_t resource = w->batch->scopes[scope].resource;
    w->scope = scope;
    if (resource != w->resource_number)
        enter_resource(w, resource);
}

static void take_span(struct walk *w, const struct pending *p)
{
    struct service_graph *g = w->g;
    if (p->span->scope != w->scope)
        enter_scope(w, p->span->scope);
    w->no_memory = w->no_service_memory;
    if (w->service) {
        struct half h = half_of(w, p->span);
        bool by_parent = true;
        if (p->span->kind == SPAN_KIND_CONSUMER && g->settings.links)
            by_parent = offer_links(w, p->span, &p->key, &h);
        if (by_parent)
            offer(w, &p->key, p->hash, &h);
        drop_half(g, &h);
    }
    w->counts.lost += w->no_memory;
}

/* As in span_metrics: a handful's keys first, then what they lead to, then the spans. */
static void take_handful(struct walk *w, const struct span_view *spans, unsigned count)
{
    struct edges *edges = &w->g->edges;
    struct pending pending[HANDFUL];
    unsigned n = 0;
    for (unsigned i = 0; i < count; i++) {
        if (!has_part(&spans[i]))
            continue;
        struct pending *p = &pending[n++];
        p->span = &spans[i];
        p->key = key_of_span(&spans[i]);
        p->hash = edge_hash(&p->key);
        open_edges_prefetch(edges, p->hash);
    }
    for (unsigned i = 0; i < n; i++)
        edges_prefetch_edge(edges, pending[i].hash);
    for (unsigned i = 0; i < n; i++)
        take_span(w, &pending[i]);
}

static void take_counts(struct service_graph *g, struct counts *c)
{
    c->lost += g->lost_edges;
    g->lost_edges = 0;
    c->overflowed = g->store.overflowed;
    g->store.overflowed = 0;
}

static void tell(struct service_graph *g, const struct counts *c, bool first)
{
    counter_add(g->total_edges, c->total);
    counter_add(g->dropped_spans, c->dropped);
    counter_add(g->overflowed, c->overflowed);
    if (first)
        log_warn(g->component.id,
                 "too many series: new ones are counted in otel.metric.overflow=\"true\", see "
                 "max_series",
                 LOG_I("max_series", g->settings.limits.store));
    if (c->lost > 0) {
        counter_add(g->lost, c->lost);
        log_error(g->component.id, "no memory to pair spans", LOG_I("spans", c->lost));
    }
}

static struct outcome service_graph_consume(struct component *component, struct batch *b,
                                            struct receipt *r)
{
    struct service_graph *g = (struct service_graph *)component;
    struct walk w;
    (void)r;
    w.g = g;
    w.batch = b;
    w.now = moment_now();
    w.counts = (struct counts){0};
    w.scope = w.resource_number = UINT32_MAX;
    w.service = NULL;
    w.no_service_memory = false;
    series_lock_lane(&g->lock);
    expire_some(g, w.now, b->span_count + EXPIRE_MORE);
    for (uint32_t i = 0; i < b->span_count; i += HANDFUL) {
        uint32_t left = b->span_count - i;
        take_handful(&w, b->spans + i, left < HANDFUL ? left : HANDFUL);
    }
    series_sweep(&g->store, w.now.steady_ns, SWEEP_SLOTS);
    text_drop(&g->texts, w.service);
    take_counts(g, &w.counts);
    bool first = w.counts.overflowed > 0 && !g->told_overflow;
    g->told_overflow |= first;
    series_unlock(&g->lock);
    tell(g, &w.counts, first);
    batch_release(b);
    return outcome_accepted();
}

/* ---- life ---- */

static struct metric_source *service_graph_source(struct component *component)
{
    return &((struct service_graph *)component)->source;
}

static void service_graph_destroy(struct component *component)
{
    struct service_graph *g = (struct service_graph *)component;
    if (g->telemetry)
        telemetry_remove(g->telemetry, g);
    open_edges_free(&g->edges);
    series_store_free(&g->store);
    dimension_writer_free(&g->keys);
    series_lock_destroy(&g->lock);
    free(g);
}

static const struct component_ops service_graph_ops = {.consume = service_graph_consume,
                                                       .metrics = service_graph_source,
                                                       .destroy = service_graph_destroy};

/* Edges expire when somebody looks, should no batch come by. */
static double read_expired(void *context)
{
    struct service_graph *g = context;
    service_graph_expire_all(g, moment_now());
    return (double)counter_read(&g->expired_edges);
}

static void init_telemetry(struct service_graph *g, struct telemetry *t)
{
    const struct label *labels = LABELS({"connector", g->component.id});
    g->telemetry = t;
    g->total_edges = telemetry_counter(t, "otelcol_connector_servicegraph_total_edges",
                                       "Edges that were begun", labels);
    telemetry_total(t, "otelcol_connector_servicegraph_expired_edges",
                    "Edges whose other half did not come in time", labels, read_expired, g);
    g->dropped_spans = telemetry_counter(
        t, "otelcol_connector_servicegraph_dropped_spans",
        "Spans that found no room to wait for their other half: see store::max_items", labels);
    g->overflowed = telemetry_counter(
        t, "tailspan_connector_service_graph_overflowed_edges",
        "Edges that were counted in the overflow series, for want of room for their own", labels);
    g->lost = telemetry_counter(t, "tailspan_connector_service_graph_lost_spans",
                                "Spans that were not paired for want of memory", labels);
}

static void keep_group(struct series_group *group)
{
    (void)group; /* it lies in the connector */
}

static bool init_stores(struct service_graph *g)
{
    const struct service_graph_settings *s = &g->settings;
    struct series_shape shape = {.histograms = 2,
                                 .bounds = s->bounds,
                                 .bound_count = s->bound_count,
                                 .max_size = s->max_size};
    g->group = (struct series_group){.free = keep_group, .seed = hash_seed(), .references = 1};
    return open_edges_init(&g->edges, &g->texts, s->max_items) &&
           series_store_init(&g->store, 0, &shape, &s->limits);
}

static struct component *service_graph_create(const struct component_spec *spec, struct error *e)
{
    struct service_graph *g = calloc(1, sizeof *g);
    if (!g) {
        error_set(e, "out of memory");
        return NULL;
    }
    component_init(&g->component, spec, &service_graph_ops);
    series_lock_init(&g->lock);
    if (!service_graph_configure(g, spec->config, e)) {
        service_graph_destroy(&g->component);
        return NULL;
    }
    if (!init_stores(g)) {
        service_graph_destroy(&g->component);
        error_set(e, "out of memory");
        return NULL;
    }
    init_telemetry(g, spec->telemetry);
    service_graph_source_init(g);
    return &g->component;
}

const struct component_kind service_graph_connector = {
    .type = "service_graph",
    .alias = "servicegraph",
    .class = COMPONENT_CONNECTOR,
    .summary = "which service calls which, as metrics",
    .create = service_graph_create,
};
