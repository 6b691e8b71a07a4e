#include "source.h"

#include "metrics/prometheus/number_text.h"

#include <math.h>

static const char *text(void (*append)(struct buffer *, double), double v)
{
    static char out[128];
    struct buffer b = {0};
    append(&b, v);
    snprintf(out, sizeof out, "%.*s", (int)b.len, (const char *)b.data);
    buffer_free(&b);
    return out;
}

static void bound(struct buffer *b, double v)
{
    number_append_bound(b, v, false);
}

static void open_metrics_bound(struct buffer *b, double v)
{
    number_append_bound(b, v, true);
}

/* The expected texts are those of Go's strconv.FormatFloat(v, 'g', -1, 64). */
static void bounds_are_spelled_as_go_does(void **state)
{
    (void)state;
    static const struct {
        double v;
        const char *go, *open_metrics;
    } cases[] = {
        {0, "0", "0.0"},
        {2, "2", "2.0"},
        {10.5, "10.5", "10.5"},
        {15000, "15000", "15000.0"},
        {1e5, "100000", "100000.0"},
        {1e6, "1e+06", "1e+06"},
        {1234567, "1.234567e+06", "1.234567e+06"},
        {100000.5, "100000.5", "100000.5"},
        {0.0001, "0.0001", "0.0001"},
        {0.00001, "1e-05", "1e-05"},
        {0.000012345, "1.2345e-05", "1.2345e-05"},
        {1e22, "1e+22", "1e+22"},
        {-2.5, "-2.5", "-2.5"},
        {INFINITY, "+Inf", "+Inf"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_string_equal(text(bound, cases[i].v), cases[i].go);
        assert_string_equal(text(open_metrics_bound, cases[i].v), cases[i].open_metrics);
    }
}

static void samples_read_back_the_same(void **state)
{
    (void)state;
    static const double cases[] = {0,    -0.0,  1,      7,       -3,      0.1,
                                   1e15, 1e300, 5e-324, 123.456, 1.0 / 3, 9007199254740993.0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_true(strtod(text(number_append, cases[i]), NULL) == cases[i]);
    assert_string_equal(text(number_append, NAN), "NaN");
    assert_string_equal(text(number_append, -INFINITY), "-Inf");
    struct buffer b = {0};
    number_append_count(&b, UINT64_MAX);
    number_append_seconds(&b, 1700000000123999999u);
    assert_true(bytes_equal_string(buffer_bytes(&b), "184467440737095516151700000000.123"));
    buffer_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_are_spelled_as_go_does),
        cmocka_unit_test(samples_read_back_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
