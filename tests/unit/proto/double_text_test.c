/* Doubles as text: the fewest digits, and where an exponent begins. */
#include "proto/double_text.h"

#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void notation(void **state)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-0.0, "-0"},
        {1, "1"},
        {-1.5, "-1.5"},
        {0.1, "0.1"},
        {100, "100"},
        {1e-6, "0.000001"},
        {9.5e-7, "9.5e-7"},
        {1e20, "100000000000000000000"},
        {1e21, "1e+21"},
        {123456789.125, "123456789.125"},
        {5e-324, "5e-324"},
        {-DBL_MAX, "-1.7976931348623157e+308"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[DOUBLE_TEXT_MAX];
        assert_int_equal(double_text(cases[i].value, text), strlen(cases[i].text));
        assert_string_equal(text, cases[i].text);
    }
}

static void every_text_reads_back(void **state)
{
    (void)state;
    uint64_t bits = 1;
    for (int i = 0; i < 20000; i++) {
        char text[DOUBLE_TEXT_MAX];
        double d;
        bits = bits * 6364136223846793005u + 1442695040888963407u;
        uint64_t finite = (bits >> 52 & 2047) == 2047 ? bits >> 2 : bits;
        memcpy(&d, &finite, sizeof d);
        assert_true(double_text(d, text) < DOUBLE_TEXT_MAX);
        assert_true(strtod(text, NULL) == d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notation),
        cmocka_unit_test(every_text_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
