/* Dynamic rates: by hand, and by how much they keep. */
#include "sampling/dynamic_rates.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define SEC UINT64_C(1000000000)

static const struct dynamic_goal averages = {
    .rate = 10,
    .interval_ns = 15 * (int64_t)SEC,
    .weight = 0.5,
    .age_out = 0.5,
    .burst_multiple = 2,
    .burst_delay = 3,
    .max_keys = 500,
    .initial_rate = 10,
};

static const struct dynamic_goal windows = {
    .windowed = true,
    .throughput = 10,
    .interval_ns = (int64_t)SEC,
    .lookback_ns = 10 * (int64_t)SEC,
    .max_keys = 500,
};

static void send(struct dynamic_rates *r, uint64_t key, unsigned count, uint64_t now)
{
    for (unsigned i = 0; i < count; i++)
        dynamic_rates_count(r, key, 1, now);
}

/* Counts 2000 and 200 halve to averages of 1000 and 100: of 1100 events 110 are to be kept. The
 * logarithms are 3 and 2, so their shares are 66 and 44: one in ceil(100 / 44) = 3, which keeps
 * 33.3 and leaves 10.7 to the other, one in ceil(1000 / 76.7) = 14. */
static void shares_go_by_the_logarithm(void **state)
{
    (void)state;
    struct dynamic_rates *r = dynamic_rates_create(&averages);
    assert_int_equal(dynamic_rates_count(r, 1, 1, SEC), 10);
    send(r, 1, 1999, SEC);
    send(r, 2, 200, SEC);
    assert_int_equal(dynamic_rates_count(r, 1, 0, 17 * SEC), 14);
    assert_int_equal(dynamic_rates_count(r, 2, 0, 17 * SEC), 3);
    assert_int_equal(dynamic_rates_count(r, 3, 0, 17 * SEC), 1); /* new */
    dynamic_rates_destroy(r);
}

static void rare_keys_are_kept(void **state)
{
    (void)state;
    struct dynamic_rates *r = dynamic_rates_create(&averages);
    for (unsigned interval = 0; interval < 5; interval++) {
        send(r, 1, 10000, SEC + interval * 16 * SEC);
        for (uint64_t key = 2; key < 20; key++)
            send(r, key, 2, SEC + interval * 16 * SEC);
    }
    for (uint64_t key = 2; key < 20; key++)
        assert_int_equal(dynamic_rates_count(r, key, 1, 100 * SEC), 1);
    assert_true(dynamic_rates_count(r, 1, 1, 100 * SEC) > 10);
    dynamic_rates_destroy(r);
}

static void an_idle_interval_changes_nothing(void **state)
{
    (void)state;
    struct dynamic_rates *r = dynamic_rates_create(&averages);
    send(r, 1, 1000, SEC);
    uint64_t rate = dynamic_rates_count(r, 1, 0, 20 * SEC);
    assert_true(rate > 1);
    assert_int_equal(dynamic_rates_count(r, 1, 0, 2000 * SEC), rate);
    dynamic_rates_destroy(r);
}

static void what_is_no_longer_seen_is_forgotten(void **state)
{
    (void)state;
    struct dynamic_goal goal = averages;
    goal.max_keys = 2;
    struct dynamic_rates *r = dynamic_rates_create(&goal);
    send(r, 1, 8, SEC);
    for (unsigned i = 1; i < 10; i++)
        send(r, 2, 100, (1 + 16 * i) * SEC);
    send(r, 3, 1000, 165 * SEC); /* takes the place of 1 */
    assert_true(dynamic_rates_count(r, 3, 1, 181 * SEC) > 1);
    dynamic_rates_destroy(r);
}

static void keys_beyond_the_most_are_kept(void **state)
{
    (void)state;
    struct dynamic_goal goal = averages;
    goal.max_keys = 1;
    struct dynamic_rates *r = dynamic_rates_create(&goal);
    send(r, 1, 1000, SEC);
    send(r, 2, 1000, SEC);
    assert_true(dynamic_rates_count(r, 1, 1, 17 * SEC) > 1);
    assert_int_equal(dynamic_rates_count(r, 2, 1, 17 * SEC), 1);
    dynamic_rates_destroy(r);
}

static void a_burst_is_answered_before_its_interval_ends(void **state)
{
    (void)state;
    struct dynamic_rates *r = dynamic_rates_create(&averages);
    for (unsigned i = 0; i < 6; i++)
        send(r, 1, 100, (1 + 16 * i) * SEC);
    uint64_t calm = dynamic_rates_count(r, 2, 1, 82 * SEC);
    assert_int_equal(calm, 1);
    send(r, 2, 1000, 82 * SEC);
    assert_true(dynamic_rates_count(r, 2, 1, 82 * SEC) > 1);
    dynamic_rates_destroy(r);
}

static void a_throughput_is_met(void **state)
{
    (void)state;
    struct dynamic_goal goal = averages;
    goal.rate = 0;
    goal.throughput = 20;
    struct dynamic_rates *r = dynamic_rates_create(&goal);
    double kept = 0;
    for (unsigned i = 0; i < 20; i++) {
        uint64_t now = SEC + i * goal.interval_ns;
        for (uint64_t key = 1; key <= 3; key++) {
            for (unsigned n = 0; n < 100 * key * key; n++) {
                uint64_t rate = dynamic_rates_count(r, key, 1, now);
                kept += i >= 10 ? 1.0 / (double)rate : 0;
            }
        }
    }
    assert_in_range((uint64_t)(kept / 10), 200, 310); /* 300 wanted; rates are rounded up */
    dynamic_rates_destroy(r);
}

/* 1000 and 50 events in a window of 10 s; 100 are to be kept, 50 of each key. */
static void a_window_is_shared_equally(void **state)
{
    (void)state;
    struct dynamic_rates *r = dynamic_rates_create(&windows);
    assert_int_equal(dynamic_rates_count(r, 1, 1, SEC), 1);
    send(r, 1, 999, SEC);
    send(r, 2, 50, SEC);
    assert_int_equal(dynamic_rates_count(r, 1, 0, 2 * SEC + 1), 20);
    assert_int_equal(dynamic_rates_count(r, 2, 0, 2 * SEC + 1), 1);
    assert_int_equal(dynamic_rates_count(r, 1, 0, 11 * SEC), 20);
    assert_int_equal(dynamic_rates_count(r, 1, 0, 13 * SEC), 1); /* the window has passed */
    dynamic_rates_destroy(r);
}

static void windows_move_on_by_ticks(void **state)
{
    (void)state;
    struct dynamic_rates *r = dynamic_rates_create(&windows);
    for (unsigned i = 0; i < 30; i++)
        send(r, 1, 100, (1 + i) * SEC);
    assert_int_equal(dynamic_rates_count(r, 1, 0, 31 * SEC), 10);
    send(r, 1, 1, 1000 * SEC);
    assert_int_equal(dynamic_rates_count(r, 1, 0, 1001 * SEC), 1);
    dynamic_rates_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_go_by_the_logarithm),
        cmocka_unit_test(rare_keys_are_kept),
        cmocka_unit_test(an_idle_interval_changes_nothing),
        cmocka_unit_test(what_is_no_longer_seen_is_forgotten),
        cmocka_unit_test(keys_beyond_the_most_are_kept),
        cmocka_unit_test(a_burst_is_answered_before_its_interval_ends),
        cmocka_unit_test(a_throughput_is_met),
        cmocka_unit_test(a_window_is_shared_equally),
        cmocka_unit_test(windows_move_on_by_ticks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
