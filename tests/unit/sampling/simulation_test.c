/* Policies without the buffer: whole traces, on the traces' own time. */
#include "sampling/simulation.h"

#include "tests/unit/sampling/policy_support.h"
#include "tests/unit/sampling/shop.h"

static struct simulation *made_from(const char *text)
{
    struct error e = {{0}};
    struct simulation *s = simulation_create(config_of(text), "tail_sampling", &e);
    assert_string_equal(e.text, "");
    assert_non_null(s);
    return s;
}

static struct batch *wished(uint64_t trace, uint32_t spans, bool error)
{
    struct span_wish wishes[16] = {{0}};
    for (uint32_t i = 0; i < spans; i++)
        wishes[i] = (struct span_wish){.trace = trace, .child = i > 0, .error = error && i == 0};
    return wish_batch(wishes, spans);
}

static struct sampling_decision decide(struct simulation *s, struct batch *b, uint64_t now_ns)
{
    bool too_large = true;
    struct sampling_decision d = simulation_decide(s, b, now_ns, &too_large);
    assert_false(too_large);
    batch_release(b);
    return d;
}

static void traces_do_not_mix(void **state)
{
    (void)state;
    struct simulation *s =
        made_from("{'policies': [{'name': 'errors', 'type': 'status_code', 'status_code': "
                  "{'status_codes': ['ERROR']}}, {'name': 'large', 'type': 'span_count', "
                  "'span_count': {'min_spans': 5}}]}");
    struct sampling_decision d = decide(s, wished(1, 3, true), SEC);
    assert_int_equal(d.verdict, SAMPLING_SAMPLED);
    assert_int_equal(d.policy, 0);
    assert_int_equal(decide(s, wished(2, 3, false), SEC).verdict, SAMPLING_NOT_SAMPLED);
    d = decide(s, wished(3, 5, false), SEC);
    assert_int_equal(d.verdict, SAMPLING_SAMPLED);
    assert_int_equal(d.policy, 1);
    assert_int_equal(policy_set_verdicts(simulation_policies(s))[0], SAMPLING_NOT_SAMPLED);
    simulation_destroy(s);
    config_release();
    assert_int_equal(batch_live_bytes(), 0);
}

static void rates_go_by_the_given_time(void **state)
{
    (void)state;
    struct simulation *s = made_from("{'policies': [{'name': 'rate', 'type': 'rate_limiting', "
                                     "'rate_limiting': {'spans_per_second': 4}}]}");
    unsigned at_once = 0, spread = 0;
    for (uint64_t i = 0; i < 50; i++)
        at_once += decide(s, wished(i, 2, false), 100 * SEC).verdict == SAMPLING_SAMPLED;
    for (uint64_t i = 0; i < 50; i++)
        spread += decide(s, wished(i, 2, false), (200 + i) * SEC).verdict == SAMPLING_SAMPLED;
    assert_true(at_once > 0 && at_once < 10);
    assert_int_equal(spread, 50);
    simulation_destroy(s);
    config_release();
}

static void dynamic_rates_go_by_the_given_time(void **state)
{
    (void)state;
    struct simulation *s =
        made_from("{'policies': [{'name': 'd', 'type': 'ema_dynamic', 'ema_dynamic': "
                  "{'goal_sample_rate': 10, 'fields': ['span.name']}}]}");
    unsigned kept = 0;
    for (uint64_t i = 0; i < 4000; i++) {
        bool sampled =
            decide(s, wished(i, 1, false), (1000 + i) * 10 * MS).verdict == SAMPLING_SAMPLED;
        kept += i >= 3000 && sampled; /* two intervals of 15 s have passed */
    }
    assert_true(kept > 50 && kept < 200);
    simulation_destroy(s);
    config_release();
}

static void a_trace_over_its_size_is_not_judged(void **state)
{
    (void)state;
    struct simulation *s = made_from("{'maximum_trace_size_bytes': 300, 'policies': [{'name': 'a', "
                                     "'type': 'always_sample'}]}");
    assert_int_equal(decide(s, wished(1, 1, false), SEC).verdict, SAMPLING_SAMPLED);
    struct batch *b = wished(2, 12, false);
    bool too_large = false;
    struct sampling_decision d = simulation_decide(s, b, SEC, &too_large);
    assert_true(too_large);
    assert_int_equal(d.verdict, SAMPLING_NOT_SAMPLED);
    assert_int_equal(d.policy, UINT16_MAX);
    batch_release(b);
    simulation_destroy(s);
    config_release();
}

static void strategies_are_told_apart(void **state)
{
    (void)state;
    struct simulation *whole = made_from("{'policies': [{'name': 'a', 'type': 'always_sample'}]}");
    struct simulation *parts = made_from("{'sampling_strategy': 'span-ingest', 'policies': "
                                         "[{'name': 'a', 'type': 'always_sample'}]}");
    assert_false(simulation_on_ingest(whole));
    assert_true(simulation_on_ingest(parts));
    simulation_destroy(whole);
    simulation_destroy(parts);
    struct error e = {{0}};
    assert_null(
        simulation_create(config_of("{'policies': [{'name': 'a', 'type': 'b'}]}"), "t", &e));
    assert_non_null(strstr(e.text, "policies"));
    config_release();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(traces_do_not_mix),
        cmocka_unit_test(rates_go_by_the_given_time),
        cmocka_unit_test(dynamic_rates_go_by_the_given_time),
        cmocka_unit_test(a_trace_over_its_size_is_not_judged),
        cmocka_unit_test(strategies_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
