/* Scrapes of sources in the process, in each format, read back. */
#include "component/clock.h"
#include "io/prometheus/client/metrics.pb-c.h"
#include "metrics/prometheus/scrape.h"
#include "proto/wire.h"
#include "text_reader.h"

#include <libdeflate.h>

static struct http_reply reply;
static struct scrape_report report;

struct setup {
    struct naming naming;
    struct label_rules rules;
    struct scrape_options options;
    struct families families;
};

static struct setup usual(const struct exposition_format *format)
{
    return (struct setup){
        .naming = {.suffixes = true},
        .options = {.format = format, .limit = 8 << 20, .deadline_ns = UINT64_MAX},
    };
}

static void make(struct setup *s, struct metric_source *const *sources, size_t count)
{
    s->rules.utf8 = s->naming.utf8;
    assert_true(families_make(&s->families, sources, count, &s->naming, "prometheus"));
    s->options.families = &s->families;
    s->options.rules = &s->rules;
    memset(&reply, 0, sizeof reply);
}

static void scrape_sources(struct setup *s, struct metric_source *const *sources, size_t count)
{
    make(s, sources, count);
    assert_int_equal(scrape_run(&s->options, &reply, &report), SCRAPE_DONE);
}

static void scrape_one(struct setup *s, struct test_source *source)
{
    struct metric_source *sources[] = {&source->source};
    scrape_sources(s, sources, 1);
}

static void done(struct setup *s)
{
    families_free(&s->families);
    buffer_free(&reply.body);
}

static void assert_body(const char *expected)
{
    char *body = buffer_take(&reply.body, NULL);
    assert_string_equal(body, expected);
    free(body);
}

#define SHOP "instance=\"i-1\",job=\"shop/cart\",span_kind=\"SPAN_KIND_SERVER\",span_name=\"GET /\""
#define EXEMPLAR_1                                                                                 \
    " # {trace_id=\"ab000000000000000000000000000000\",span_id=\"cd00000000000000\"} "             \
    "1.5 1700000000.123"
#define EXEMPLAR_2                                                                                 \
    " # {trace_id=\"01000000000000000000000000000000\",span_id=\"0200000000000000\"} "             \
    "5000000 1700000001.000"

static void the_classic_text(void **state)
{
    (void)state;
    struct setup s = usual(&exposition_text);
    struct test_source shop = shop_source();
    scrape_one(&s, &shop);
    assert_string_equal(reply.content_type, "text/plain; version=0.0.4; charset=utf-8");
    assert_body("# HELP queue_length_ratio A gauge.\n"
                "# TYPE queue_length_ratio gauge\n"
                "queue_length_ratio{" SHOP "} -0.5\n"
                "# HELP traces_span_metrics_calls_total Calls.\n"
                "# TYPE traces_span_metrics_calls_total counter\n"
                "traces_span_metrics_calls_total{" SHOP "} 7\n"
                "# HELP traces_span_metrics_duration_milliseconds How long.\n"
                "# TYPE traces_span_metrics_duration_milliseconds histogram\n"
                "traces_span_metrics_duration_milliseconds_bucket{" SHOP ",le=\"2\"} 1\n"
                "traces_span_metrics_duration_milliseconds_bucket{" SHOP ",le=\"10.5\"} 3\n"
                "traces_span_metrics_duration_milliseconds_bucket{" SHOP ",le=\"1e+06\"} 3\n"
                "traces_span_metrics_duration_milliseconds_bucket{" SHOP ",le=\"+Inf\"} 7\n"
                "traces_span_metrics_duration_milliseconds_sum{" SHOP "} 12.25\n"
                "traces_span_metrics_duration_milliseconds_count{" SHOP "} 7\n"
                "# HELP traces_span_metrics_fine_seconds \n"
                "# TYPE traces_span_metrics_fine_seconds histogram\n"
                "traces_span_metrics_fine_seconds_bucket{" SHOP ",le=\"+Inf\"} 6\n"
                "traces_span_metrics_fine_seconds_sum{" SHOP "} 3\n"
                "traces_span_metrics_fine_seconds_count{" SHOP "} 6\n"
                "# HELP target_info Target metadata\n"
                "# TYPE target_info gauge\n"
                "target_info{host_name=\"box\",instance=\"i-1\",job=\"shop/cart\"} 1\n");
    done(&s);
}

