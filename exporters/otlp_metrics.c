#include "exporters/otlp_metrics.h"

#include "exporters/metric_delta.h"
#include "proto/attribute_writer.h"
#include "proto/message_writer.h"

#include <math.h>
#include <stdlib.h>

enum {
    REQUEST_MAX = 2 << 20, /* gRPC's servers take 4 MiB */
    GROUPS_MAX = 1024,
    SLOTS = 2 * GROUPS_MAX,

    /* Field numbers: opentelemetry/proto/metrics/v1/metrics.proto. */
    REQUEST_RESOURCE_METRICS = 1,
    RESOURCE_METRICS_RESOURCE = 1,
    RESOURCE_METRICS_SCOPE_METRICS = 2,
    SCOPE_METRICS_SCOPE = 1,
    SCOPE_METRICS_METRICS = 2,
    SCOPE_NAME_FIELD = 1,
    RESOURCE_ATTRIBUTE = 1,

    METRIC_NAME = 1,
    METRIC_DESCRIPTION = 2,
    METRIC_UNIT = 3,
    DATA_POINTS = 1,
    DATA_TEMPORALITY = 2,
    SUM_MONOTONIC = 3,
    TEMPORALITY_DELTA = 1,
    TEMPORALITY_CUMULATIVE = 2,

    POINT_START = 2, /* of all three kinds of points, as is */
    POINT_TIME = 3,
    POINT_COUNT = 4, /* histograms */
    POINT_SUM = 5,
    NUMBER_AS_DOUBLE = 4,
    NUMBER_EXEMPLARS = 5,
    NUMBER_AS_INT = 6,
    NUMBER_ATTRIBUTES = 7,
    HISTOGRAM_BUCKETS = 6,
    HISTOGRAM_BOUNDS = 7,
    HISTOGRAM_EXEMPLARS = 8,
    HISTOGRAM_ATTRIBUTES = 9,
    HISTOGRAM_MIN = 11,
    HISTOGRAM_MAX = 12,
    EXPONENTIAL_ATTRIBUTES = 1,
    EXPONENTIAL_SCALE = 6,
    EXPONENTIAL_ZERO_COUNT = 7,
    EXPONENTIAL_POSITIVE = 8,
    EXPONENTIAL_EXEMPLARS = 11,
    EXPONENTIAL_MIN = 12,
    EXPONENTIAL_MAX = 13,
    BUCKETS_OFFSET = 1,
    BUCKETS_COUNTS = 2,

    EXEMPLAR_TIME = 2,
    EXEMPLAR_AS_DOUBLE = 3,
    EXEMPLAR_SPAN_ID = 4,
    EXEMPLAR_TRACE_ID = 5,
};

/* What one resource has in the request that is being made. */
struct group {
    bool none; /* points without a resource */
    uint64_t id;
    struct buffer resource;
    struct buffer metrics; /* done, as ScopeMetrics has them */
    struct buffer points;  /* of the family that is being walked, as its data has them */
};

struct otlp_metrics {
    struct metric_visitor visitor; /* first */
    struct metric_delta *delta;
    struct group groups[GROUPS_MAX];
    size_t count;
    uint16_t slots[SLOTS]; /* 1 + group, by the id; 0: free */
    struct group *last;
    size_t bytes;
    uint64_t points;

    /* the walk */
    struct metric_source *source;
    size_t family;
    void (*emit)(void *context, struct buffer *request, uint64_t points);
    void *context;
};

/* ---- points ---- */

static void write_labels(struct buffer *b, uint32_t number, const struct metric_label *labels,
                         size_t count)
{
    for (size_t i = 0; i < count; i++)
        attribute_append(b, number, labels[i].name, &labels[i].value);
}

static void write_exemplars(struct buffer *b, uint32_t number, const struct metric_point *p)
{
    for (size_t i = 0; i < p->exemplar_count; i++) {
        const struct metric_exemplar *e = &p->exemplars[i];
        size_t exemplar = message_begin(b, number);
        message_fixed64(b, EXEMPLAR_TIME, e->time_ns);
        message_double(b, EXEMPLAR_AS_DOUBLE, e->value);
        message_bytes(b, EXEMPLAR_SPAN_ID, bytes_of(e->span_id, sizeof e->span_id));
        message_bytes(b, EXEMPLAR_TRACE_ID, bytes_of(e->trace_id, sizeof e->trace_id));
        message_end(b, exemplar);
    }
}

static void write_times(struct buffer *b, const struct metric_point *p)
{
    message_fixed64(b, POINT_START, p->start_ns);
    message_fixed64(b, POINT_TIME, p->time_ns);
}

