/* Lanes: posts run on the lane's thread, timers in the order of their deadlines. */
#include "component/lane.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { TIMERS = 200, POSTS = 1000 };

struct fixture {
    struct lane *lane;
    atomic_uint runs;
};

struct post {
    struct lane_task task;
    struct fixture *fixture;
};

static void count_post(struct lane_task *task, bool ok)
{
    struct post *p = (struct post *)task;
    if (ok && lane_is_current(p->fixture->lane))
        atomic_fetch_add(&p->fixture->runs, 1);
}

static void nothing(void *context)
{
    (void)context;
}

static void posts_run_on_the_lane(void **state)
{
    struct fixture *f = *state;
    static struct post posts[POSTS];
    for (int i = 0; i < POSTS; i++) {
        posts[i] = (struct post){.task.run = count_post, .fixture = f};
        lane_post(f->lane, &posts[i].task);
    }
    lane_call(f->lane, nothing, NULL); /* the queue is in order */
    assert_int_equal(atomic_load(&f->runs), POSTS);
    assert_false(lane_is_current(f->lane));
}

struct timed {
    struct lane_timer timer;
    uint64_t wanted;
};

static struct {
    struct lane *lane;
    struct timed timers[TIMERS];
    uint64_t last;
    atomic_uint fired;
    bool in_order;
} clockwork;

static void on_timer(struct lane_timer *t)
{
    struct timed *timed = (struct timed *)t;
    if (timed->wanted < clockwork.last || monotonic_ns() < timed->wanted)
        clockwork.in_order = false;
    clockwork.last = timed->wanted;
    atomic_fetch_add(&clockwork.fired, 1);
}

/* Sets all, moves every third, cancels every fifth. */
static void set_timers(void *context)
{
    (void)context;
    uint64_t now = monotonic_ns();
    for (int i = 0; i < TIMERS; i++) {
        struct timed *t = &clockwork.timers[i];
        *t = (struct timed){.timer.run = on_timer, .wanted = now + (uint64_t)(rand() % 20000000)};
        lane_timer_set(clockwork.lane, &t->timer, t->wanted);
    }
    for (int i = 0; i < TIMERS; i += 3) {
        struct timed *t = &clockwork.timers[i];
        t->wanted = now + (uint64_t)(rand() % 30000000);
        lane_timer_set(clockwork.lane, &t->timer, t->wanted);
    }
    for (int i = 0; i < TIMERS; i += 5)
        lane_timer_cancel(clockwork.lane, &clockwork.timers[i].timer);
}

static void look(void *context)
{
    *(unsigned *)context = atomic_load(&clockwork.fired);
}

static void timers_fire_in_order(void **state)
{
    struct fixture *f = *state;
    clockwork.lane = f->lane;
    clockwork.in_order = true;
    lane_call(f->lane, set_timers, NULL);
    unsigned fired = 0, expected = TIMERS - TIMERS / 5;
    while (fired < expected)
        lane_call(f->lane, look, &fired);
    assert_true(clockwork.in_order);
    assert_int_equal(fired, expected);
    for (int i = 0; i < TIMERS; i++)
        assert_int_equal(clockwork.timers[i].timer.position, 0);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    grpc_init();
    f->lane = lane_create("test");
    *state = f;
    return lane_start(f->lane) ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    lane_destroy(f->lane);
    free(f);
    grpc_shutdown_blocking();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(posts_run_on_the_lane, set_up, tear_down),
        cmocka_unit_test_setup_teardown(timers_fire_in_order, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
