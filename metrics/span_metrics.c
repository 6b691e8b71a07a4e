/* `connectors: span_metrics`: calls, durations and events of spans, by service, operation, kind,
 * status and whatever else is configured.
 *
 * Spans are counted where their batch arrived, under one lock a batch, a handful at a time: first
 * their keys are hashed, then what the hashes lead to is fetched, then it is counted. So the
 * processor waits for memory once a handful and not twice a span. A span's attributes are looked at
 * only when a dimension is configured; its tracestate only when it has one.
 *
 * A connector never refuses a batch. What it cannot count for want of memory is told as lost. */
#include "metrics/metrics.h"
#include "metrics/span_metrics_private.h"

#include "component/hash_seed.h"
#include "component/log.h"
#include "proto/attribute.h"
#include "proto/span_kind.h"

#include <stdlib.h>
#include <string.h>

enum { HANDFUL = 16, SWEEP_SLOTS = 16 /* a batch */ };

/* ---- keys ---- */

/* What a handful's keys are made from, as it changes from scope to scope. */
struct place {
    uint32_t scope; /* of the batch, as is the resource */
    uint32_t resource_number;
    struct resource_group *group; /* NULL: has no service, or no memory */
    bool no_memory;
    struct dimension_values resource;
    struct bytes scope_name; /* empty: not told */
    struct bytes scope_version;
};

struct pending {
    struct series_group *group;
    const struct span_view *span;
    double duration;
    uint64_t count;
    struct series_key keys[2];
    uint64_t hashes[2];
    size_t begin[2], types[2]; /* of the keys' rests, while they are being written */
};

/* All of one batch that does not fit into registers. */
struct counting {
    struct span_metrics *m;
    const struct batch *batch;
    struct moment now;
    uint64_t lost;
    struct place place;
    struct dimension_values span;
    struct dimension_values event;
    struct pending pending[HANDFUL];
};

static bool has_dimensions(const struct span_metrics_settings *s)
{
    return s->names_of_dimensions.count > 0 || s->names_of_dimensions.glob_count > 0;
}

/* A resource is read once and not for each of its scopes: both may be many and large. */
static void enter_resource(struct counting *c, uint32_t number)
{
    const struct span_metrics_settings *s = &c->m->settings;
    const struct resource_view *resource = &c->batch->resources[number];
    struct place *p = &c->place;
    p->resource_number = number;
    p->group = resource_set_get(&c->m->resources, resource, c->now.steady_ns, &p->no_memory);
    if (has_dimensions(s))
        dimension_values_find(&p->resource, &s->names_of_dimensions, resource->message,
                              RESOURCE_ATTRIBUTES);
}

static void enter_scope(struct counting *c, uint32_t scope)
{
    const struct span_metrics_settings *s = &c->m->settings;
    const struct scope_view *view = &c->batch->scopes[scope];
    struct place *p = &c->place;
    p->scope = scope;
    if (view->resource != p->resource_number)
        enter_resource(c, view->resource);
    p->scope_name = p->scope_version = bytes_of(NULL, 0);
    if (s->scopes.count == 0)
        return;
    struct bytes name = scope_name(view->message);
    for (size_t i = 0; i < s->scopes.count && name.len > 0; i++) {
        if (bytes_equal_string(name, s->scopes.items[i])) {
            p->scope_name = name;
            p->scope_version = scope_version(view->message);
        }
    }
}

static uint64_t head_of(const struct span_metrics_settings *s, const struct span_view *span,
                        bool adjusted)
{
    uint64_t head = 0;
    if (!s->excluded[LABEL_SPAN_KIND])
        head |= span->kind;
    if (!s->excluded[LABEL_STATUS_CODE])
        head |= (uint64_t)span->status_code << 8;
    if (s->sampling_method)
        head |= (uint64_t)(adjusted ? 2 : 1) << 16;
    return head;
}