static void open_metrics(void **state)
{
    (void)state;
    struct setup s = usual(&exposition_open_metrics);
    struct test_source shop = shop_source();
    shop.source.family_count = 2;
    s.options.timestamps = true;
    s.rules.scope = true;
    scrape_one(&s, &shop);
#define SCOPED                                                                                     \
    "instance=\"i-1\",job=\"shop/cart\",otel_scope_name=\"test\",span_kind=\"SPAN_KIND_SERVER\","  \
    "span_name=\"GET /\""
#define BUCKET "traces_span_metrics_duration_milliseconds_bucket{" SCOPED ",le="
    assert_body("# HELP traces_span_metrics_calls Calls.\n"
                "# TYPE traces_span_metrics_calls counter\n"
                "traces_span_metrics_calls_total{" SCOPED "} 7 1700000002.000" EXEMPLAR_1 "\n"
                "# HELP traces_span_metrics_duration_milliseconds How long.\n"
                "# TYPE traces_span_metrics_duration_milliseconds histogram\n" BUCKET
                "\"2.0\"} 1 1700000002.000" EXEMPLAR_1 "\n" BUCKET
                "\"10.5\"} 3 1700000002.000\n" BUCKET "\"1e+06\"} 3 1700000002.000\n" BUCKET
                "\"+Inf\"} 7 1700000002.000" EXEMPLAR_2 "\n"
                "traces_span_metrics_duration_milliseconds_sum{" SCOPED "} 12.25 1700000002.000\n"
                "traces_span_metrics_duration_milliseconds_count{" SCOPED "} 7 1700000002.000\n"
                "# HELP target_info Target metadata\n"
                "# TYPE target_info gauge\n"
                "target_info{host_name=\"box\",instance=\"i-1\",job=\"shop/cart\"} 1\n"
                "# EOF\n");
    done(&s);
}

/* ---- protobuf ---- */

typedef Io__Prometheus__Client__MetricFamily Family;

/* The next message of the body, to be freed; NULL at the end. */
static Family *next_family(struct bytes *rest)
{
    size_t len = 0;
    if (rest->len == 0)
        return NULL;
    const uint8_t *at = wire_length(rest->data, rest->data + rest->len, &len);
    assert_non_null(at);
    Family *f = io__prometheus__client__metric_family__unpack(NULL, len, at);
    assert_non_null(f);
    *rest = bytes_of(at + len, rest->len - (size_t)(at + len - rest->data));
    return f;
}

static void free_family(Family *f)
{
    io__prometheus__client__metric_family__free_unpacked(f, NULL);
}

static void assert_shop_labels(const Io__Prometheus__Client__Metric *m)
{
    static const char *const expected[][2] = {{"instance", "i-1"},
                                              {"job", "shop/cart"},
                                              {"span_kind", "SPAN_KIND_SERVER"},
                                              {"span_name", "GET /"}};
    assert_int_equal(m->n_label, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(m->label[i]->name, expected[i][0]);
        assert_string_equal(m->label[i]->value, expected[i][1]);
    }
}

static void assert_native(const Io__Prometheus__Client__Histogram *h)
{
    assert_int_equal(h->sample_count, 6);
    assert_true(h->sample_sum == 3);
    assert_int_equal(h->n_bucket, 0);
    assert_true(h->has_schema);
    assert_int_equal(h->schema, 2);
    assert_true(h->zero_threshold == 1e-128);
    assert_int_equal(h->zero_count, 1);
    assert_int_equal(h->n_positive_span, 2);
    assert_int_equal(h->positive_span[0]->offset, -1);
    assert_int_equal(h->positive_span[0]->length, 1);
    assert_int_equal(h->positive_span[1]->offset, 3);
    assert_int_equal(h->positive_span[1]->length, 1);
    assert_int_equal(h->n_positive_delta, 2);
    assert_int_equal(h->positive_delta[0], 3);
    assert_int_equal(h->positive_delta[1], -1);
    assert_int_equal(h->n_exemplars, 1);
    assert_true(h->exemplars[0]->value == 1.5);
    assert_int_equal(h->exemplars[0]->timestamp->seconds, 1700000000);
    assert_int_equal(h->created_timestamp->seconds, 1600000000);
}

