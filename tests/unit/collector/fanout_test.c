/* Fan-out: everybody or nobody, and one reference each. */
#include "collector/fanout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

struct target {
    struct component component;
    struct outcome answer;
    bool full;
    unsigned received;
};

static struct outcome take(struct component *c, struct batch *b, struct receipt *r)
{
    struct target *t = (struct target *)c;
    (void)r;
    t->received++;
    batch_release(b);
    return t->answer;
}

static bool has_room(struct component *c, const struct batch *b, struct outcome *why)
{
    struct target *t = (struct target *)c;
    (void)b;
    if (t->full)
        *why = outcome_busy(500, "full");
    return !t->full;
}

static const struct component_ops ops = {.consume = take, .has_room = has_room};

static struct target targets[3];
static struct component *fanout;

static int set_up(void **state)
{
    (void)state;
    struct component *list[3];
    for (int i = 0; i < 3; i++) {
        targets[i] = (struct target){.component.ops = &ops};
        list[i] = &targets[i].component;
    }
    fanout = fanout_create(list, 3);
    return fanout ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    fanout->ops->destroy(fanout);
    return batch_live_bytes() == 0 ? 0 : -1;
}

static void each_gets_one(void **state)
{
    (void)state;
    assert_int_equal(component_consume(fanout, batch_create(10), NULL).verdict, VERDICT_ACCEPTED);
    for (int i = 0; i < 3; i++)
        assert_int_equal(targets[i].received, 1);
}

static void nobody_gets_it_when_one_is_full(void **state)
{
    (void)state;
    targets[2].full = true;
    struct outcome o = component_consume(fanout, batch_create(10), NULL);
    assert_int_equal(o.verdict, VERDICT_BUSY);
    assert_int_equal(o.retry_after_ms, 500);
    for (int i = 0; i < 3; i++)
        assert_int_equal(targets[i].received, 0);
}

static void the_worst_answer_counts(void **state)
{
    (void)state;
    targets[0].answer = outcome_pending();
    targets[1].answer = outcome_rejected(3, "no");
    targets[2].answer = outcome_busy(0, "later");
    struct outcome o = component_consume(fanout, batch_create(10), NULL);
    assert_int_equal(o.verdict, VERDICT_REJECTED);
    assert_int_equal(o.grpc_status, 3);
    assert_int_equal(targets[2].received, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_gets_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nobody_gets_it_when_one_is_full, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_worst_answer_counts, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
