/* Requests of metrics, read back with protobuf-c; and deltas, added up again. */
#include "tests/unit/prometheus/source.h"

#include "exporters/otlp_metrics.h"
#include "opentelemetry/proto/collector/metrics/v1/metrics_service.pb-c.h"
#include "proto/otlp_json.h"

typedef Opentelemetry__Proto__Collector__Metrics__V1__ExportMetricsServiceRequest Request;
typedef Opentelemetry__Proto__Metrics__V1__ResourceMetrics ResourceMetrics;
typedef Opentelemetry__Proto__Metrics__V1__Metric Metric;
typedef Opentelemetry__Proto__Metrics__V1__HistogramDataPoint HistogramPoint;
typedef Opentelemetry__Proto__Metrics__V1__ExponentialHistogramDataPoint ExponentialPoint;

/* What was emitted, decoded. */
static struct {
    Request *requests[64];
    size_t count;
    uint64_t points;
    uint64_t lost;
    size_t longest;
    struct buffer last;
} sent;

static void take(void *context, struct buffer *request, uint64_t points)
{
    (void)context;
    if (request->failed) {
        sent.lost += points;
        return;
    }
    Request *r =
        opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__unpack(
            NULL, request->len, request->data);
    assert_non_null(r);
    assert_true(sent.count < 64);
    sent.requests[sent.count++] = r;
    sent.points += points;
    sent.longest = request->len > sent.longest ? request->len : sent.longest;
    buffer_free(&sent.last);
    sent.last = *request;
    *request = (struct buffer){0};
}

static void forget(void)
{
    for (size_t i = 0; i < sent.count; i++)
        opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__free_unpacked(
            sent.requests[i], NULL);
    buffer_free(&sent.last);
    memset(&sent, 0, sizeof sent);
}

static void collect(struct otlp_metrics *m, struct test_source *s)
{
    forget();
    otlp_metrics_collect(m, &s->source, take, NULL);
}

static const Metric *metric(size_t i)
{
    assert_int_equal(sent.lost, 0);
    assert_int_equal(sent.count, 1);
    assert_int_equal(sent.requests[0]->n_resource_metrics, 1);
    const ResourceMetrics *r = sent.requests[0]->resource_metrics[0];
    assert_int_equal(r->n_scope_metrics, 1);
    assert_true(i < r->scope_metrics[0]->n_metrics);
    return r->scope_metrics[0]->metrics[i];
}

static void assert_attribute(const Opentelemetry__Proto__Common__V1__KeyValue *a, const char *key,
                             const char *value)
{
    assert_string_equal(a->key, key);
    assert_string_equal(a->value->string_value, value);
}

static void every_kind_arrives(void **state)
{
    (void)state;
    struct otlp_metrics *m = otlp_metrics_create();
    struct test_source shop = shop_source();
    collect(m, &shop);
    assert_int_equal(sent.points, 4);
    const ResourceMetrics *r = sent.requests[0]->resource_metrics[0];
    assert_int_equal(r->resource->n_attributes, 4);
    assert_attribute(r->resource->attributes[0], "service.name", "cart");
    assert_string_equal(r->scope_metrics[0]->scope->name, "test");

    const Metric *calls = metric(0);
    assert_string_equal(calls->name, "traces.span.metrics.calls");
    assert_string_equal(calls->description, "Calls.");
    assert_true(calls->sum->is_monotonic);
    assert_int_equal(calls->sum->aggregation_temporality, 2);
    assert_int_equal(calls->sum->data_points[0]->as_int, 7);
    assert_int_equal(calls->sum->data_points[0]->start_time_unix_nano, 1600000000000000000u);
    assert_int_equal(calls->sum->data_points[0]->time_unix_nano, 1700000002000000000u);
    assert_attribute(calls->sum->data_points[0]->attributes[1], "span.kind", "SPAN_KIND_SERVER");
    assert_int_equal(calls->sum->data_points[0]->exemplars[0]->trace_id.len, 16);
    assert_int_equal(calls->sum->data_points[0]->exemplars[0]->trace_id.data[0], 0xab);
    assert_int_equal(calls->sum->data_points[0]->exemplars[0]->span_id.data[0], 0xcd);
    assert_true(calls->sum->data_points[0]->exemplars[0]->as_double == 1.5);

    const Metric *duration = metric(1);
    const HistogramPoint *h = duration->histogram->data_points[0];
    assert_string_equal(duration->unit, "ms");
    assert_int_equal(h->count, 7);
    assert_true(h->sum == 12.25);
    assert_int_equal(h->n_attributes, 2);
    assert_int_equal(h->n_explicit_bounds, 3);
    assert_memory_equal(h->explicit_bounds, shop_bounds, sizeof shop_bounds);
    assert_int_equal(h->n_bucket_counts, 4);
    assert_memory_equal(h->bucket_counts, shop_buckets, sizeof shop_buckets);
    assert_int_equal(h->n_exemplars, 2);

    const ExponentialPoint *e = metric(2)->exponential_histogram->data_points[0];
    assert_int_equal(e->n_attributes, 2);
    assert_int_equal(e->count, 6);
    assert_int_equal(e->scale, 2);
    assert_int_equal(e->zero_count, 1);
    assert_int_equal(e->positive->offset, -2);
    assert_int_equal(e->positive->n_bucket_counts, 5);
    assert_memory_equal(e->positive->bucket_counts, shop_positive, sizeof shop_positive);

    assert_true(metric(3)->gauge->data_points[0]->as_double == -0.5);
    forget();
    otlp_metrics_destroy(m);
}