static void write_rest(struct counting *c, unsigned store, const struct dimension_values *event)
{
    struct span_metrics *m = c->m;
    const struct place *p = &c->place;
    const struct dimension_values *from[3] = {&c->span, event, &p->resource};
    if (p->scope_name.len > 0)
        dimension_write_named(&m->keys, bytes_of_string("span.instrumentation.scope.name"),
                              p->scope_name, VALUE_STRING);
    if (p->scope_version.len > 0)
        dimension_write_named(&m->keys, bytes_of_string("span.instrumentation.scope.version"),
                              p->scope_version, VALUE_STRING);
    if (has_dimensions(&m->settings))
        dimension_list_write(&m->settings.dimensions[store], from, &m->keys);
}

static void set_rest(struct counting *c, struct series_key *k, size_t begin, size_t end,
                     size_t types, size_t types_end)
{
    const struct dimension_writer *w = &c->m->keys;
    k->rest = bytes_of(w->rest.data + begin, end - begin);
    k->types = bytes_of(w->types.data + types, types_end - types);
}

/* ---- counting ---- */

/* Field by field: copied whole right after it was written, a key would be waited for. */
static void set_key(struct series_key *k, const struct span_metrics_settings *s,
                    const struct span_view *span, bool adjusted)
{
    bool named = !s->excluded[LABEL_SPAN_NAME];
    k->head = head_of(s, span, adjusted);
    k->name.data = named ? span->data + span->name_offset : NULL;
    k->name.len = named ? span->name_len : 0;
    k->rest.len = k->types.len = 0;
}

static void prepare(struct counting *c, struct pending *p, const struct span_view *span)
{
    struct span_metrics *m = c->m;
    const struct span_metrics_settings *s = &m->settings;
    bool adjusted;
    p->group = c->place.group ? &c->place.group->group : NULL;
    c->lost += c->place.no_memory;
    if (!p->group)
        return;
    p->group->references++; /* another resource of this handful may push it out */
    p->span = span;
    p->count = adjusted_count_of(&m->adjusted, span, &adjusted);
    uint64_t ns = span->end_ns > span->start_ns ? span->end_ns - span->start_ns : 0;
    p->duration = (double)ns / (s->seconds ? 1e9 : 1e6);
    set_key(&p->keys[0], s, span, adjusted);
    if (s->split)
        set_key(&p->keys[1], s, span, adjusted);
}

/* The rests of a handful lie in one buffer, so they are only known once all are written. */
static void prepare_rests(struct counting *c, unsigned count)
{
    struct dimension_writer *w = &c->m->keys;
    unsigned stores = 1 + c->m->settings.split;
    for (unsigned i = 0; i < count; i++) {
        struct pending *p = &c->pending[i];
        if (!p->group)
            continue;
        if (p->span->scope != c->place.scope)
            enter_scope(c, p->span->scope);
        dimension_values_find(&c->span, &c->m->settings.names_of_dimensions, span_bytes(p->span),
                              SPAN_ATTRIBUTES);
        for (unsigned store = 0; store < stores; store++) {
            p->begin[store] = w->rest.len;
            p->types[store] = w->types.len;
            write_rest(c, store, NULL);
        }
    }
}

static void set_rests(struct counting *c, unsigned count)
{
    const struct dimension_writer *w = &c->m->keys;
    unsigned stores = 1 + c->m->settings.split;
    size_t end = w->rest.len, types_end = w->types.len;
    for (unsigned i = count; i-- > 0;) {
        struct pending *p = &c->pending[i];
        for (unsigned store = stores; p->group && store-- > 0;) {
            set_rest(c, &p->keys[store], p->begin[store], end, p->types[store], types_end);
            end = p->begin[store];
            types_end = p->types[store];
        }
    }
}