static void write_number(struct buffer *b, const struct metric_point *p, bool counts)
{
    bool whole = counts && fabs(p->value) < 9007199254740992.0 && p->value == floor(p->value);
    write_labels(b, NUMBER_ATTRIBUTES, p->labels, p->label_count);
    write_times(b, p);
    if (whole)
        message_fixed64(b, NUMBER_AS_INT, (uint64_t)(int64_t)p->value);
    else
        message_double(b, NUMBER_AS_DOUBLE, p->value);
    write_exemplars(b, NUMBER_EXEMPLARS, p);
}

static void write_eights(struct buffer *b, uint32_t number, const void *items, size_t count)
{
    size_t list = message_begin(b, number);
    uint8_t *at = buffer_reserve(b, count * 8);
    for (size_t i = 0; at && i < count; i++) {
        uint64_t v;
        memcpy(&v, (const uint8_t *)items + i * 8, 8);
        v = htole64(v);
        memcpy(at + i * 8, &v, 8);
    }
    b->len += at ? count * 8 : 0;
    message_end(b, list);
}

static void write_count_and_sum(struct buffer *b, const struct metric_point *p)
{
    write_times(b, p);
    message_fixed64(b, POINT_COUNT, p->count);
    message_double(b, POINT_SUM, p->sum);
}

static void write_histogram(struct buffer *b, const struct metric_point *p)
{
    write_labels(b, HISTOGRAM_ATTRIBUTES, p->labels, p->label_count);
    write_count_and_sum(b, p);
    write_eights(b, HISTOGRAM_BUCKETS, p->buckets, p->bound_count + 1);
    if (p->bound_count > 0)
        write_eights(b, HISTOGRAM_BOUNDS, p->bounds, p->bound_count);
    write_exemplars(b, HISTOGRAM_EXEMPLARS, p);
    if (p->has_min_max) {
        message_double(b, HISTOGRAM_MIN, p->min);
        message_double(b, HISTOGRAM_MAX, p->max);
    }
}

static void write_exponential(struct buffer *b, const struct metric_point *p)
{
    write_labels(b, EXPONENTIAL_ATTRIBUTES, p->labels, p->label_count);
    write_count_and_sum(b, p);
    message_signed(b, EXPONENTIAL_SCALE, p->scale);
    message_fixed64(b, EXPONENTIAL_ZERO_COUNT, p->zero_count);
    size_t positive = message_begin(b, EXPONENTIAL_POSITIVE);
    message_signed(b, BUCKETS_OFFSET, p->positive_offset);
    if (p->positive_count > 0) {
        size_t counts = message_begin(b, BUCKETS_COUNTS);
        for (size_t i = 0; i < p->positive_count; i++)
            message_varint(b, p->positive[i]);
        message_end(b, counts);
    }
    message_end(b, positive);
    write_exemplars(b, EXPONENTIAL_EXEMPLARS, p);
    if (p->has_min_max) {
        message_double(b, EXPONENTIAL_MIN, p->min);
        message_double(b, EXPONENTIAL_MAX, p->max);
    }
}

/* ---- families ---- */

static void end_family(const struct otlp_metrics *m, struct group *g)
{
    static const uint8_t data[] = {[METRIC_SUM] = 7,
                                   [METRIC_GAUGE] = 5,
                                   [METRIC_HISTOGRAM] = 9,
                                   [METRIC_EXPONENTIAL_HISTOGRAM] = 10};
    const struct metric_family *f = &m->source->families[m->family];
    if (g->points.len == 0 && !g->points.failed)
        return;
    struct buffer *b = &g->metrics;
    size_t metric = message_begin(b, SCOPE_METRICS_METRICS);
    message_bytes(b, METRIC_NAME, bytes_of_string(f->name));
    message_bytes(b, METRIC_DESCRIPTION, bytes_of_string(f->help ? f->help : ""));
    message_bytes(b, METRIC_UNIT, bytes_of_string(f->unit));
    size_t points = message_begin(b, data[f->type]);
    buffer_append(b, g->points.data, g->points.len);
    if (f->type != METRIC_GAUGE)
        message_integer(b, DATA_TEMPORALITY,
                        m->source->delta ? TEMPORALITY_DELTA : TEMPORALITY_CUMULATIVE);
    if (f->type == METRIC_SUM)
        message_integer(b, SUM_MONOTONIC, 1);
    message_end(b, points);
    message_end(b, metric);
    b->failed = b->failed || g->points.failed;
    g->points.len = 0;
}

static void end_families(struct otlp_metrics *m)
{
    for (size_t i = 0; i < m->count; i++)
        end_family(m, &m->groups[i]);
}

/* ---- requests ---- */