static void as_json(void **state)
{
    (void)state;
    struct otlp_metrics *m = otlp_metrics_create();
    struct test_source shop = shop_source();
    collect(m, &shop);
    struct buffer json = {0};
    assert_true(otlp_json_print(buffer_bytes(&sent.last), OTLP_METRICS_REQUEST, false, &json));
    char *text = buffer_take(&json, NULL);
    assert_non_null(strstr(text, "{\"resourceMetrics\":[{\"resource\":{\"attributes\":[{\"key\":"
                                 "\"service.name\",\"value\":{\"stringValue\":\"cart\"}}"));
    assert_non_null(strstr(text, "\"asInt\":\"7\""));
    assert_non_null(strstr(text, "\"traceId\":\"ab000000000000000000000000000000\""));
    assert_non_null(strstr(text, "\"bucketCounts\":[\"1\",\"2\",\"0\",\"4\"],"
                                 "\"explicitBounds\":[2,10.5,1000000]"));
    assert_non_null(strstr(text, "\"scale\":2,\"zeroCount\":\"1\",\"positive\":{\"offset\":-2,"
                                 "\"bucketCounts\":[\"3\",\"0\",\"0\",\"0\",\"2\"]}"));
    assert_non_null(strstr(text, "\"aggregationTemporality\":2,\"isMonotonic\":true"));
    free(text);
    forget();
    otlp_metrics_destroy(m);
}

/* ---- many ---- */

static const struct metric_family number_families[] = {{"n", "", "", METRIC_SUM}};

static void requests_are_bounded_and_resources_together(void **state)
{
    (void)state;
    enum { POINTS = 30000, RESOURCES = 1500 };
    static struct metric_point points[POINTS];
    static struct metric_resource resources[RESOURCES];
    static uint8_t seen[POINTS];
    for (size_t i = 0; i < POINTS; i++) {
        resources[i % RESOURCES] = (struct metric_resource){
            .id = i % RESOURCES, .labels = shop_resource_labels, .label_count = 4};
        points[i] = (struct metric_point){SHOP_POINT};
        points[i].resource = &resources[i % RESOURCES];
        points[i].value = (double)i;
    }
    struct otlp_metrics *m = otlp_metrics_create();
    struct test_source source = source_of(number_families, 1);
    source.points[0] = points;
    source.counts[0] = POINTS;
    collect(m, &source);
    assert_int_equal(sent.points, POINTS);
    assert_true(sent.count > 1);
    assert_true(sent.longest < 4 << 20);
    for (size_t i = 0; i < sent.count; i++) {
        assert_true(sent.requests[i]->n_resource_metrics <= 1024);
        for (size_t r = 0; r < sent.requests[i]->n_resource_metrics; r++) {
            const Metric *n = sent.requests[i]->resource_metrics[r]->scope_metrics[0]->metrics[0];
            for (size_t k = 0; k < n->sum->n_data_points; k++)
                seen[n->sum->data_points[k]->as_int]++;
        }
    }
    for (size_t i = 0; i < POINTS; i++)
        assert_int_equal(seen[i], 1);
    collect(m, &(struct test_source){.source = {.families = number_families, .family_count = 0}});
    assert_int_equal(sent.count, 0);
    forget();
    otlp_metrics_destroy(m);
}

/* ---- deltas ---- */

