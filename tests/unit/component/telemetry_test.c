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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(series_are_found_again_and_written_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