static void write_group(struct buffer *out, const struct group *g, const char *scope)
{
    size_t resource = message_begin(out, REQUEST_RESOURCE_METRICS);
    message_bytes(out, RESOURCE_METRICS_RESOURCE, buffer_bytes(&g->resource));
    size_t metrics = message_begin(out, RESOURCE_METRICS_SCOPE_METRICS);
    size_t name = message_begin(out, SCOPE_METRICS_SCOPE);
    message_bytes(out, SCOPE_NAME_FIELD, bytes_of_string(scope ? scope : ""));
    message_end(out, name);
    buffer_append(out, g->metrics.data, g->metrics.len);
    message_end(out, metrics);
    message_end(out, resource);
    out->failed = out->failed || g->resource.failed || g->metrics.failed;
}

static void flush(struct otlp_metrics *m)
{
    struct buffer request = {0};
    for (size_t i = 0; i < m->count; i++) {
        struct group *g = &m->groups[i];
        write_group(&request, g, m->source->scope);
        buffer_free(&g->resource);
        buffer_free(&g->metrics);
        buffer_free(&g->points);
    }
    if (m->points > 0)
        m->emit(m->context, &request, m->points);
    buffer_free(&request);
    memset(m->slots, 0, sizeof m->slots);
    m->count = 0;
    m->last = NULL;
    m->bytes = 0;
    m->points = 0;
}

/* ---- groups ---- */

static bool is_of(const struct group *g, const struct metric_resource *r)
{
    return r ? !g->none && g->id == r->id : g->none;
}

static struct group *find_group(struct otlp_metrics *m, const struct metric_resource *r)
{
    if (m->last && is_of(m->last, r))
        return m->last;
    size_t at = r ? (r->id * 0x9e3779b97f4a7c15u >> 32) % SLOTS : 0;
    while (m->slots[at] && !is_of(&m->groups[m->slots[at] - 1], r))
        at = (at + 1) % SLOTS;
    if (m->slots[at])
        return m->last = &m->groups[m->slots[at] - 1];
    struct group *g = &m->groups[m->count++];
    *g = (struct group){.none = !r, .id = r ? r->id : 0};
    if (r)
        write_labels(&g->resource, RESOURCE_ATTRIBUTE, r->labels, r->label_count);
    m->bytes += g->resource.len;
    m->slots[at] = (uint16_t)m->count;
    return m->last = g;
}

static void write_point(struct otlp_metrics *m, const struct metric_point *p)
{
    if (m->count == GROUPS_MAX || m->bytes >= REQUEST_MAX) {
        end_families(m);
        flush(m);
    }
    struct group *g = find_group(m, p->resource);
    size_t before = g->points.len;
    size_t point = message_begin(&g->points, DATA_POINTS);
    switch (m->source->families[m->family].type) {
    case METRIC_SUM:
        write_number(&g->points, p, true);
        break;
    case METRIC_GAUGE:
        write_number(&g->points, p, false);
        break;
    case METRIC_HISTOGRAM:
        write_histogram(&g->points, p);
        break;
    case METRIC_EXPONENTIAL_HISTOGRAM:
        write_exponential(&g->points, p);
        break;
    }
    message_end(&g->points, point);
    m->bytes += g->points.len - before;
    m->points++;
}

static void lose(struct otlp_metrics *m)
{
    struct buffer lost = {.failed = true};
    m->emit(m->context, &lost, 1);
}

static bool visit(struct metric_visitor *v, const struct metric_point *p)
{
    struct otlp_metrics *m = (struct otlp_metrics *)v;
    struct metric_point delta;
    if (!m->source->delta || m->source->families[m->family].type == METRIC_GAUGE) {
        write_point(m, p);
        return true;
    }
    switch (metric_delta_take(m->delta, m->source, m->family, p, &delta)) {
    case DELTA_NEW:
        write_point(m, &delta);
        break;
    case DELTA_NOTHING:
        break;
    case DELTA_NO_MEMORY:
        lose(m);
        break;
    }
    return true;
}

void otlp_metrics_collect(struct otlp_metrics *m, struct metric_source *source,
                          void (*emit)(void *context, struct buffer *request, uint64_t points),
                          void *context)
{
    m->source = source;
    m->emit = emit;
    m->context = context;
    m->visitor.incomplete = false;
    for (m->family = 0; m->family < source->family_count; m->family++) {
        source->collect(source, m->family, &m->visitor);
        end_families(m);
    }
    m->family = 0;
    flush(m);
    if (m->visitor.incomplete)
        lose(m);
    else if (source->delta)
        metric_delta_forget_unseen(m->delta, source);
}

struct otlp_metrics *otlp_metrics_create(void)
{
    struct otlp_metrics *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->visitor.point = visit;
    m->delta = metric_delta_create();
    if (m->delta)
        return m;
    free(m);
    return NULL;
}

void otlp_metrics_destroy(struct otlp_metrics *m)
{
    if (!m)
        return;
    metric_delta_destroy(m->delta);
    free(m);
}