static void assert_classic(const Io__Prometheus__Client__Histogram *h)
{
    static const uint64_t counts[] = {1, 3, 3, 7};
    assert_false(h->has_schema);
    assert_int_equal(h->n_bucket, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(h->bucket[i]->cumulative_count, counts[i]);
        assert_true(h->bucket[i]->upper_bound == (i < 3 ? shop_bounds[i] : INFINITY));
    }
    assert_string_equal(h->bucket[0]->exemplar->label[0]->name, "trace_id");
    assert_string_equal(h->bucket[0]->exemplar->label[0]->value,
                        "ab000000000000000000000000000000");
    assert_string_equal(h->bucket[0]->exemplar->label[1]->value, "cd00000000000000");
    assert_null(h->bucket[1]->exemplar);
    assert_true(h->bucket[3]->exemplar->value == 5e6);
}

static void protobuf(void **state)
{
    (void)state;
    static const char *const names[] = {"queue_length_ratio", "traces_span_metrics_calls_total",
                                        "traces_span_metrics_duration_milliseconds",
                                        "traces_span_metrics_fine_seconds", "target_info"};
    static const int types[] = {1, 0, 4, 4, 1};
    struct setup s = usual(&exposition_protobuf);
    struct test_source shop = shop_source();
    s.options.timestamps = true;
    scrape_one(&s, &shop);
    struct bytes rest = buffer_bytes(&reply.body);
    for (size_t i = 0; i < 5; i++) {
        Family *f = next_family(&rest);
        assert_string_equal(f->name, names[i]);
        assert_int_equal(f->type, types[i]);
        assert_int_equal(f->n_metric, 1);
        const Io__Prometheus__Client__Metric *m = f->metric[0];
        if (i < 4) {
            assert_shop_labels(m);
            assert_int_equal(m->timestamp_ms, 1700000002000);
        }
        if (i == 0)
            assert_true(m->gauge->value == -0.5);
        else if (i == 1)
            assert_true(m->counter->value == 7 && m->counter->exemplar->value == 1.5);
        else if (i == 2)
            assert_classic(m->histogram);
        else if (i == 3)
            assert_native(m->histogram);
        free_family(f);
    }
    assert_null(next_family(&rest));
    done(&s);
}

/* ---- what is left out, what is merged ---- */

static void sources_share_families_and_no_series_is_shown_twice(void **state)
{
    (void)state;
    static const struct metric_family other_families[] = {
        {"traces.span.metrics_calls", "", "Others.", METRIC_SUM},
        {"traces.span.metrics.duration", "ms", "Not a histogram.", METRIC_GAUGE},
    };
    static const struct metric_label other_labels[] = {LABEL("span.name", "POST /")};
    static const struct metric_point calls[] = {
        {.series = 1, .labels = other_labels, .label_count = 1, .value = 1},
        {SHOP_POINT, .value = 100},
    };
    struct test_source shop = shop_source(), other = source_of(other_families, 2);
    other.points[0] = calls;
    other.counts[0] = 2;
    other.points[1] = calls;
    other.counts[1] = 2;
    shop.source.family_count = 2;
    struct setup s = usual(&exposition_text);
    struct metric_source *sources[] = {&shop.source, &other.source};
    scrape_sources(&s, sources, 2);
    assert_int_equal(report.duplicates, 1);
    assert_int_equal(report.points, 3);
    assert_int_equal(read_text(buffer_bytes(&reply.body), false).families, 3);
    char *body = buffer_take(&reply.body, NULL);
    assert_non_null(strstr(body, "# HELP traces_span_metrics_calls_total Calls.\n"
                                 "# TYPE traces_span_metrics_calls_total counter\n"
                                 "traces_span_metrics_calls_total{" SHOP "} 7\n"
                                 "traces_span_metrics_calls_total{span_name=\"POST /\"} 1\n#"));
    assert_null(strstr(body, "Not a histogram"));
    free(body);
    done(&s);
}

