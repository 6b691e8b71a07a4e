/* A source of metrics that shows what a test gives it, and what tests of exporters ask of it. */
#ifndef TAILSPAN_TESTS_PROMETHEUS_SOURCE_H
#define TAILSPAN_TESTS_PROMETHEUS_SOURCE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "component/metric.h"

#include <stdio.h>
#include <stdlib.h>

#define SECOND 1000000000u

struct test_source {
    struct metric_source source; /* first */
    const struct metric_point *points[4];
    size_t counts[4];     /* by family */
    bool short_of_memory; /* says that there would be more to show */
};

static inline void test_collect(struct metric_source *s, size_t family, struct metric_visitor *v)
{
    struct test_source *t = (struct test_source *)s;
    v->incomplete |= t->short_of_memory;
    for (size_t i = 0; i < t->counts[family]; i++) {
        if (!v->point(v, &t->points[family][i]))
            return;
    }
}

static inline struct test_source source_of(const struct metric_family *families, size_t count)
{
    return (struct test_source){.source = {.families = families,
                                           .family_count = count,
                                           .scope = "test",
                                           .flush_interval_ns = SECOND,
                                           .collect = test_collect}};
}

static inline struct value text_value(const char *text)
{
    return (struct value){.type = VALUE_STRING, .bytes = bytes_of_string(text)};
}

#define LABEL(name_, value_)                                                                       \
    {                                                                                              \
        .name = {(const uint8_t *)(name_), sizeof(name_) - 1}, .value = {                          \
            .type = VALUE_STRING,                                                                  \
            .bytes = {(const uint8_t *)(value_), sizeof(value_) - 1}                               \
        }                                                                                          \
    }

/* ---- a small shop ---- */

static const struct metric_label shop_resource_labels[] = {
    LABEL("service.name", "cart"),
    LABEL("service.namespace", "shop"),
    LABEL("service.instance.id", "i-1"),
    LABEL("host.name", "box"),
};
static const struct metric_resource shop_resource = {
    .id = 1, .labels = shop_resource_labels, .label_count = 4};

static const struct metric_label shop_labels[] = {
    LABEL("span.name", "GET /"),
    LABEL("span.kind", "SPAN_KIND_SERVER"),
};

static const struct metric_family shop_families[] = {
    {"traces.span.metrics.calls", "", "Calls.", METRIC_SUM},
    {"traces.span.metrics.duration", "ms", "How long.", METRIC_HISTOGRAM},
    {"traces.span.metrics.fine", "s", "", METRIC_EXPONENTIAL_HISTOGRAM},
    {"queue.length", "1", "A gauge.", METRIC_GAUGE},
};

static const double shop_bounds[] = {2, 10.5, 1e6};
static const uint64_t shop_buckets[] = {1, 2, 0, 4};
static const uint64_t shop_positive[] = {3, 0, 0, 0, 2};
static const struct metric_exemplar shop_exemplars[] = {
    {.time_ns = 1700000000123000000u, .value = 1.5, .trace_id = {0xab}, .span_id = {0xcd}},
    {.time_ns = 1700000001000000000u, .value = 5e6, .trace_id = {1}, .span_id = {2}},
};

#define SHOP_POINT                                                                                 \
    .series = 1, .resource = &shop_resource, .labels = shop_labels, .label_count = 2,              \
    .start_ns = 1600000000000000000u, .time_ns = 1700000002000000000u
static const struct metric_point shop_calls[] = {
    {SHOP_POINT, .value = 7, .exemplars = shop_exemplars, .exemplar_count = 1}};
static const struct metric_point shop_duration[] = {
    {SHOP_POINT, .count = 7, .sum = 12.25, .bounds = shop_bounds, .bound_count = 3,
     .buckets = shop_buckets, .exemplars = shop_exemplars, .exemplar_count = 2}};
static const struct metric_point shop_fine[] = {{SHOP_POINT, .count = 6, .sum = 3, .scale = 2,
                                                 .zero_count = 1, .positive_offset = -2,
                                                 .positive = shop_positive, .positive_count = 5,
                                                 .exemplars = shop_exemplars, .exemplar_count = 1}};
static const struct metric_point shop_queue[] = {{SHOP_POINT, .value = -0.5}};

static inline struct test_source shop_source(void)
{
    struct test_source s = source_of(shop_families, 4);
    const struct metric_point *points[] = {shop_calls, shop_duration, shop_fine, shop_queue};
    for (size_t i = 0; i < 4; i++) {
        s.points[i] = points[i];
        s.counts[i] = 1;
    }
    return s;
}

/* A histogram whose buckets are too coarse for Prometheus' schemas. */
static inline struct test_source coarse_source(void)
{
    static const struct metric_family families[] = {
        {"coarse", "", "", METRIC_EXPONENTIAL_HISTOGRAM}};
    static const struct metric_point points[] = {{.scale = -5, .count = 1}};
    struct test_source s = source_of(families, 1);
    s.points[0] = points;
    s.counts[0] = 1;
    return s;
}

#endif