static void note_example(struct counting *c, struct series_store *st, struct series *s,
                         const struct pending *p)
{
    struct metric_exemplar e = {.time_ns = c->now.wall_ns, .value = p->duration};
    memcpy(e.trace_id, p->span->trace_id, sizeof e.trace_id);
    memcpy(e.span_id, p->span->span_id, sizeof e.span_id);
    series_example(st, s, &e);
}

static void count_in(struct counting *c, unsigned store, const struct pending *p,
                     const struct series_key *key, uint64_t hash)
{
    struct series_store *st = &c->m->stores[store];
    struct series *s = series_get(st, p->group, key, hash, c->now);
    if (!s) {
        c->lost++;
        return;
    }
    s->last_ns = c->now.steady_ns;
    uint64_t n = series_count(s, p->count);
    if (st->shape.histograms > 0)
        series_record(st, s, 0, p->duration, n);
    if (st->shape.exemplars > 0 && !s->overflow)
        note_example(c, st, s, p);
}

static void count_events(struct counting *c, const struct pending *p)
{
    struct span_metrics *m = c->m;
    struct span_cursor cursor;
    struct event_view event;
    span_events_begin(&cursor, span_bytes(p->span));
    while (event_next(&cursor, &event)) {
        m->keys.rest.len = m->keys.types.len = 0;
        dimension_values_find(&c->event, &m->settings.names_of_dimensions, event.message,
                              EVENT_ATTRIBUTES);
        write_rest(c, STORE_EVENTS, &c->event);
        if (m->keys.rest.failed || m->keys.types.failed) {
            c->lost++;
            dimension_writer_free(&m->keys);
            continue;
        }
        struct series_key key = p->keys[0];
        set_rest(c, &key, 0, m->keys.rest.len, 0, m->keys.types.len);
        count_in(c, STORE_EVENTS, p, &key, series_hash(p->group, &key));
    }
}

static void count_handful_events(struct counting *c, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const struct pending *p = &c->pending[i];
        if (!p->group)
            continue;
        if (p->span->scope != c->place.scope)
            enter_scope(c, p->span->scope);
        dimension_values_find(&c->span, &c->m->settings.names_of_dimensions, span_bytes(p->span),
                              SPAN_ATTRIBUTES);
        count_events(c, p);
    }
}

/* False: out of memory for the keys, and the handful is lost. */
static bool add_rests(struct counting *c, unsigned count)
{
    struct dimension_writer *w = &c->m->keys;
    w->rest.len = w->types.len = 0;
    prepare_rests(c, count);
    if (w->rest.failed || w->types.failed) {
        dimension_writer_free(w);
        return false;
    }
    set_rests(c, count);
    return true;
}

/* Fetches what the handful's keys lead to. */
static void fetch_series(struct counting *c, unsigned count)
{
    struct span_metrics *m = c->m;
    unsigned stores = 1 + m->settings.split;
    for (unsigned i = 0; i < count; i++) {
        struct pending *p = &c->pending[i];
        for (unsigned store = 0; p->group && store < stores; store++) {
            p->hashes[store] = series_hash(p->group, &p->keys[store]);
            series_prefetch(&m->stores[store], p->hashes[store]);
        }
    }
    for (unsigned i = 0; i < count; i++) {
        const struct pending *p = &c->pending[i];
        for (unsigned store = 0; p->group && store < stores; store++)
            series_prefetch_values(&m->stores[store], p->hashes[store]);
    }
}

static void count_pending(struct counting *c, unsigned count)
{
    struct span_metrics *m = c->m;
    unsigned stores = 1 + m->settings.split;
    if ((has_dimensions(&m->settings) || m->settings.scopes.count > 0) && !add_rests(c, count)) {
        c->lost += count;
        return;
    }
    fetch_series(c, count);
    for (unsigned i = 0; i < count; i++) {
        const struct pending *p = &c->pending[i];
        for (unsigned store = 0; p->group && store < stores; store++)
            count_in(c, store, p, &p->keys[store], p->hashes[store]);
    }
    if (m->settings.events)
        count_handful_events(c, count);
}

