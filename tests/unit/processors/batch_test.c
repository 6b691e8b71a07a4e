/* The batch processor takes its settings and passes spans on, counted. */
#include "tests/unit/processors/pipe.h"

static void spans_pass_and_are_counted(void **state)
{
    (void)state;
    struct pipe *p = pipe_open(&batch_processor, "{}");
    struct batch *b = trace_of("", "{'name':'a'},{'name':'b'}");
    assert_int_equal(pipe_send(p, b), VERDICT_ACCEPTED);
    assert_ptr_equal(p->received, b);
    assert_counted(p, "otelcol_processor_incoming_items{processor=\"x\",otel_signal=\"traces\"} 2");
    assert_counted(p, "otelcol_processor_outgoing_items{processor=\"x\",otel_signal=\"traces\"} 2");
    pipe_close(p);
}

static void settings_are_read(void **state)
{
    (void)state;
    struct batch_settings s;
    struct error e;
    assert_true(batch_processor_settings(
        config_of("{'send_batch_size':10,'send_batch_max_size':20,'timeout':'1s'}"), &s, &e));
    assert_true(s.present);
    assert_int_equal(s.min_spans, 10);
    assert_int_equal(s.max_spans, 20);
    assert_int_equal(s.timeout_ns, SEC);
    assert_false(batch_processor_settings(
        config_of("{'send_batch_size':10,'send_batch_max_size':9}"), &s, &e));
    assert_false(batch_processor_settings(config_of("{'metadata_keys':['a']}"), &s, &e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_pass_and_are_counted),
        cmocka_unit_test(settings_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, pipe_teardown);
}
