/* The probabilistic sampler: decisions and tracestates as the Collector's, written down from one,
 * and thresholds whose adjusted counts add up. */
#include "proto/consistent.h"
#include "tests/unit/processors/pipe.h"

#define TRACE_ID "0102030405060708090affff0d0e0f10" /* its randomness: 0affff0d0e0f10 */

/* The span with this id, tracestate and attribute, in a batch of its own. */
static struct batch *one(const char *trace_id, const char *state, const char *attribute)
{
    char text[3000];
    snprintf(
        text, sizeof text,
        "{'resourceSpans':[{'scopeSpans':[{'spans':[{'traceId':'%s','spanId':'0102030405060708',"
        "'name':'a','traceState':'%s','attributes':[%s]}]}]}]}",
        trace_id, state, attribute);
    return batch_of(text);
}

static const struct {
    const char *config;
    const char *came;
    const char *left; /* its tracestate; NULL: dropped */
} cases[] = {
    {"{'sampling_percentage':70}", "", "ot=rv:830c2b90e69f3c;th:4cd"},
    {"{'sampling_percentage':70}", "a=b", "ot=rv:830c2b90e69f3c;th:4cd,a=b"},
    {"{'sampling_percentage':100}", "a=b,,c=d", "ot=rv:830c2b90e69f3c;th:0,a=b,c=d"},
    {"{'sampling_percentage':40}", "", NULL},
    {"{'sampling_percentage':0.001}", "", NULL},
    {"{'sampling_percentage':100}", "ot=th:8", NULL},
    {"{'sampling_percentage':100}", "ot=rv:ffffffffffffff", NULL},
    {"{'sampling_percentage':0.1,'fail_closed':false}", "ot=th:8", "ot=th:8"},
    {"{'sampling_percentage':100}", "BAD KEY=1", NULL},
    {"{'sampling_percentage':1,'fail_closed':false}", "BAD KEY=1", "BAD KEY=1"},
    {"{'mode':'equalizing','sampling_percentage':70}", "", NULL},
    {"{'mode':'equalizing','sampling_percentage':70}", "ot=rv:ffffffffffffff",
     "ot=th:4ccd;rv:ffffffffffffff"},
    {"{'mode':'equalizing','sampling_percentage':70}", "b=c,ot=x:y;th:4;rv:f0000000000000",
     "ot=th:4ccd;x:y;rv:f0000000000000,b=c"},
    {"{'mode':'equalizing','sampling_percentage':70}", "ot=rv:f0000000000000;th:c",
     "ot=rv:f0000000000000;th:c"},
    {"{'mode':'equalizing','sampling_percentage':100}", "ot=rv:70000000000000;th:8", NULL},
    {"{'mode':'equalizing','sampling_percentage':1,'fail_closed':false}",
     "ot=rv:70000000000000;th:8", "ot=rv:70000000000000"},
    {"{'mode':'proportional','sampling_percentage':70}", "ot=rv:f0000000000000;th:4",
     "ot=th:799a;rv:f0000000000000"},
    {"{'mode':'proportional','sampling_percentage':70,'sampling_precision':2}",
     "ot=rv:f0000000000000;th:4", "ot=th:7a;rv:f0000000000000"},
    {"{'mode':'proportional','sampling_percentage':25}", "ot=rv:bfffffffffffff", NULL},
    {"{'mode':'proportional','sampling_percentage':25}", "ot=rv:c0000000000000",
     "ot=th:c;rv:c0000000000000"},
    {"{'mode':'proportional','sampling_percentage':1}", "ot=rv:ffffffffffffff;th:ffffffffffffff",
     NULL},
    {"{}", "", NULL},
};

static void decisions_are_the_collectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pipe *p = pipe_open(&probabilistic_sampler_processor, cases[i].config);
        assert_int_equal(pipe_send(p, one(TRACE_ID, cases[i].came, "")), VERDICT_ACCEPTED);
        if (!cases[i].left && p->received)
            fail_msg("%s keeps \"%s\"", cases[i].config, cases[i].came);
        if (cases[i].left) {
            assert_non_null(p->received);
            struct bytes left = span_trace_state(span_bytes(&p->received->spans[0]));
            if (!bytes_equal_string(left, cases[i].left))
                fail_msg("%s: \"%s\" became \"%.*s\"", cases[i].config, cases[i].came,
                         (int)left.len, left.data);
        }
        pipe_close(p);
    }
    assert_int_equal(batch_live_bytes(), 0);
}