static void count_handful(struct counting *c, const struct span_view *spans, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (spans[i].scope != c->place.scope)
            enter_scope(c, spans[i].scope);
        prepare(c, &c->pending[i], &spans[i]);
    }
    count_pending(c, count);
    for (unsigned i = 0; i < count; i++) {
        if (c->pending[i].group)
            series_group_drop(c->pending[i].group);
    }
}

static void sweep(struct span_metrics *m, uint64_t now_ns)
{
    for (unsigned i = 0; i < STORES; i++)
        series_sweep(&m->stores[i], now_ns, SWEEP_SLOTS);
}

/* What overflow series have counted since it was told last. */
static uint64_t take_overflowed(struct span_metrics *m)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < STORES; i++) {
        n += m->stores[i].overflowed;
        m->stores[i].overflowed = 0;
    }
    return n;
}

static void tell(struct span_metrics *m, uint64_t overflowed, uint64_t lost, bool first)
{
    if (overflowed > 0)
        counter_add(m->overflowed, overflowed);
    if (first)
        log_warn(m->component.id,
                 "too many series: new ones are counted in otel.metric.overflow=\"true\", see "
                 "aggregation_cardinality_limit and max_series",
                 LOG_I("limit", m->settings.limits.group),
                 LOG_I("max_series", m->settings.limits.store));
    if (lost > 0) {
        counter_add(m->lost, lost);
        log_error(m->component.id, "no memory to count spans", LOG_I("spans", lost));
    }
}

static struct outcome span_metrics_consume(struct component *component, struct batch *b,
                                           struct receipt *r)
{
    struct span_metrics *m = (struct span_metrics *)component;
    struct counting c;
    (void)r;
    c.m = m;
    c.batch = b;
    c.now = moment_now();
    c.lost = 0;
    c.place.scope = c.place.resource_number = UINT32_MAX;
    c.place.group = NULL;
    c.place.no_memory = false;
    series_lock_lane(&m->lock);
    for (uint32_t i = 0; i < b->span_count; i += HANDFUL) {
        uint32_t left = b->span_count - i;
        count_handful(&c, b->spans + i, left < HANDFUL ? left : HANDFUL);
    }
    sweep(m, c.now.steady_ns);
    uint64_t overflowed = take_overflowed(m);
    bool first = overflowed > 0 && !m->told_overflow;
    m->told_overflow |= first;
    series_unlock(&m->lock);
    tell(m, overflowed, c.lost, first);
    batch_release(b);
    return outcome_accepted();
}

/* ---- the history ---- */

static bool identify_series(const struct series *s, struct history_identity *id)
{
    *id = (struct history_identity){.service = ((const struct resource_group *)s->group)->service,
                                    .operation = series_name(s),
                                    .kind = s->head & 0xff,
                                    .error = (s->head >> 8 & 0xff) == SPAN_STATUS_ERROR};
    return true;
}

struct history *span_metrics_history(struct component *component, struct error *e)
{
    struct span_metrics *m = (struct span_metrics *)component;
    if (component->ops != &span_metrics_ops) {
        error_set(e, "%s is not a span_metrics connector", component->id);
        return NULL;
    }
    const struct span_metrics_settings *s = &m->settings;
    if (m->history)
        return m->history;
    if (!s->history.enabled || s->no_histogram || s->excluded[LABEL_SPAN_NAME] ||
        s->excluded[LABEL_SPAN_KIND] || s->excluded[LABEL_STATUS_CODE]) {
        error_set(e, "%s keeps no history, or not what one is made of: %s", component->id,
                  !s->history.enabled ? "history::enabled is false"
                  : s->no_histogram   ? "histogram::disable is true"
                                      : "exclude_dimensions");
        return NULL;
    }
    struct history_source source = {.store = &m->stores[s->split ? STORE_DURATIONS : STORE_CALLS],
                                    .lock = &m->lock,
                                    .unit = s->seconds ? 1 : 1e-3,
                                    .identify = identify_series};
    m->history = history_create(&s->history, &source);
    if (!m->history)
        error_set(e, "out of memory");
    return m->history;
}

