/* span_metrics as a source of metrics: which families there are, and what a series looks like in
 * each. The same series is shown under the Collector's names, Tempo's, or both. */
#include "metrics/span_metrics_private.h"

#include "component/clock.h"
#include "metrics/instance_id.h"
#include "metrics/series_walk.h"
#include "proto/span_kind.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- families ---- */

static char *name_in(const char *namespace, const char *name)
{
    char *text = NULL;
    return asprintf(&text, "%s%s%s", namespace, *namespace ? "." : "", name) < 0 ? NULL : text;
}

static bool add_family(struct span_metrics *m, const char *name, enum metric_type type,
                       const char *unit, const char *help, struct span_family shown)
{
    if (!name)
        return false;
    size_t n = m->source.family_count++;
    m->families[n] = (struct metric_family){.name = name, .unit = unit, .help = help, .type = type};
    m->shown[n] = shown;
    return true;
}

#define CALLS_HELP    "Spans."
#define DURATION_HELP "How long spans took."

static bool add_families(struct span_metrics *m)
{
    const struct span_metrics_settings *s = &m->settings;
    enum metric_type histogram = s->max_size ? METRIC_EXPONENTIAL_HISTOGRAM : METRIC_HISTOGRAM;
    unsigned durations = s->split ? STORE_DURATIONS : STORE_CALLS;
    bool own = s->names & NAMES_COLLECTOR, tempo = s->names & NAMES_TEMPO;
    return (!own || add_family(m, name_in(s->namespace, "calls"), METRIC_SUM, "", CALLS_HELP,
                               (struct span_family){.store = STORE_CALLS})) &&
           (!own || s->no_histogram ||
            add_family(m, name_in(s->namespace, "duration"), histogram, s->seconds ? "s" : "ms",
                       DURATION_HELP,
                       (struct span_family){.store = durations, .durations = true})) &&
           (!own || !s->events ||
            add_family(m, name_in(s->namespace, "events"), METRIC_SUM, "", "Events of spans.",
                       (struct span_family){.store = STORE_EVENTS})) &&
           (!tempo ||
            add_family(m, name_in("", "traces_spanmetrics_calls_total"), METRIC_SUM, "", CALLS_HELP,
                       (struct span_family){.store = STORE_CALLS, .tempo = true})) &&
           (!tempo || s->no_histogram ||
            add_family(m, name_in("", "traces_spanmetrics_latency"), histogram, "", DURATION_HELP,
                       (struct span_family){.store = durations, .durations = true, .tempo = true}));
}

/* ---- labels ---- */

enum { LABELS_MAX = SPAN_LABELS + 1 + 2 + DIMENSIONS_MAX };

static const char *const tempo_label_names[SPAN_LABELS] = {"service", "span_name", "span_kind",
                                                           "status_code", NULL};

struct showing {
    struct span_metrics *m;
    const struct span_family *family;
    struct metric_visitor *visitor;
    uint64_t now_ns;
    struct metric_label *labels; /* with room for more than a point has */
    size_t label_room;
    size_t label_count;
    bool no_memory;                                  /* for labels */
    struct metric_exemplar exemplars[EXEMPLARS_MAX]; /* in another unit */
};

static void put_label(struct showing *v, struct bytes name, struct value value)
{
    if (v->label_count == v->label_room) {
        struct metric_label *more = realloc(v->labels, (v->label_room + LABELS_MAX) * sizeof *more);
        v->no_memory |= !more;
        if (!more)
            return;
        v->labels = more;
        v->label_room += LABELS_MAX;
    }
    v->labels[v->label_count++] = (struct metric_label){.name = name, .value = value};
}

static void put_text(struct showing *v, const char *name, struct bytes text)
{
    put_label(v, bytes_of_string(name), (struct value){.type = VALUE_STRING, .bytes = text});
}

static void put_own_labels(struct showing *v, const struct series *s)
{
    const struct span_metrics_settings *settings = &v->m->settings;
    const char *const *names = v->family->tempo ? tempo_label_names : span_label_names;
    const struct resource_group *g = (const struct resource_group *)s->group;
    struct bytes texts[SPAN_LABELS] = {
        [LABEL_SERVICE_NAME] = g->service,
        [LABEL_SPAN_NAME] = series_name(s),
        [LABEL_SPAN_KIND] = bytes_of_string(span_kind_constant((unsigned)(s->head & 0xff))),
        [LABEL_STATUS_CODE] =
            bytes_of_string(span_status_constant((unsigned)(s->head >> 8 & 0xff))),
        [LABEL_INSTANCE_ID] = instance_id(),
    };
    for (unsigned i = 0; i < SPAN_LABELS; i++) {
        if (names[i] && !settings->excluded[i])
            put_text(v, names[i], texts[i]);
    }
}

