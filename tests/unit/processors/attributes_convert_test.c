/* Numbers from text as Go's strconv takes them, and values from one type to another. */
#include "processors/attributes_convert.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void integers_are_decimal_and_whole(void **state)
{
    (void)state;
    static const char *const good[] = {"0", "-0", "+7", "-12", "9223372036854775807", "007"};
    static const char *const bad[] = {"",   " 5",    "5 ",  "0x10", "1e3", "9223372036854775808",
                                      "1_", "1_000", "--1", "+",    "1.0"};
    int64_t n;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(text_to_int(bytes_of_string(good[i]), &n));
        assert_int_equal(n, strtoll(good[i], NULL, 10));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(text_to_int(bytes_of_string(bad[i]), &n));
    assert_false(text_to_int(bytes_of("1\0", 2), &n));
}

static void doubles_are_as_go_reads_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double wanted;
    } good[] = {{"1", 1},           {".5", 0.5},       {"5.", 5},
                {"-1e3", -1000},    {"0x1p4", 16},     {"1_000", 1000},
                {"0x_1p0", 1},      {"inf", INFINITY}, {"-Infinity", -INFINITY},
                {"+Inf", INFINITY}, {"1e-400", 0}};
    static const char *const bad[] = {"",   " 1", "1 ",   "+nan", "nan(1)", "0x10", "1e999", "1e",
                                      "_1", "1_", "1__0", "1_.5", "x",      ".",    "infin", "-"};
    double d;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (!text_to_double(bytes_of_string(good[i].text), &d) || d != good[i].wanted)
            fail_msg("%s", good[i].text);
    }
    assert_true(text_to_double(bytes_of_string("NaN"), &d) && isnan(d));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (text_to_double(bytes_of_string(bad[i]), &d))
            fail_msg("%s", bad[i]);
    }
}

static void what_cannot_be_converted_stays(void **state)
{
    (void)state;
    struct pieces memory = {0};
    struct value v = {.type = VALUE_DOUBLE, .real = 1e300};
    value_convert(&v, TO_INT, &memory);
    assert_true(v.type == VALUE_INT && v.integer == INT64_MIN);
    value_convert(&v, TO_STRING, &memory);
    assert_true(bytes_equal_string(v.bytes, "-9223372036854775808"));
    value_convert(&v, TO_INT, &memory);
    assert_true(v.type == VALUE_INT);
    v = (struct value){.type = VALUE_BOOL, .boolean = true};
    value_convert(&v, TO_DOUBLE, &memory);
    assert_true(v.type == VALUE_DOUBLE && v.real == 1);
    v = (struct value){.type = VALUE_ARRAY};
    value_convert(&v, TO_INT, &memory);
    assert_int_equal(v.type, VALUE_ARRAY);
    v = (struct value){.type = VALUE_STRING, .bytes = bytes_of_string("x")};
    value_convert(&v, TO_DOUBLE, &memory);
    assert_int_equal(v.type, VALUE_STRING);
    pieces_free(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_decimal_and_whole),
        cmocka_unit_test(doubles_are_as_go_reads_them),
        cmocka_unit_test(what_cannot_be_converted_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