/* ---- life ---- */

static struct metric_source *span_metrics_source(struct component *component)
{
    return &((struct span_metrics *)component)->source;
}

static bool span_metrics_start(struct component *component, struct error *e)
{
    struct span_metrics *m = (struct span_metrics *)component;
    return !m->history || history_start(m->history) || error_set(e, "cannot start a thread");
}

static void span_metrics_stop(struct component *component)
{
    struct span_metrics *m = (struct span_metrics *)component;
    if (m->history)
        history_stop(m->history);
}

static void span_metrics_destroy(struct component *component)
{
    struct span_metrics *m = (struct span_metrics *)component;
    if (m->history)
        history_destroy(m->history);
    for (unsigned i = 0; i < STORES; i++)
        series_store_free(&m->stores[i]);
    resource_set_free(&m->resources);
    dimension_writer_free(&m->keys);
    span_metrics_source_free(m);
    series_lock_destroy(&m->lock);
    free(m);
}

const struct component_ops span_metrics_ops = {.start = span_metrics_start,
                                               .consume = span_metrics_consume,
                                               .stop = span_metrics_stop,
                                               .metrics = span_metrics_source,
                                               .destroy = span_metrics_destroy};

static bool init_stores(struct span_metrics *m)
{
    const struct span_metrics_settings *s = &m->settings;
    struct series_shape counts = {.exemplars = s->exemplars};
    struct series_shape durations = {.histograms = 1,
                                     .bounds = s->bounds,
                                     .bound_count = s->bound_count,
                                     .max_size = s->max_size,
                                     .exemplars = s->exemplars};
    bool together = !s->no_histogram && !s->split;
    return series_store_init(&m->stores[STORE_CALLS], STORE_CALLS, together ? &durations : &counts,
                             &s->limits) &&
           series_store_init(&m->stores[STORE_DURATIONS], STORE_DURATIONS, &durations,
                             &s->limits) &&
           series_store_init(&m->stores[STORE_EVENTS], STORE_EVENTS, &counts, &s->limits);
}

static void init_telemetry(struct span_metrics *m, struct telemetry *t)
{
    m->overflowed = telemetry_counter(
        t, "tailspan_connector_span_metrics_overflowed_spans",
        "Times that a span was counted in an overflow series, for want of room for its own",
        LABELS({"connector", m->component.id}));
    m->lost = telemetry_counter(t, "tailspan_connector_span_metrics_lost_spans",
                                "Times that a span was not counted for want of memory",
                                LABELS({"connector", m->component.id}));
}

static struct component *span_metrics_create(const struct component_spec *spec, struct error *e)
{
    struct span_metrics *m = calloc(1, sizeof *m);
    if (!m) {
        error_set(e, "out of memory");
        return NULL;
    }
    component_init(&m->component, spec, &span_metrics_ops);
    series_lock_init(&m->lock);
    if (!span_metrics_configure(&m->settings, spec->config, spec->id, e)) {
        span_metrics_destroy(&m->component);
        return NULL;
    }
    m->adjusted.random = hash_seed();
    init_telemetry(m, spec->telemetry);
    if (!resource_set_init(&m->resources, &m->settings.resources) || !init_stores(m) ||
        !span_metrics_source_init(m)) {
        span_metrics_destroy(&m->component);
        error_set(e, "out of memory");
        return NULL;
    }
    return &m->component;
}

const struct component_kind span_metrics_connector = {
    .type = "span_metrics",
    .alias = "spanmetrics",
    .class = COMPONENT_CONNECTOR,
    .summary = "calls, errors and durations of spans, as metrics",
    .create = span_metrics_create,
};
