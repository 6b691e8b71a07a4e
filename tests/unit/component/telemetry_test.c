/* The registry: one series a name and label set, text in Prometheus' format. */
#include "component/telemetry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static double seven(void *context)
{
    (void)context;
    return 7;
}

static void series_are_found_again_and_written_in_order(void **state)
{
    (void)state;
    struct telemetry *t = telemetry_create();
    struct counter *b = telemetry_counter(t, "b_spans", "Spans.", LABELS({"who", "a\"b\\c\nd"}));
    struct counter *again =
        telemetry_counter(t, "b_spans", "Spans.", LABELS({"who", "a\"b\\c\nd"}));
    assert_ptr_equal(b, again);
    telemetry_counter(t, "b_spans", "Spans.", LABELS({"who", "z"}));
    int context;
    telemetry_gauge(t, "a_size", "Size.", NULL, seven, &context);
    counter_add(b, 3);
    struct buffer out = {0};
    telemetry_write(t, &out);
    buffer_append_byte(&out, 0);
    assert_string_equal((const char *)out.data, "# HELP a_size Size.\n"
                                                "# TYPE a_size gauge\n"
                                                "a_size 7\n"
                                                "# HELP b_spans Spans.\n"
                                                "# TYPE b_spans counter\n"
                                                "b_spans{who=\"a\\\"b\\\\c\\nd\"} 3\n"
                                                "b_spans{who=\"z\"} 0\n");
    buffer_free(&out);
    telemetry_remove(t, &context);
    telemetry_write(t, &out);
    assert_null(memmem(out.data, out.len, "a_size", 6));
    buffer_free(&out);
    telemetry_destroy(t);
}

static void bucket_of(struct telemetry *t, const char *shard, const char *le, uint64_t n)
{
    const struct label *labels =
        shard ? LABELS({"shard", shard}, {"le", le}) : LABELS({"le", le}, {0});
    counter_add(telemetry_counter(t, "age_bucket", "Age.", labels), n);
}

static void counters_named_like_a_histogram_are_one_family(void **state)
{
    (void)state;
    static const char *const bounds[] = {"2", "10", "100", "+Inf"};
    struct telemetry *t = telemetry_create();
    for (unsigned i = 0; i < 4; i++) {
        bucket_of(t, NULL, bounds[i], i);
        bucket_of(t, "b", bounds[i], i);
    }
    for (unsigned twice = 0; twice < 2; twice++) { /* as two that share it do */
        counter_add(telemetry_counter(t, "age_sum", "Age.", NULL), 50);
        counter_add(telemetry_counter(t, "age_count", "Age.", NULL), 1);
        telemetry_counter(t, "age_sum", "Age.", LABELS({"shard", "b"}));
        telemetry_counter(t, "age_count", "Age.", LABELS({"shard", "b"}));
    }
    telemetry_counter(t, "age_limit", "Limit.", NULL);
    telemetry_counter(t, "a_count", "No histogram's.", LABELS({"le", "x"}));
    telemetry_counter(t, "age_bucket", "A bucket without a bound.", LABELS({"able", "1"}));
    struct buffer out = {0};
    telemetry_write(t, &out);
    buffer_append_byte(&out, 0);
    assert_string_equal((const char *)out.data, "# HELP a_count No histogram's.\n"
                                                "# TYPE a_count counter\n"
                                                "a_count{le=\"x\"} 0\n"
                                                "# HELP age Age.\n"
                                                "# TYPE age histogram\n"
                                                "age_bucket{le=\"2\"} 0\n"
                                                "age_bucket{le=\"10\"} 1\n"
                                                "age_bucket{le=\"100\"} 2\n"
                                                "age_bucket{le=\"+Inf\"} 3\n"
                                                "age_sum 100\n"
                                                "age_count 2\n"
                                                "age_bucket{shard=\"b\",le=\"2\"} 0\n"
                                                "age_bucket{shard=\"b\",le=\"10\"} 1\n"
                                                "age_bucket{shard=\"b\",le=\"100\"} 2\n"
                                                "age_bucket{shard=\"b\",le=\"+Inf\"} 3\n"
                                                "age_sum{shard=\"b\"} 0\n"
                                                "age_count{shard=\"b\"} 0\n"
                                                "# HELP age_bucket A bucket without a bound.\n"
                                                "# TYPE age_bucket counter\n"
                                                "age_bucket{able=\"1\"} 0\n"
                                                "# HELP age_limit Limit.\n"
                                                "# TYPE age_limit counter\n"
                                                "age_limit 0\n");
    buffer_free(&out);
    telemetry_destroy(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(series_are_found_again_and_written_in_order),
        cmocka_unit_test(counters_named_like_a_histogram_are_one_family),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
