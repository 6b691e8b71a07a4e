#include "fixture.h"

#include "exporters/backoff.h"

#define SECOND 1000000000ll

static struct retry_settings collector_defaults(void)
{
    struct retry_settings s = {0};
    struct error e;
    assert_true(config_read(CONFIG(), retry_fields, &s, &e));
    return s;
}

static void defaults_are_the_collectors(void **state)
{
    (void)state;
    struct retry_settings s = collector_defaults();
    assert_true(s.enabled);
    assert_int_equal(s.initial_interval_ns, 5 * SECOND);
    assert_int_equal(s.max_interval_ns, 30 * SECOND);
    assert_int_equal(s.max_elapsed_time_ns, 300 * SECOND);
    assert_true(s.multiplier == 1.5);
    assert_true(s.randomization_factor == 0.5);
}

static void pauses_grow_up_to_the_maximum(void **state)
{
    (void)state;
    struct retry_settings s = collector_defaults();
    s.randomization_factor = 0;
    struct backoff b = {0};
    static const double seconds[] = {5, 7.5, 11.25, 16.875, 25.3125, 30, 30};
    for (size_t i = 0; i < sizeof seconds / sizeof seconds[0]; i++)
        assert_int_equal(backoff_next(&b, &s, 12345), (uint64_t)(seconds[i] * SECOND));
}

static void chance_moves_a_pause_by_its_factor(void **state)
{
    (void)state;
    struct retry_settings s = collector_defaults();
    assert_int_equal(backoff_next(&(struct backoff){0}, &s, 0), 5 * SECOND / 2);
    assert_int_equal(backoff_next(&(struct backoff){0}, &s, UINT32_MAX), 15 * SECOND / 2);
}

static void an_initial_interval_above_the_maximum_is_cut(void **state)
{
    (void)state;
    struct retry_settings s = collector_defaults();
    s.randomization_factor = 0;
    s.initial_interval_ns = 60 * SECOND;
    assert_int_equal(backoff_next(&(struct backoff){0}, &s, 0), 30 * SECOND);
}

static void elapsed_time_ends_retries(void **state)
{
    (void)state;
    struct retry_settings s = collector_defaults();
    uint64_t begun = 1000;
    assert_true(backoff_may_retry(&s, begun, begun + 10 * SECOND, 290 * SECOND));
    assert_false(backoff_may_retry(&s, begun, begun + 10 * SECOND, 290 * SECOND + 1));
    assert_false(backoff_may_retry(&s, begun, begun + 301 * SECOND, 0));
    s.max_elapsed_time_ns = 0;
    assert_true(backoff_may_retry(&s, begun, begun + 100000 * SECOND, 290 * SECOND));
    s.enabled = false;
    assert_false(backoff_may_retry(&s, begun, begun, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_the_collectors),
        cmocka_unit_test(pauses_grow_up_to_the_maximum),
        cmocka_unit_test(chance_moves_a_pause_by_its_factor),
        cmocka_unit_test(an_initial_interval_above_the_maximum_is_cut),
        cmocka_unit_test(elapsed_time_ends_retries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
