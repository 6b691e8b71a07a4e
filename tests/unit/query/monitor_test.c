/* Quantiles of buckets, as Prometheus makes them. */
#include "query/monitor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const double bounds[] = {0.1, 0.5, 1, 5};

static void equals(double quantile, const uint64_t buckets[5], double wanted)
{
    uint64_t total = 0;
    for (int i = 0; i < 5; i++)
        total += buckets[i];
    double got = monitor_quantile(quantile, bounds, 4, buckets, total);
    assert_true(got > wanted - 1e-9 && got < wanted + 1e-9);
}

static void quantiles_are_linear_within_a_bucket(void **state)
{
    (void)state;
    equals(0.5, (const uint64_t[]){0, 10, 0, 0, 0}, 0.3);
    equals(0, (const uint64_t[]){0, 10, 0, 0, 0}, 0);
    equals(1, (const uint64_t[]){0, 10, 0, 0, 0}, 0.5);
    equals(0.5, (const uint64_t[]){10, 0, 0, 0, 0}, 0.05);
    equals(0.75, (const uint64_t[]){5, 0, 5, 0, 0}, 0.75);
    equals(0.5, (const uint64_t[]){5, 0, 0, 5, 0}, 0.1);
}

static void beyond_the_last_bound_it_is_the_bound(void **state)
{
    (void)state;
    equals(0.5, (const uint64_t[]){0, 0, 0, 0, 3}, 5);
    equals(0.99, (const uint64_t[]){90, 0, 0, 0, 10}, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_are_linear_within_a_bucket),
        cmocka_unit_test(beyond_the_last_bound_it_is_the_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
