/* Pacing: the oldest first, never for long, and not at all once closed. */
#include "exporters/pacing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

enum { SENDERS = 300 };

struct sender {
    struct receipt receipt;
    atomic_bool answered;
    bool accepted;
};

static struct lane *lane;
static struct pacing pacing;
static struct sender senders[SENDERS];

static void on_done(struct receipt *r, const struct outcome *worst)
{
    struct sender *s = (struct sender *)r;
    s->accepted = worst->verdict == VERDICT_ACCEPTED;
    atomic_store(&s->answered, true);
}

/* As a receiver does: begins a receipt, hands it down, closes it with a pending answer. */
static void hold(unsigned from, unsigned to)
{
    struct outcome pending = outcome_pending();
    for (unsigned i = from; i < to; i++) {
        senders[i] = (struct sender){0};
        receipt_begin(&senders[i].receipt, on_done);
        assert_true(pacing_hold(&pacing, &senders[i].receipt));
        receipt_resolve(&senders[i].receipt, &pending);
    }
}

static unsigned answered(void)
{
    unsigned n = 0;
    for (unsigned i = 0; i < SENDERS; i++)
        n += atomic_load(&senders[i].answered);
    return n;
}

/* The timer answers on the lane's thread. */
static void wait_for_all(void)
{
    while (answered() < SENDERS)
        usleep(1000);
}

static void the_oldest_are_answered_first(void **state)
{
    (void)state;
    hold(0, 200);
    pacing_release(&pacing, 150);
    for (unsigned i = 0; i < 50; i++)
        assert_true(atomic_load(&senders[i].answered) && senders[i].accepted);
    assert_int_equal(answered(), 50);
    hold(200, SENDERS);
    pacing_release(&pacing, 0);
    assert_int_equal(answered(), SENDERS);
    assert_true(lane_start(lane));
}

static void nobody_waits_for_a_backend_that_hangs(void **state)
{
    (void)state;
    hold(0, SENDERS);
    wait_for_all();
    assert_int_equal(atomic_load(&pacing.held), 0);
}

static void closing_answers_all_and_holds_none(void **state)
{
    (void)state;
    hold(0, SENDERS);
    pacing_close(&pacing);
    wait_for_all();
    struct receipt r;
    receipt_begin(&r, on_done);
    assert_false(pacing_hold(&pacing, &r));
}

/* As long as the lane does not run there is no timer. */
static int set_up_without_timer(void **state)
{
    (void)state;
    grpc_init();
    lane = lane_create("test");
    pacing_init(&pacing, lane);
    return 0;
}

static int set_up(void **state)
{
    set_up_without_timer(state);
    return lane_start(lane) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    pacing_close(&pacing);
    lane_destroy(lane);
    pacing_free(&pacing);
    grpc_shutdown_blocking();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_oldest_are_answered_first, set_up_without_timer,
                                        tear_down),
        cmocka_unit_test_setup_teardown(nobody_waits_for_a_backend_that_hangs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(closing_answers_all_and_holds_none, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
