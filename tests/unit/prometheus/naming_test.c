/* Names, held against what the Collector's translator makes of them. */
#include "source.h"

#include "metrics/prometheus/naming.h"
#include "proto/utf8.h"

static const char *metric(struct naming n, const char *name, const char *unit,
                          enum metric_type type)
{
    static char text[512];
    struct buffer out = {0};
    naming_metric(&n, &(struct metric_family){name, unit, "", type}, &out);
    snprintf(text, sizeof text, "%.*s", (int)out.len, (const char *)out.data);
    buffer_free(&out);
    return text;
}

static const char *label(const char *name, size_t len, bool utf8)
{
    static char text[512];
    struct buffer out = {0};
    naming_label(bytes_of(name, len), utf8, &out);
    snprintf(text, sizeof text, "%.*s", (int)out.len, (const char *)out.data);
    buffer_free(&out);
    return text;
}
#define assert_label(name, expected)                                                               \
    assert_string_equal(label(name, sizeof(name) - 1, false), expected)

static const struct naming usual = {.suffixes = true};

static void metrics_get_units_and_suffixes(void **state)
{
    (void)state;
    assert_string_equal(metric(usual, "traces.span.metrics.calls", "", METRIC_SUM),
                        "traces_span_metrics_calls_total");
    assert_string_equal(metric(usual, "traces.span.metrics.duration", "ms", METRIC_HISTOGRAM),
                        "traces_span_metrics_duration_milliseconds");
    assert_string_equal(metric(usual, "traces_service_graph_request_server", "s", METRIC_HISTOGRAM),
                        "traces_service_graph_request_server_seconds");
    assert_string_equal(metric(usual, "a.seconds", "s", METRIC_GAUGE), "a_seconds");
    assert_string_equal(metric(usual, "total.a.total.b", "By/s", METRIC_SUM),
                        "a_b_bytes_per_second_total");
    assert_string_equal(metric(usual, "used", "1", METRIC_GAUGE), "used_ratio");
    assert_string_equal(metric(usual, "used", "1", METRIC_SUM), "used_total");
    assert_string_equal(metric(usual, "x", "{requests}/m", METRIC_GAUGE), "x_per_minute");
    assert_string_equal(metric(usual, "x", "weird unit!", METRIC_GAUGE), "x_weird_unit");
    assert_string_equal(metric(usual, "3rd..party__x", "", METRIC_GAUGE), "_3rd_party_x");
    assert_string_equal(metric(usual, "größe", "", METRIC_GAUGE), "gr_e");
    assert_string_equal(metric(usual, "", "", METRIC_GAUGE), "_");
    assert_string_equal(
        metric((struct naming){.suffixes = true, .namespace = "a.b"}, "1x", "s", METRIC_SUM),
        "a_b_1x_seconds_total");
}

static void metrics_without_suffixes_keep_their_underscores(void **state)
{
    (void)state;
    const struct naming n = {.namespace = "ns"};
    assert_string_equal(metric(n, "a__b.c", "s", METRIC_SUM), "ns_a__b_c");
}

static void utf8_names_keep_their_characters(void **state)
{
    (void)state;
    const struct naming suffixes = {.utf8 = true, .suffixes = true};
    const struct naming plain = {.utf8 = true, .namespace = "ns"};
    assert_string_equal(metric(suffixes, "größe.total", "By/s", METRIC_SUM),
                        "größe_bytes_per_second_total");
    assert_string_equal(metric(suffixes, "a.seconds", "s", METRIC_GAUGE), "a.seconds");
    assert_string_equal(metric(plain, "größe", "s", METRIC_SUM), "ns_größe");
    assert_string_equal(label("größe\n", 8, true), "größe\n");
    assert_string_equal(label("a\xff", 2, true), "a\xef\xbf\xbd");
}

static void labels_become_names(void **state)
{
    (void)state;
    assert_label("service.name", "service_name");
    assert_label("a..b", "a__b");
    assert_label("größe", "gr__e");
    assert_label("1st", "key_1st");
    assert_label("_x", "_x");
    assert_label("__name__", "key__name__");
    assert_label("", "key_");
    assert_label("...", "___");
    assert_label("a\"b\n\\\xff\0z", "a_b____z");
}

static void text_becomes_utf8(void **state)
{
    (void)state;
    static const char hostile[] = "a\xc3\xa9\xc3\0\xed\xa0\x80z";
    struct buffer out = {0};
    naming_clean(bytes_of(hostile, sizeof hostile - 1), &out);
    for (size_t at = 0; at < out.len;) {
        size_t n = utf8_sequence(out.data + at, out.len - at);
        assert_int_not_equal(n, 0);
        assert_int_not_equal(out.data[at], 0);
        at += n;
    }
    assert_memory_equal(out.data, "a\xc3\xa9", 3);
    assert_int_equal(out.data[out.len - 1], 'z');
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics_get_units_and_suffixes),
        cmocka_unit_test(metrics_without_suffixes_keep_their_underscores),
        cmocka_unit_test(utf8_names_keep_their_characters),
        cmocka_unit_test(labels_become_names),
        cmocka_unit_test(text_becomes_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