static void put_labels(struct showing *v, const struct series *s)
{
    struct metric_label label;
    v->label_count = 0;
    if (s->overflow) {
        put_label(v, bytes_of_string("otel.metric.overflow"),
                  (struct value){.type = VALUE_BOOL, .boolean = true});
        return;
    }
    put_own_labels(v, s);
    unsigned method = s->head >> 16 & 0xff;
    if (method)
        put_text(v, "sampling.method", bytes_of_string(method == 2 ? "extrapolated" : "counted"));
    struct dimension_reader r = {series_rest(s), series_types(s)};
    while (dimension_read(&r, &v->m->settings.names_of_dimensions, &label))
        put_label(v, label.name, label.value);
}

/* ---- points ---- */

/* Tempo's durations are seconds, and the unit may be milliseconds. */
static double unit_of(const struct showing *v)
{
    return v->family->tempo && !v->m->settings.seconds ? 1e-3 : 1;
}

static void put_histogram(struct showing *v, const struct series *s, struct metric_point *p)
{
    const struct series_shape *shape = &v->m->stores[v->family->store].shape;
    const void *values = series_values(s, shape, 0);
    p->count = s->count;
    if (shape->max_size) {
        series_exponential_point(values, p);
        return;
    }
    series_explicit_point(values, shape, p);
    if (unit_of(v) != 1) {
        p->sum *= unit_of(v);
        p->bounds = v->m->bounds_in_seconds;
    }
}

static void put_exemplars(struct showing *v, const struct series *s, struct metric_point *p)
{
    if (!s->exemplars)
        return;
    p->exemplars = s->exemplars->items;
    p->exemplar_count = s->exemplars->count;
    if (unit_of(v) == 1)
        return;
    for (size_t i = 0; i < p->exemplar_count; i++) {
        v->exemplars[i] = s->exemplars->items[i];
        v->exemplars[i].value *= unit_of(v);
    }
    p->exemplars = v->exemplars;
}

static bool show(void *context, const struct series *s)
{
    struct showing *v = context;
    put_labels(v, s);
    if (v->no_memory)
        return false;
    struct metric_point p = {.series = s->id,
                             .resource = &s->group->resource,
                             .labels = v->labels,
                             .label_count = v->label_count,
                             .start_ns = s->start_ns,
                             .time_ns = v->now_ns,
                             .value = (double)s->count};
    if (v->family->durations)
        put_histogram(v, s, &p);
    put_exemplars(v, s, &p);
    return v->visitor->point(v->visitor, &p);
}

static void span_metrics_collect(struct metric_source *source, size_t family,
                                 struct metric_visitor *visitor)
{
    struct span_metrics *m =
        (struct span_metrics *)((char *)source - offsetof(struct span_metrics, source));
    struct showing v = {
        .m = m, .family = &m->shown[family], .visitor = visitor, .now_ns = realtime_ns()};
    if (!series_walk(&m->stores[v.family->store], &m->lock, monotonic_ns(), show, &v) ||
        v.no_memory)
        visitor->incomplete = true;
    free(v.labels);
}

bool span_metrics_source_init(struct span_metrics *m)
{
    const struct span_metrics_settings *s = &m->settings;
    m->source = (struct metric_source){.families = m->families,
                                       .scope = "spanmetricsconnector",
                                       .delta = s->delta,
                                       .flush_interval_ns = s->flush_interval_ns,
                                       .collect = span_metrics_collect};
    m->bounds_in_seconds = calloc(s->bound_count + 1, sizeof(double));
    if (!m->bounds_in_seconds)
        return false;
    for (uint32_t i = 0; i < s->bound_count; i++)
        m->bounds_in_seconds[i] = s->seconds ? s->bounds[i] : s->bounds[i] / 1000;
    return add_families(m);
}

void span_metrics_source_free(struct span_metrics *m)
{
    for (size_t i = 0; i < m->source.family_count; i++)
        free((char *)m->families[i].name);
    free(m->bounds_in_seconds);
}
