/* The wheel against a list that is searched from end to end. */
#include "sampling/timing_wheel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define ITEMS 500
#define MS    1000000U

static struct wheel_links links[ITEMS];
static uint64_t deadlines[ITEMS]; /* in ticks; 0: not on the wheel */

static struct wheel_links *links_of(void *owner, uint32_t item)
{
    (void)owner;
    return &links[item];
}

static uint64_t earliest(void)
{
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < ITEMS; i++) {
        if (deadlines[i] > 0 && deadlines[i] < least)
            least = deadlines[i];
    }
    return least;
}

static void expire_all(struct timing_wheel *w, uint64_t now_ms)
{
    uint32_t item;
    while ((item = wheel_expire(w, now_ms * MS)) != WHEEL_NONE) {
        assert_int_equal(deadlines[item], earliest());
        assert_true(deadlines[item] * 100 <= now_ms);
        deadlines[item] = 0;
    }
    assert_true(earliest() == UINT64_MAX || earliest() * 100 > now_ms);
}

static void the_wheel_agrees_with_a_list(void **state)
{
    (void)state;
    struct timing_wheel w;
    uint64_t now_ms = 123456;
    assert_true(wheel_init(&w, 30000ULL * MS, now_ms * MS, links_of, NULL));
    for (unsigned i = 0; i < ITEMS; i++)
        links[i].list = WHEEL_NONE;
    srand(1);
    for (unsigned step = 0; step < 200000; step++) {
        uint32_t item = (uint32_t)rand() % ITEMS;
        unsigned what = (unsigned)rand() % 16;
        if (what == 0) {
            now_ms += (unsigned)rand() % 300;
            expire_all(&w, now_ms);
        } else if (what == 1 && earliest() != UINT64_MAX) {
            uint64_t least = earliest();
            uint32_t first = wheel_first(&w);
            assert_int_equal(deadlines[first], least);
            deadlines[first] = 0;
        } else if (deadlines[item] > 0) {
            assert_int_equal(wheel_deadline(&w, item), deadlines[item] * 100 * MS);
            wheel_remove(&w, item);
            deadlines[item] = 0;
        } else {
            uint64_t at_ms = now_ms + (unsigned)rand() % 30000;
            wheel_set(&w, item, at_ms * MS);
            deadlines[item] = (at_ms + 99) / 100;
            if (deadlines[item] < w.position)
                deadlines[item] = w.position;
        }
    }
    wheel_free(&w);
}

static void long_waits_have_coarse_ticks(void **state)
{
    (void)state;
    struct timing_wheel w;
    uint64_t day_ns = 86400ULL * 1000 * MS;
    assert_true(wheel_init(&w, day_ns, 0, links_of, NULL));
    links[0].list = WHEEL_NONE;
    wheel_set(&w, 0, day_ns);
    assert_int_equal(wheel_expire(&w, day_ns - 3000ULL * MS), WHEEL_NONE);
    assert_int_equal(wheel_expire(&w, day_ns + 3000ULL * MS), 0);
    wheel_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_wheel_agrees_with_a_list),
        cmocka_unit_test(long_waits_have_coarse_ticks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