static void old_points_are_not_shown(void **state)
{
    (void)state;
    struct setup s = usual(&exposition_text);
    struct test_source shop = shop_source();
    s.options.expiration_ns = 300ull * SECOND;
    scrape_one(&s, &shop);
    assert_int_equal(report.expired, 4);
    assert_int_equal(reply.body.len, 0);
    done(&s);
}

static void a_histogram_that_is_too_coarse_is_left_out(void **state)
{
    (void)state;
    struct test_source source = coarse_source();
    struct setup s = usual(&exposition_protobuf);
    scrape_one(&s, &source);
    assert_int_equal(report.unsayable, 1);
    done(&s);
}

static void a_late_scrape_ends(void **state)
{
    (void)state;
    struct setup s = usual(&exposition_text);
    struct test_source shop = shop_source();
    struct metric_source *sources[] = {&shop.source};
    s.options.deadline_ns = 1;
    make(&s, sources, 1);
    assert_int_equal(scrape_run(&s.options, &reply, &report), SCRAPE_LATE);
    assert_null(reply.body.data);
    done(&s);
}

static void half_a_scrape_is_none(void **state)
{
    (void)state;
    struct setup s = usual(&exposition_text);
    struct test_source shop = shop_source();
    struct metric_source *sources[] = {&shop.source};
    shop.short_of_memory = true;
    make(&s, sources, 1);
    assert_int_equal(scrape_run(&s.options, &reply, &report), SCRAPE_TOO_LARGE);
    assert_null(reply.body.data);
    done(&s);
}

/* ---- labels ---- */

static void names_that_meet(void **state)
{
    (void)state;
    static const struct metric_family families[] = {{"x", "", "", METRIC_SUM}};
    static const struct metric_label labels[] = {
        LABEL("a.b", "1"), LABEL("a_b", "2"),        LABEL("job", "no"), LABEL("le", "3"),
        LABEL("c", "no"),  LABEL("host.name", "no"), LABEL("empty", "")};
    static const struct metric_point points[] = {
        {.resource = &shop_resource, .labels = labels, .label_count = 7, .value = 1}};
    static const struct config_pair constants[] = {{"c", "constant"}};
    struct test_source source = source_of(families, 1);
    source.points[0] = points;
    source.counts[0] = 1;
    struct setup s = usual(&exposition_text);
    s.rules.constants = (struct config_pairs){constants, 1};
    s.rules.resource =
        (struct resource_conversion){.enabled = true, .exclude_service_attributes = true};
    scrape_one(&s, &source);
    char *body = buffer_take(&reply.body, NULL);
    assert_non_null(strstr(body, "x_total{a_b=\"1;2\",c=\"constant\",empty=\"\",exported_le=\"3\","
                                 "host_name=\"box\",instance=\"i-1\",job=\"shop/cart\"} 1\n"));
    free(body);
    done(&s);

    s = usual(&exposition_text);
    s.rules.resource.enabled = true;
    scrape_one(&s, &source);
    body = buffer_take(&reply.body, NULL);
    assert_non_null(strstr(body, ",service_instance_id=\"i-1\",service_name=\"cart\""));
    free(body);
    done(&s);
}

/* To Prometheus a label without a value is none. */
static void empty_labels_make_no_other_series(void **state)
{
    (void)state;
    static const struct metric_family families[] = {{"x", "", "", METRIC_SUM}};
    static const struct metric_label labels[] = {LABEL("a", "1"), LABEL("b", "")};
    static const struct metric_point points[] = {
        {.labels = labels, .label_count = 2, .value = 1},
        {.labels = labels, .label_count = 1, .value = 2},
    };
    struct test_source source = source_of(families, 1);
    source.points[0] = points;
    source.counts[0] = 2;
    struct setup s = usual(&exposition_text);
    scrape_one(&s, &source);
    assert_int_equal(report.duplicates, 1);
    assert_body("# HELP x_total \n# TYPE x_total counter\nx_total{a=\"1\",b=\"\"} 1\n");
    done(&s);
}

