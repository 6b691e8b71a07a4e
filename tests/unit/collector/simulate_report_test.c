/* What a report counts: traces, spans, services, and policies then and now. */
#include "collector/simulate_report.h"

#include "tests/unit/sampling/policy_support.h"

static struct batch *trace_by(const char *policy, unsigned spans)
{
    char text[4096];
    int len = snprintf(text, sizeof text,
                       "{'resourceSpans':[{'resource':{'attributes':[{'key':'service.name','value':"
                       "{'stringValue':'shop'}}]},'scopeSpans':[{'scope':{'name':'l','attributes':"
                       "[{'key':'tailsampling.policy','value':{'stringValue':'%s'}}]},'spans':[",
                       policy);
    for (unsigned i = 0; i < spans; i++)
        len += snprintf(text + len, sizeof text - (size_t)len,
                        "%s{'traceId':'0000000000000000000000000000000a','spanId':"
                        "'00000000000000%02x','startTimeUnixNano':'%u','endTimeUnixNano':'%u'}",
                        i ? "," : "", i + 1, 100 + i, 200 + i);
    snprintf(text + len, sizeof text - (size_t)len,
             "]}]},{'scopeSpans':[{'spans':[{'traceId':'0000000000000000000000000000000a',"
             "'spanId':'00000000000000ff','startTimeUnixNano':'90','endTimeUnixNano':'95'}]}]}]}");
    return batch_of(text);
}

struct fixture {
    struct policy_set *policies;
    struct simulation_report report;
    uint64_t bits[64];
};

static void begin(struct fixture *f)
{
    f->policies = set_of("[{'name': 'large', 'type': 'span_count', 'span_count': {'min_spans': 4}},"
                         " {'name': 'all', 'type': 'always_sample'}]",
                         false);
    assert_true(report_init(&f->report, f->policies));
}

static void end(struct fixture *f)
{
    report_free(&f->report);
    policy_set_destroy(f->policies);
    config_release();
    assert_int_equal(batch_live_bytes(), 0);
}

/* With `now` as what becomes of it now: the policy's name, or NULL for dropped. */
static void add(struct fixture *f, unsigned spans, const char *now)
{
    struct batch *b = trace_by(now ? now : "", spans);
    struct trace_summary t = observed(f->policies, b, f->bits);
    struct sampling_decision d = policy_set_decide(f->policies, &t, false, SEC, NULL);
    struct kept_now kept = {.kept = now != NULL, .by = report_keeper(b)};
    assert_true(report_add(&f->report, b, &kept, &d, f->policies, true));
    batch_release(b);
}

static void traces_are_counted_for_their_first_policy(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    add(&f, 5, "old");
    add(&f, 1, "old");
    add(&f, 1, "all");
    add(&f, 2, NULL);
    assert_int_equal(f.report.all.traces, 4);
    assert_int_equal(f.report.all.spans, 13);
    assert_int_equal(f.report.now.traces, 3);
    assert_int_equal(f.report.then.traces, 4);
    assert_int_equal(f.report.newly_kept, 1);
    assert_int_equal(f.report.newly_dropped, 0);
    assert_int_equal(f.report.policies[0].first.traces, 1);
    assert_int_equal(f.report.policies[0].first.spans, 6);
    assert_int_equal(f.report.policies[1].first.traces, 3);
    assert_int_equal(f.report.policies[1].verdicts[SAMPLING_SAMPLED], 4);
    assert_int_equal(f.report.keeper_count, 2);
    assert_string_equal(f.report.keepers[0].name, "old");
    assert_int_equal(f.report.keepers[0].kept.traces, 2);
    assert_int_equal(f.report.keepers[0].kept.spans, 8);
    assert_int_equal(f.report.first_ns, 90);
    assert_int_equal(f.report.last_ns, 204);
    end(&f);
}

static void services_count_a_trace_once(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    add(&f, 3, "x");
    add(&f, 3, NULL);
    assert_int_equal(f.report.service_count, 2);
    const struct service_tally *shop = &f.report.services[0];
    const struct service_tally *nameless = &f.report.services[1];
    assert_string_equal(shop->name, "shop");
    assert_int_equal(shop->all.traces, 2);
    assert_int_equal(shop->all.spans, 6);
    assert_int_equal(shop->now.spans, 3);
    assert_int_equal(shop->then.spans, 6);
    assert_string_equal(nameless->name, "");
    assert_int_equal(nameless->all.spans, 2);
    end(&f);
}

/* Names come from senders: a great many share one place. */
static void policies_of_any_number_have_room(void **state)
{
    (void)state;
    struct fixture f;
    char name[16];
    begin(&f);
    for (unsigned i = 0; i < KEEPERS_MAX + 100; i++) {
        snprintf(name, sizeof name, "p%u", i);
        add(&f, 1, name);
    }
    assert_int_equal(f.report.keeper_count, KEEPERS_MAX);
    assert_string_equal(f.report.keepers[KEEPERS_MAX - 1].name, "(others)");
    assert_int_equal(f.report.keepers[KEEPERS_MAX - 1].kept.traces, 101);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(traces_are_counted_for_their_first_policy),
        cmocka_unit_test(services_count_a_trace_once),
        cmocka_unit_test(policies_of_any_number_have_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
