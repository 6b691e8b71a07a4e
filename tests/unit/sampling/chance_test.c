/* Chance, against figures worked out elsewhere with exact fractions. */
#include "sampling/chance.h"

#include "proto/consistent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void the_hash_is_fnv_1a(void **state)
{
    (void)state;
    uint8_t id[16];
    for (uint8_t i = 0; i < 16; i++)
        id[i] = i;
    assert_int_equal(chance_salt(bytes_of("foobar", 6)), 0x85944171f73967e8);
    assert_int_equal(chance_hash(chance_salt(bytes_of_string("default-hash-seed")), id),
                     0xa6622cfe5bfb0e0d);
}

static void boundaries_are_the_collectors(void **state)
{
    (void)state;
    static const struct {
        double percentage;
        uint64_t boundary;
    } cases[] = {
        {0, 0},
        {-1, 0},
        {1e-9, 0xafebff0},
        {0.1, 0x4189374bc6a7ef},
        {1, 0x28f5c28f5c28f5f},
        {10, 0x19999999999999ff},
        {25, 0x3fffffffffffffff},
        {33.3, 0x553f7ced91686fff},
        {50, 0x7fffffffffffffff},
        {99.99, 0xfff972474538e7ff},
        {100, UINT64_MAX},
        {150, UINT64_MAX},
        {1e-300, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(chance_boundary(cases[i].percentage / 100), cases[i].boundary);
}

static void thresholds_are_short(void **state)
{
    (void)state;
    static const struct {
        double ratio;
        uint64_t threshold;
    } cases[] = {
        {0, THRESHOLD_LIMIT},
        {-0.5, THRESHOLD_LIMIT},
        {1e-30, THRESHOLD_LIMIT - 1},
        {0.001, 0xffbe7700000000},
        {0.01, 0xfd70a400000000},
        {0.1, 0xe6666000000000},
        {0.25, 0xc0000000000000},
        {1.0 / 3, 0xaaaa8000000000},
        {0.5, 0x80000000000000},
        {0.9999999, 0},
        {1, 0},
        {2, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(chance_threshold(cases[i].ratio), cases[i].threshold);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hash_is_fnv_1a),
        cmocka_unit_test(boundaries_are_the_collectors),
        cmocka_unit_test(thresholds_are_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