static void utf8_names_are_quoted(void **state)
{
    (void)state;
    struct setup s = usual(&exposition_open_metrics);
    struct test_source shop = shop_source();
    s.naming.utf8 = true;
    scrape_one(&s, &shop);
    struct text_reader r = read_text(buffer_bytes(&reply.body), true);
    assert_int_equal(r.families, 5);
    char *body = buffer_take(&reply.body, NULL);
    assert_non_null(strstr(body, "\n# TYPE \"traces.span.metrics.calls\" counter\n"
                                 "{\"traces.span.metrics.calls_total\",instance=\"i-1\","));
    assert_non_null(strstr(body, ",\"span.name\"=\"GET /\",le=\"+Inf\"} 7"));
    free(body);
    done(&s);
}

/* Whatever a sender puts into names and values, each format stays what it is. */
static void hostile_labels_stay_labels(void **state)
{
    (void)state;
    static const struct metric_family families[] = {{"x\n# EOF\n", "\"", "a\n\\\"\xff", METRIC_SUM},
                                                    {"h", "s", "", METRIC_HISTOGRAM}};
    static const struct exposition_format *const formats[] = {
        &exposition_text, &exposition_open_metrics, &exposition_protobuf};
    unsigned random = 7;
    for (int round = 0; round < 3000; round++) {
        uint8_t bytes[6][24];
        struct metric_label labels[3];
        for (size_t i = 0; i < 6; i++) {
            static const char likely[] = "\"\\\n{},=# _l\0\xff\xc3\xa9";
            for (size_t k = 0; k < sizeof bytes[i]; k++) {
                random = random * 1664525 + 1013904223;
                bytes[i][k] =
                    random >> 31 ? (uint8_t)likely[(random >> 16) % 15] : (uint8_t)(random >> 20);
            }
        }
        for (size_t i = 0; i < 3; i++)
            labels[i] = (struct metric_label){
                .name = bytes_of(bytes[i], (size_t)round % 24),
                .value = {.type = VALUE_STRING, .bytes = bytes_of(bytes[i + 3], 24)}};
        struct metric_point points[2][1] = {{{.labels = labels, .label_count = 3, .value = 1}},
                                            {{.labels = labels,
                                              .label_count = 3,
                                              .count = 7,
                                              .bounds = shop_bounds,
                                              .bound_count = 3,
                                              .buckets = shop_buckets}}};
        struct test_source source = source_of(families, 2);
        for (size_t i = 0; i < 2; i++) {
            source.points[i] = points[i];
            source.counts[i] = 1;
        }
        struct setup s = usual(formats[round % 3]);
        s.naming.utf8 = round / 3 % 2;
        scrape_one(&s, &source);
        struct bytes body = buffer_bytes(&reply.body);
        if (round % 3 < 2) {
            assert_int_equal(read_text(body, round % 3 == 1).samples, 7);
        } else {
            for (Family *f; (f = next_family(&body));)
                free_family(f);
        }
        done(&s);
    }
}

/* ---- size ---- */

struct many {
    struct metric_source source;
    size_t count;
};

static void collect_many(struct metric_source *source, size_t family, struct metric_visitor *v)
{
    struct many *m = (struct many *)source;
    (void)family;
    for (size_t i = 0; i < m->count; i++) {
        struct metric_label label = {.name = bytes_of_string("number"),
                                     .value = {.type = VALUE_INT, .integer = (int64_t)i}};
        struct metric_point p = {.series = i,
                                 .labels = &label,
                                 .label_count = 1,
                                 .count = 7,
                                 .sum = (double)i,
                                 .bounds = shop_bounds,
                                 .bound_count = 3,
                                 .buckets = shop_buckets};
        if (!v->point(v, &p))
            return;
    }
}

static const struct metric_family many_families[] = {{"many", "s", "", METRIC_HISTOGRAM}};