static void deltas_are_what_came_since(void **state)
{
    (void)state;
    struct otlp_metrics *m = otlp_metrics_create();
    struct test_source shop = shop_source();
    struct metric_point calls = shop_calls[0], duration = shop_duration[0];
    shop.source.delta = true;
    shop.source.family_count = 2;
    shop.points[0] = &calls;
    shop.points[1] = &duration;
    collect(m, &shop);
    assert_int_equal(metric(0)->sum->aggregation_temporality, 1);
    assert_int_equal(metric(0)->sum->data_points[0]->as_int, 7);
    collect(m, &shop);
    assert_int_equal(sent.count, 0);

    uint64_t buckets[] = {1, 5, 0, 4};
    calls.value = 10;
    calls.time_ns += SECOND;
    duration.count = 10;
    duration.sum = 20;
    duration.buckets = buckets;
    duration.time_ns += SECOND;
    collect(m, &shop);
    assert_int_equal(metric(0)->sum->data_points[0]->as_int, 3);
    assert_int_equal(metric(0)->sum->data_points[0]->start_time_unix_nano, 1700000002000000000u);
    assert_int_equal(metric(0)->sum->data_points[0]->n_exemplars, 0);
    const HistogramPoint *h = metric(1)->histogram->data_points[0];
    assert_int_equal(h->count, 3);
    assert_true(h->sum == 7.75);
    assert_memory_equal(h->bucket_counts, ((uint64_t[]){0, 3, 0, 0}), 32);

    /* A series that went away and comes again under the same id is told whole. */
    shop.counts[0] = 0;
    collect(m, &shop);
    shop.counts[0] = 1;
    collect(m, &shop);
    assert_int_equal(metric(0)->sum->data_points[0]->as_int, 10);
    forget();
    otlp_metrics_destroy(m);
}

/* What a source could not show is not gone: it is not told whole once more when it is shown again.
 */
static void deltas_outlive_want_of_memory(void **state)
{
    (void)state;
    struct otlp_metrics *m = otlp_metrics_create();
    struct test_source shop = shop_source();
    struct metric_point calls = shop_calls[0];
    shop.source.delta = true;
    shop.source.family_count = 1;
    shop.points[0] = &calls;
    collect(m, &shop);
    assert_int_equal(metric(0)->sum->data_points[0]->as_int, 7);
    assert_int_equal(sent.lost, 0);

    calls.value = 9;
    shop.short_of_memory = true;
    shop.counts[0] = 0;
    collect(m, &shop);
    assert_int_equal(sent.count, 0);
    assert_int_equal(sent.lost, 1);

    shop.short_of_memory = false;
    shop.counts[0] = 1;
    collect(m, &shop);
    assert_int_equal(metric(0)->sum->data_points[0]->as_int, 2);
    assert_int_equal(sent.lost, 0);
    forget();
    otlp_metrics_destroy(m);
}

/* The scale becomes coarser between two tellings. */
static void deltas_follow_the_scale(void **state)
{
    (void)state;
    static const struct metric_family families[] = {{"e", "", "", METRIC_EXPONENTIAL_HISTOGRAM}};
    struct metric_point p = {.series = 1,
                             .count = 10,
                             .scale = 3,
                             .positive_offset = -3,
                             .positive = (const uint64_t[]){1, 2, 3, 4},
                             .positive_count = 4};
    struct otlp_metrics *m = otlp_metrics_create();
    struct test_source source = source_of(families, 1);
    source.source.delta = true;
    source.points[0] = &p;
    source.counts[0] = 1;
    collect(m, &source);
    /* Places -3, -2, -1, 0 become -2, -1, -1, 0 at half the resolution. */
    p.scale = 2;
    p.count = 17;
    p.positive_offset = -3;
    p.positive = (const uint64_t[]){5, 1, 5 + 2, 4};
    collect(m, &source);
    const ExponentialPoint *e = metric(0)->exponential_histogram->data_points[0];
    assert_int_equal(e->count, 7);
    assert_int_equal(e->scale, 2);
    assert_int_equal(e->positive->offset, -3);
    assert_memory_equal(e->positive->bucket_counts, ((uint64_t[]){5, 0, 2, 0}), 32);
    forget();
    otlp_metrics_destroy(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_arrives),
        cmocka_unit_test(as_json),
        cmocka_unit_test(requests_are_bounded_and_resources_together),
        cmocka_unit_test(deltas_are_what_came_since),
        cmocka_unit_test(deltas_outlive_want_of_memory),
        cmocka_unit_test(deltas_follow_the_scale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
