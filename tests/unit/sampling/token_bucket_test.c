/* A bucket of tokens: full at first, refilled at its rate, never above its capacity. */
#include "sampling/token_bucket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SECOND 1000000000ULL

static void it_is_full_at_first(void **state)
{
    (void)state;
    struct token_bucket b = token_bucket(10, 25);
    for (unsigned i = 0; i < 5; i++)
        assert_true(token_bucket_take(&b, 5, 1000 * SECOND));
    assert_false(token_bucket_take(&b, 1, 1000 * SECOND));
}

static void it_fills_at_its_rate(void **state)
{
    (void)state;
    struct token_bucket b = token_bucket(10, 25);
    assert_true(token_bucket_take(&b, 25, SECOND));
    assert_false(token_bucket_take(&b, 5, SECOND + SECOND / 4));
    assert_true(token_bucket_take(&b, 5, SECOND + SECOND / 2));
    assert_false(token_bucket_take(&b, 1, SECOND + SECOND / 2));
    assert_true(token_bucket_take(&b, 25, 100 * SECOND));
    assert_false(token_bucket_take(&b, 1, 100 * SECOND)); /* what ran over is gone */
}

static void what_is_refused_costs_nothing(void **state)
{
    (void)state;
    struct token_bucket b = token_bucket(10, 25);
    for (unsigned i = 0; i < 100; i++)
        assert_false(token_bucket_take(&b, 26, SECOND));
    assert_true(token_bucket_take(&b, 25, SECOND));
}

static void a_clock_set_back_adds_nothing(void **state)
{
    (void)state;
    struct token_bucket b = token_bucket(10, 25);
    assert_true(token_bucket_take(&b, 25, 100 * SECOND));
    assert_false(token_bucket_take(&b, 1, 50 * SECOND));
    assert_false(token_bucket_take(&b, 1, 100 * SECOND));
    assert_true(token_bucket_take(&b, 10, 101 * SECOND));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_full_at_first),
        cmocka_unit_test(it_fills_at_its_rate),
        cmocka_unit_test(what_is_refused_costs_nothing),
        cmocka_unit_test(a_clock_set_back_adds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