static struct many many_points(size_t count)
{
    return (struct many){.source = {.families = many_families,
                                    .family_count = 1,
                                    .scope = "",
                                    .collect = collect_many},
                         .count = count};
}

static char *unzip(struct bytes packed, size_t len)
{
    char *plain = malloc(len);
    size_t got;
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    assert_int_equal(libdeflate_gzip_decompress(d, packed.data, packed.len, plain, len, &got),
                     LIBDEFLATE_SUCCESS);
    assert_int_equal(got, len);
    libdeflate_free_decompressor(d);
    return plain;
}

/* Reads a reply that comes in pieces. */
static struct buffer read_stream(void)
{
    struct buffer all = {0};
    uint8_t piece[1000];
    ssize_t n;
    assert_non_null(reply.stream);
    while ((n = reply.stream(reply.stream_context, piece, sizeof piece)) > 0)
        buffer_append(&all, piece, (size_t)n);
    assert_int_equal(n, 0);
    reply.stream_free(reply.stream_context);
    return all;
}

static void a_large_body_is_kept_packed(void **state)
{
    (void)state;
    enum { POINTS = 60000 };
    struct many many = many_points(POINTS);
    struct metric_source *sources[] = {&many.source};
    struct setup s = usual(&exposition_open_metrics);
    scrape_sources(&s, sources, 1);
    assert_null(reply.body.data);
    assert_true(reply.stream_held < 4 << 20);
    struct buffer plain = read_stream();
    assert_true(plain.len > 10 << 20);
    assert_int_equal(read_text(buffer_bytes(&plain), true).samples, POINTS * 6);
    done(&s);

    s = usual(&exposition_open_metrics);
    s.options.gzip = true;
    scrape_sources(&s, sources, 1);
    assert_string_equal(reply.headers[0].name, "Content-Encoding");
    char *unpacked = unzip(buffer_bytes(&reply.body), plain.len);
    assert_memory_equal(unpacked, plain.data, plain.len);
    free(unpacked);
    buffer_free(&plain);
    done(&s);
}

static void a_large_family_comes_in_several_messages(void **state)
{
    (void)state;
    enum { POINTS = 30000 };
    struct many many = many_points(POINTS);
    struct metric_source *sources[] = {&many.source};
    struct setup s = usual(&exposition_protobuf);
    scrape_sources(&s, sources, 1);
    struct bytes rest = buffer_bytes(&reply.body);
    size_t metrics = 0, messages = 0;
    for (Family *f; (f = next_family(&rest)); messages++) {
        assert_string_equal(f->name, "many_seconds");
        assert_int_equal(f->type, 4);
        metrics += f->n_metric;
        free_family(f);
    }
    assert_int_equal(metrics, POINTS);
    assert_true(messages > 1);
    done(&s);
}

static void a_body_over_the_limit_is_given_up(void **state)
{
    (void)state;
    struct many many = many_points(60000);
    struct metric_source *sources[] = {&many.source};
    struct setup s = usual(&exposition_text);
    s.options.limit = 100000;
    make(&s, sources, 1);
    assert_int_equal(scrape_run(&s.options, &reply, &report), SCRAPE_TOO_LARGE);
    assert_null(reply.body.data);
    done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_classic_text),
        cmocka_unit_test(open_metrics),
        cmocka_unit_test(protobuf),
        cmocka_unit_test(sources_share_families_and_no_series_is_shown_twice),
        cmocka_unit_test(old_points_are_not_shown),
        cmocka_unit_test(a_histogram_that_is_too_coarse_is_left_out),
        cmocka_unit_test(a_late_scrape_ends),
        cmocka_unit_test(half_a_scrape_is_none),
        cmocka_unit_test(names_that_meet),
        cmocka_unit_test(empty_labels_make_no_other_series),
        cmocka_unit_test(utf8_names_are_quoted),
        cmocka_unit_test(hostile_labels_stay_labels),
        cmocka_unit_test(a_large_body_is_kept_packed),
        cmocka_unit_test(a_large_family_comes_in_several_messages),
        cmocka_unit_test(a_body_over_the_limit_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
