/* What a component's report says after each change. */
#include "component/status.h"

#include "component/component.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants those above first */
#include <cmocka.h>

static unsigned refreshed;

static void refresh(struct component *c)
{
    refreshed++;
    component_set_state(c, STATE_DEGRADED, "seen at look %u", refreshed);
}

static const struct component_ops plain_ops;
static const struct component_ops looking_ops = {.refresh = refresh};

static struct component component_with(const struct component_ops *ops)
{
    struct component c = {.ops = ops, .id = "test"};
    component_status_init(&c.status);
    return c;
}

static void begins_as_starting(void **state)
{
    (void)state;
    struct component c = component_with(&plain_ops);
    struct component_report r = component_report(&c);
    assert_int_equal(r.state, STATE_STARTING);
    assert_true(r.since_ns > 0);
    assert_int_equal(r.error_ns, 0);
    assert_string_equal(r.error, "");
}

static void the_last_error_outlives_recovery(void **state)
{
    (void)state;
    struct component c = component_with(&plain_ops);
    component_set_state(&c, STATE_DEGRADED, "disk %d is %s", 3, "full");
    struct component_report r = component_report(&c);
    assert_int_equal(r.state, STATE_DEGRADED);
    assert_string_equal(r.error, "disk 3 is full");
    assert_true(r.error_ns >= r.since_ns);
    uint64_t error_ns = r.error_ns;
    component_set_ok(&c);
    r = component_report(&c);
    assert_int_equal(r.state, STATE_OK);
    assert_string_equal(r.error, "disk 3 is full");
    assert_int_equal(r.error_ns, error_ns);
    assert_true(r.since_ns >= error_ns);
}

static void since_is_of_the_change_and_not_of_its_repetition(void **state)
{
    (void)state;
    struct component c = component_with(&plain_ops);
    component_set_state(&c, STATE_DEGRADED, "first");
    c.status.since_ns = 17;
    component_set_state(&c, STATE_DEGRADED, "second");
    struct component_report r = component_report(&c);
    assert_int_equal(r.since_ns, 17);
    assert_string_equal(r.error, "second");
    component_set_state(&c, STATE_FAILED, NULL);
    r = component_report(&c);
    assert_int_not_equal(r.since_ns, 17);
    assert_string_equal(r.error, "second");
}

static void noting_an_error_leaves_the_state(void **state)
{
    (void)state;
    struct component c = component_with(&plain_ops);
    component_set_ok(&c);
    c.status.since_ns = 17;
    component_note_error(&c, "backend %s", "down");
    struct component_report r = component_report(&c);
    assert_int_equal(r.state, STATE_OK);
    assert_int_equal(r.since_ns, 17);
    assert_string_equal(r.error, "backend down");
    assert_true(r.error_ns > 0);
}

static void long_errors_are_cut(void **state)
{
    (void)state;
    struct component c = component_with(&plain_ops);
    char text[1000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    component_set_state(&c, STATE_FAILED, "%s", text);
    assert_int_equal(strlen(component_report(&c).error), sizeof c.status.error - 1);
    component_note_error(&c, "!%s", text);
    struct component_report r = component_report(&c);
    assert_int_equal(strlen(r.error), sizeof r.error - 1);
    assert_int_equal(r.error[0], '!');
}

static void a_report_asks_the_component_first(void **state)
{
    (void)state;
    struct component c = component_with(&looking_ops);
    assert_string_equal(component_report(&c).error, "seen at look 1");
    struct component_report r = component_report(&c);
    assert_int_equal(r.state, STATE_DEGRADED);
    assert_string_equal(r.error, "seen at look 2");
}

static void states_have_names(void **state)
{
    (void)state;
    assert_string_equal(component_state_name(STATE_STARTING), "starting");
    assert_string_equal(component_state_name(STATE_OK), "ok");
    assert_string_equal(component_state_name(STATE_DEGRADED), "degraded");
    assert_string_equal(component_state_name(STATE_FAILED), "failed");
    assert_string_equal(component_state_name(STATE_STOPPED), "stopped");
    assert_string_equal(component_state_name((enum component_state)99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begins_as_starting),
        cmocka_unit_test(the_last_error_outlives_recovery),
        cmocka_unit_test(since_is_of_the_change_and_not_of_its_repetition),
        cmocka_unit_test(noting_an_error_leaves_the_state),
        cmocka_unit_test(long_errors_are_cut),
        cmocka_unit_test(a_report_asks_the_component_first),
        cmocka_unit_test(states_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