static void a_priority_overrules(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        int priority;
    } priorities[] = {
        {"'intValue':'1'", 1},      {"'intValue':'0'", 0},      {"'intValue':'-1'", -1},
        {"'doubleValue':0.5", 1},   {"'doubleValue':0", 0},     {"'stringValue':'1e2'", 1},
        {"'stringValue':'0'", 0},   {"'stringValue':' 1'", -1}, {"'stringValue':'nan'", -1},
        {"'stringValue':'inf'", 1}, {"'stringValue':''", -1},   {"'stringValue':'1 '", -1},
        {"'boolValue':true", -1},   {"'stringValue':'-3'", -1},
    };
    for (size_t i = 0; i < sizeof priorities / sizeof *priorities; i++) {
        char attribute[200];
        snprintf(attribute, sizeof attribute, "{'key':'sampling.priority','value':{%s}}",
                 priorities[i].value);
        struct pipe *none = pipe_open(&probabilistic_sampler_processor, "{}");
        struct pipe *all = pipe_open(&probabilistic_sampler_processor,
                                     "{'mode':'equalizing','sampling_percentage':100}");
        pipe_send(none, one(TRACE_ID, "", attribute));
        pipe_send(all, one(TRACE_ID, "", attribute));
        assert_int_equal(none->received != NULL, priorities[i].priority > 0);
        assert_int_equal(all->received != NULL, priorities[i].priority != 0);
        assert_counted(all, priorities[i].priority < 0
                                ? "policy=\"trace_id_w3c\",sampled=\"true\"} 1\n"
                                : "policy=\"sampling_priority\",sampled=");
        pipe_close(none);
        pipe_close(all);
    }
}

static void what_does_not_change_is_passed_on(void **state)
{
    (void)state;
    struct pipe *p = pipe_open(&probabilistic_sampler_processor,
                               "{'mode':'equalizing','sampling_percentage':90}");
    struct batch *b = one(TRACE_ID, "ot=rv:ffffffffffffff;th:8", "");
    pipe_send(p, b);
    assert_ptr_equal(p->received, b);
    b = one(TRACE_ID, "ot=rv:ffffffffffffff", "");
    pipe_send(p, batch_retain(b));
    assert_ptr_not_equal(p->received, b);
    assert_true(
        bytes_equal_string(span_trace_state(span_bytes(&b->spans[0])), "ot=rv:ffffffffffffff"));
    batch_release(b);
    pipe_close(p);
}

static void short_of_memory_it_is_busy(void **state)
{
    (void)state;
    struct pipe *p = pipe_open(&probabilistic_sampler_processor,
                               "{'mode':'equalizing','sampling_percentage':90}");
    pipe_send_short_of_memory(
        p, trace_of("", "{'name':'a'},{'name':'b','attributes':[{'key':'sampling.priority',"
                        "'value':{'intValue':'0'}}]},{'name':'c'}"));
    assert_string_equal(names_of(p->received), "a c");
    pipe_close(p);
    assert_int_equal(batch_live_bytes(), 0);
}

/* What is left of many traces, told through two samplers, stands for as many as there were. */
static void adjusted_counts_add_up(void **state)
{
    (void)state;
    enum { TRACES = 20000 };
    struct pipe *first = pipe_open(&probabilistic_sampler_processor, "{'sampling_percentage':50}");
    struct pipe *second = pipe_open(&probabilistic_sampler_processor,
                                    "{'mode':'proportional','sampling_percentage':30}");
    double sum = 0;
    unsigned left = 0;
    first->processor->next = second->processor;
    uint64_t random = 88172645463325252;
    for (unsigned i = 0; i < TRACES; i++) {
        char id[33];
        for (unsigned half = 0; half < 2; half++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            sprintf(id + 16 * half, "%016llx", (unsigned long long)random);
        }
        pipe_send(first, one(id, "", ""));
        if (!second->received)
            continue;
        struct ot_state ot = ot_parse(span_trace_state(span_bytes(&second->received->spans[0])));
        assert_true(ot.has_threshold && ot.has_randomness && ot.randomness >= ot.threshold);
        sum += adjusted_count(ot.threshold);
        left++;
        batch_release(second->received);
        second->received = NULL;
    }
    /* five standard deviations of so many draws at 15 % */
    assert_true(left > 0.15 * TRACES - 5 * 50.5 && left < 0.15 * TRACES + 5 * 50.5);
    assert_true(sum > TRACES - 5 * 337. && sum < TRACES + 5 * 337.);
    pipe_close(first);
    pipe_close(second);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    static const char *const refused[][2] = {
        {"{'sampling_percentage':-1}", "sampling_percentage"},
        {"{'sampling_percentage':1e-20}", "sampling_percentage"},
        {"{'sampling_percentage':'nan'}", "sampling_percentage"},
        {"{'sampling_percentage':'inf'}", "sampling_percentage"},
        {"{'mode':'lucky'}", "hash_seed, equalizing, proportional"},
        {"{'sampling_precision':0}", "from 1 to 14"},
        {"{'sampling_precision':15}", "from 1 to 14"},
        {"{'attribute_source':'record'}", "supported: traceID"},
        {"{'hash_seed':4294967296}", "out of range"},
        {"{'colour':'red'}", "unknown key"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_refused(&probabilistic_sampler_processor, refused[i][0], refused[i][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decisions_are_the_collectors),
        cmocka_unit_test(a_priority_overrules),
        cmocka_unit_test(what_does_not_change_is_passed_on),
        cmocka_unit_test(short_of_memory_it_is_busy),
        cmocka_unit_test(adjusted_counts_add_up),
        cmocka_unit_test(nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, pipe_teardown);
}
