/* The truth table of the policies, a test a policy; then precedence, budgets, and thresholds. */
#include "policy_support.h"

#include "proto/consistent.h"
#include "tests/unit/proto/failing_malloc.h"

#define YES  SAMPLING_SAMPLED
#define NO   SAMPLING_NOT_SAMPLED
#define DROP SAMPLING_DROPPED

/* most rows have no resource */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

struct row {
    const char *spans;
    enum sampling_verdict expected;
    const char *resource; /* attributes; NULL: none */
};

static int release(void **state)
{
    (void)state;
    config_release();
    return 0;
}

static void check(const char *policies, const struct row *rows)
{
    struct policy_set *s = set_of(policies, false);
    for (; rows->spans; rows++) {
        struct batch *b = trace_of(rows->resource ? rows->resource : "", rows->spans);
        uint64_t bits[64];
        struct trace_summary t = observed(s, b, bits);
        struct policy_vote votes[8] = {0};
        struct sampling_decision d = policy_set_decide(s, &t, false, SEC, votes);
        if (d.verdict != rows->expected)
            fail_msg("%s\n  with %s\n  gave %d: %s", policies, rows->spans, d.verdict,
                     votes[0].why);
        assert_true(d.probability_known);
        assert_int_equal(d.threshold, 0);
        assert_true(*votes[0].why);
        batch_release(b);
    }
    policy_set_destroy(s);
}

#define CHECK(policies, ...)        check(policies, (const struct row[]){__VA_ARGS__, {0}})
#define ATTRIBUTE(key, type, value) "{'key':'" key "','value':{'" type "':" value "}}"
#define SPAN_WITH(key, type, value) "{'attributes':[" ATTRIBUTE(key, type, value) "]}"
#define ONE(type, settings)         "[{'name':'p','type':'" type "','" type "':{" settings "}}]"

static void always_sample(void **state)
{
    (void)state;
    CHECK("[{'name':'p','type':'always_sample'}]", {"{}", YES});
}

#define LASTS(start, end) "{'startTimeUnixNano':'" start "','endTimeUnixNano':'" end "'}"

static void latency_is_over_its_threshold(void **state)
{
    (void)state;
    CHECK(ONE("latency", "'threshold_ms':5"), {LASTS("1000000", "6000000"), NO},
          {LASTS("1000000", "6999999"), NO}, {LASTS("1000000", "7000000"), YES},
          {LASTS("1000000", "2000000") "," LASTS("6000000", "7000000"), YES},
          {LASTS("6000000", "7000000") "," LASTS("2000000", "3000000"), NO},
          {LASTS("9000000", "1000000"), NO});
    CHECK(ONE("latency", "'threshold_ms':5,'upper_threshold_ms':10"),
          {LASTS("1000000", "6000000"), NO}, {LASTS("1000000", "7000000"), YES},
          {LASTS("1000000", "11999999"), YES}, {LASTS("1000000", "12000000"), NO});
}

static void numeric_attribute_lies_in_its_range(void **state)
{
    (void)state;
    CHECK(ONE("numeric_attribute", "'key':'n','min_value':3,'max_value':5"),
          {SPAN_WITH("n", "intValue", "2"), NO}, {SPAN_WITH("n", "intValue", "3"), YES},
          {SPAN_WITH("n", "intValue", "5"), YES}, {SPAN_WITH("n", "intValue", "6"), NO},
          {SPAN_WITH("m", "intValue", "4"), NO}, {SPAN_WITH("n", "stringValue", "'4'"), NO},
          {SPAN_WITH("n", "doubleValue", "4.5"), YES}, {SPAN_WITH("n", "doubleValue", "5.5"), NO},
          {"{}," SPAN_WITH("n", "intValue", "4"), YES},
          {"{}", YES, ATTRIBUTE("n", "intValue", "4")});
}

static void a_bound_of_zero_is_a_bound(void **state)
{
    (void)state;
    CHECK(ONE("numeric_attribute", "'key':'n','min_value':0,'max_value':5"),
          {SPAN_WITH("n", "intValue", "-1"), NO}, {SPAN_WITH("n", "intValue", "0"), YES});
    CHECK(ONE("numeric_attribute", "'key':'n','min_value':-5,'max_value':0"),
          {SPAN_WITH("n", "intValue", "1"), NO}, {SPAN_WITH("n", "intValue", "0"), YES});
    CHECK(ONE("numeric_attribute", "'key':'n','max_value':0"),
          {SPAN_WITH("n", "intValue", "-99"), YES}, {SPAN_WITH("n", "intValue", "1"), NO});
    CHECK(ONE("numeric_attribute", "'key':'n','min_value':0"),
          {SPAN_WITH("n", "intValue", "99"), YES}, {SPAN_WITH("n", "intValue", "-1"), NO});
}

static void an_inverted_match_samples_what_has_none(void **state)
{
    (void)state;
    CHECK(ONE("numeric_attribute", "'key':'n','min_value':3,'max_value':5,'invert_match':true"),
          {SPAN_WITH("n", "intValue", "4"), NO}, {SPAN_WITH("n", "intValue", "6"), YES},
          {"{}", YES}, {"{}," SPAN_WITH("n", "intValue", "4"), NO},
          {"{}", NO, ATTRIBUTE("n", "intValue", "4")});
    CHECK(ONE("string_attribute", "'key':'s','values':['a'],'invert_match':true"),
          {SPAN_WITH("s", "stringValue", "'a'"), NO}, {SPAN_WITH("s", "stringValue", "'b'"), YES},
          {"{}", YES});
    CHECK(ONE("boolean_attribute", "'key':'b','value':true,'invert_match':true"),
          {SPAN_WITH("b", "boolValue", "true"), NO}, {SPAN_WITH("b", "boolValue", "false"), YES},
          {"{}", YES});
}

static void string_attribute_has_one_of_its_values(void **state)
{
    (void)state;
    CHECK(ONE("string_attribute", "'key':'s','values':['a','beta','']"),
          {SPAN_WITH("s", "stringValue", "'a'"), YES},
          {SPAN_WITH("s", "stringValue", "'beta'"), YES},
          {SPAN_WITH("s", "stringValue", "'bet'"), NO}, {SPAN_WITH("s", "stringValue", "''"), NO},
          {SPAN_WITH("s", "stringValue", "'A'"), NO}, {SPAN_WITH("t", "stringValue", "'a'"), NO},
          {SPAN_WITH("s", "intValue", "1"), NO}, {"{}", YES, ATTRIBUTE("s", "stringValue", "'a'")});
}

static void string_attribute_matches_an_expression(void **state)
{
    (void)state;
    CHECK(ONE("string_attribute", "'key':'s','values':['^a.c$','x+'],'enabled_regex_matching':true,"
                                  "'cache_max_size':10"),
          {SPAN_WITH("s", "stringValue", "'abc'"), YES},
          {SPAN_WITH("s", "stringValue", "'abcd'"), NO},
          {SPAN_WITH("s", "stringValue", "'a\\nc'"), NO},
          {SPAN_WITH("s", "stringValue", "'abc\\n'"), NO},
          {SPAN_WITH("s", "stringValue", "'oxo'"), YES});
    CHECK(ONE("string_attribute", "'key':'s','values':['^$'],'enabled_regex_matching':true"),
          {SPAN_WITH("s", "stringValue", "''"), NO},
          {"{}", YES, ATTRIBUTE("s", "stringValue", "''")});
}

static void boolean_attribute_has_its_value(void **state)
{
    (void)state;
    CHECK(ONE("boolean_attribute", "'key':'b','value':true"),
          {SPAN_WITH("b", "boolValue", "true"), YES}, {SPAN_WITH("b", "boolValue", "false"), NO},
          {SPAN_WITH("b", "stringValue", "'true'"), NO},
          {"{}", YES, ATTRIBUTE("b", "boolValue", "true")});
    CHECK(ONE("boolean_attribute", "'key':'b','value':false"),
          {SPAN_WITH("b", "boolValue", "false"), YES}, {SPAN_WITH("b", "intValue", "0"), NO});
}

static void status_code_of_any_span(void **state)
{
    (void)state;
    CHECK(ONE("status_code", "'status_codes':['ERROR']"), {"{},{'status':{'code':2}}", YES},
          {"{},{'status':{'code':1}}", NO});
    CHECK(ONE("status_code", "'status_codes':['OK','UNSET']"), {"{'status':{'code':2}}", NO},
          {"{'status':{'code':1}}", YES}, {"{}", YES});
}

static void span_count_from_min_to_max(void **state)
{
    (void)state;
    CHECK(ONE("span_count", "'min_spans':2,'max_spans':3"), {"{}", NO}, {"{},{}", YES},
          {"{},{},{}", YES}, {"{},{},{},{}", NO});
    CHECK(ONE("span_count", "'min_spans':2"), {"{}", NO}, {"{},{},{},{}", YES});
}

static void trace_state_has_one_of_its_values(void **state)
{
    (void)state;
    CHECK(ONE("trace_state", "'key':'v','values':['1','x']"), {"{},{'traceState':'v=1'}", YES},
          {"{'traceState':'a=b, v=x ,c=d'}", YES}, {"{'traceState':'v=2'}", NO},
          {"{'traceState':'vv=1'}", NO}, {"{'traceState':'v'}", NO}, {"{}", NO});
}

static void trace_flags_say_sampled(void **state)
{
    (void)state;
    CHECK("[{'name':'p','type':'trace_flags'}]", {"{'flags':256},{'flags':257}", YES},
          {"{'flags':256}", NO});
}

static void ottl_condition_of_any_span_or_event(void **state)
{
    (void)state;
    CHECK(ONE("ottl_condition", "'span':['name == `a`','kind == 3'],'spanevent':['name == `x`']"),
          {"{'name':'b'},{'name':'a'}", YES}, {"{'name':'b','kind':3}", YES}, {"{}", NO},
          {"{'events':[{'name':'y'},{'name':'x'}]}", YES}, {"{'events':[{'name':'a'}]}", NO});
}

#define AND(sub)  "[{'name':'p','type':'and','and':{'and_sub_policy':[" sub "]}}]"
#define STATUS    "{'name':'e','type':'status_code','status_code':{'status_codes':['ERROR']}}"
#define TWO_SPANS "{'name':'c','type':'span_count','span_count':{'min_spans':2}}"

static void and_wants_all(void **state)
{
    (void)state;
    CHECK(AND(STATUS "," TWO_SPANS), {"{'status':{'code':2}}", NO}, {"{},{}", NO},
          {"{},{'status':{'code':2}}", YES});
}

static void not_swaps(void **state)
{
    (void)state;
    CHECK("[{'name':'p','type':'not','not':{'not_sub_policy':" STATUS "}}]",
          {"{'status':{'code':2}}", NO}, {"{}", YES});
}

static void drop_drops_when_all_agree(void **state)
{
    (void)state;
    CHECK("[{'name':'a','type':'always_sample'},"
          "{'name':'d','type':'drop','drop':{'drop_sub_policy':[" STATUS "," TWO_SPANS "]}}]",
          {"{},{'status':{'code':2}}", DROP}, {"{'status':{'code':2}}", YES}, {"{},{}", YES});
    CHECK("[{'name':'d','type':'drop','drop':{'drop_sub_policy':[" STATUS "]}}]", {"{}", NO});
}

static void no_match_is_not_sampled(void **state)
{
    (void)state;
    CHECK("[" STATUS "," TWO_SPANS "]", {"{}", NO}, {"{'status':{'code':2}}", YES}, {"{},{}", YES});
}

/* ---- who decided ---- */

static struct sampling_decision decide(struct policy_set *s, uint32_t spans, uint64_t now,
                                       bool first, struct policy_vote *votes)
{
    static const uint64_t none[64];
    struct trace_summary t = {.spans = spans, .bits = none, .bytes = 10 * spans};
    return policy_set_decide(s, &t, first, now, votes);
}

static void the_first_that_votes_so_is_named(void **state)
{
    (void)state;
    struct policy_set *s =
        set_of("[" STATUS "," TWO_SPANS ",{'name':'a','type':'always_sample'}]", false);
    struct policy_vote votes[3];
    struct sampling_decision d = decide(s, 2, SEC, false, votes);
    assert_int_equal(d.policy, 1);
    assert_int_equal(d.sub_policy, UINT16_MAX);
    assert_string_equal(policy_set_name(s, d.policy), "c");
    assert_int_equal(votes[0].verdict, NO);
    assert_string_equal(votes[0].why, "no span has status ERROR");
    assert_int_equal(votes[1].verdict, YES);
    assert_string_equal(votes[1].why, "2 spans, wanted at least 2");
    assert_int_equal(votes[2].verdict, YES);
    d = decide(s, 2, SEC, true, votes);
    assert_int_equal(d.policy, 1);
    assert_int_equal(votes[2].verdict, NO);
    assert_non_null(strstr(votes[2].why, "not asked"));
    assert_int_equal(policy_set_count(s), 3);
    policy_set_destroy(s);
}

static void an_error_is_counted_and_passed_over(void **state)
{
    (void)state;
    const char *policies =
        "[{'name':'o','type':'ottl_condition','ottl_condition':{'error_mode':'%s',"
        "'span':['IsMatch(attributes[`l`], `x`)']}},{'name':'a','type':'always_sample'}]";
    static const char *const modes[] = {"propagate", "ignore", "silent"};
    for (unsigned i = 0; i < 3; i++) {
        char text[400];
        snprintf(text, sizeof text, policies, modes[i]);
        struct policy_set *s = set_of(text, false);
        struct batch *b = trace_of("", SPAN_WITH("l", "arrayValue", "{}"));
        uint64_t bits[64];
        struct trace_summary t = observed(s, b, bits);
        struct policy_vote votes[2];
        struct sampling_decision d = policy_set_decide(s, &t, false, SEC, votes);
        assert_int_equal(d.verdict, YES);
        assert_int_equal(d.policy, 1);
        assert_int_equal(votes[0].verdict, i == 0 ? SAMPLING_ERROR : NO);
        assert_int_equal(policy_set_errors(s), i == 0);
        batch_release(b);
        policy_set_destroy(s);
    }
}

/* ---- budgets ---- */

static void rate_limiting_spends_a_bucket(void **state)
{
    (void)state;
    struct policy_set *s = set_of(ONE("rate_limiting", "'spans_per_second':10"), false);
    assert_int_equal(decide(s, 20, SEC, false, NULL).verdict, YES); /* the burst is twice that */
    assert_int_equal(decide(s, 1, SEC, false, NULL).verdict, NO);
    assert_int_equal(decide(s, 6, SEC + SEC / 2, false, NULL).verdict, NO);
    assert_int_equal(decide(s, 5, SEC + SEC / 2, false, NULL).verdict, YES);
    assert_int_equal(decide(s, 21, 100 * SEC, false, NULL).verdict, NO);
    assert_int_equal(decide(s, 20, 100 * SEC, false, NULL).verdict, YES);
    policy_set_destroy(s);
    s = set_of(ONE("rate_limiting", "'spans_per_second':10,'burst_capacity':50"), false);
    assert_int_equal(decide(s, 50, SEC, false, NULL).verdict, YES);
    policy_set_destroy(s);
    s = set_of(ONE("rate_limiting", "'spans_per_second':0"), false);
    assert_int_equal(decide(s, 1, SEC, false, NULL).verdict, NO);
    policy_set_destroy(s);
}

static void bytes_limiting_counts_bytes(void **state)
{
    (void)state;
    struct policy_set *s = set_of(ONE("bytes_limiting", "'bytes_per_second':100"), false);
    assert_int_equal(decide(s, 20, SEC, false, NULL).verdict, YES); /* 10 bytes a span */
    assert_int_equal(decide(s, 1, SEC, false, NULL).verdict, NO);
    policy_set_destroy(s);
}

static void shards_share_the_rate(void **state)
{
    (void)state;
    struct error e;
    struct policy_set *s = policy_set_create(
        config_of(ONE("rate_limiting", "'spans_per_second':10")), "tail_sampling", 5, false, &e);
    assert_int_equal(decide(s, 20, SEC, false, NULL).verdict, YES);
    assert_int_equal(decide(s, 3, 2 * SEC, false, NULL).verdict, NO);
    assert_int_equal(decide(s, 2, 2 * SEC, false, NULL).verdict, YES);
    policy_set_destroy(s);
}

static void and_spends_nothing_on_what_another_refuses(void **state)
{
    (void)state;
    struct policy_set *s =
        set_of(AND("{'name':'r','type':'rate_limiting','rate_limiting':{'spans_per_second':1,"
                   "'burst_capacity':2}}," TWO_SPANS),
               false);
    for (int i = 0; i < 10; i++)
        assert_int_equal(decide(s, 1, SEC, false, NULL).verdict, NO);
    assert_int_equal(decide(s, 2, SEC, false, NULL).verdict, YES);
    policy_set_destroy(s);
}

#define COMPOSITE(settings)                                                                        \
    "[{'name':'p','type':'composite','composite':{'max_total_spans_per_second':100,"               \
    "'composite_sub_policy':[{'name':'all','type':'always_sample'}," TWO_SPANS "]" settings "}}]"

static unsigned sub_of(struct policy_set *s, uint32_t spans, uint64_t now)
{
    struct sampling_decision d = decide(s, spans, now, false, NULL);
    return d.verdict == SAMPLING_SAMPLED ? d.sub_policy : 99;
}

static void composite_asks_in_order_within_shares(void **state)
{
    (void)state;
    struct policy_set *s =
        set_of(COMPOSITE(",'policy_order':['c','all'],'rate_allocation':["
                         "{'policy':'c','percent':60},{'policy':'all','percent':30}]"),
               false);
    assert_string_equal(policy_set_sub_name(s, 0, 1), "c");
    assert_null(policy_set_sub_name(s, 0, 2));
    assert_int_equal(sub_of(s, 1, SEC), 0);
    assert_int_equal(sub_of(s, 60, SEC), 1);
    assert_int_equal(sub_of(s, 29, SEC), 0); /* c is over its share: the next may have it */
    assert_int_equal(sub_of(s, 1, SEC), 99);
    assert_int_equal(sub_of(s, 6, SEC + SEC / 10), 1);
    assert_int_equal(sub_of(s, 100, 10 * SEC), 99); /* larger than any share */
    policy_set_destroy(s);
}

static void composite_shares_equally_and_keeps_its_total(void **state)
{
    (void)state;
    struct policy_set *s = set_of(COMPOSITE(""), false);
    assert_int_equal(sub_of(s, 50, SEC), 0);
    assert_int_equal(sub_of(s, 50, SEC), 1);
    assert_int_equal(sub_of(s, 1, SEC), 99);
    policy_set_destroy(s);
    s = set_of(COMPOSITE(",'rate_allocation':[{'policy':'c','percent':100},"
                         "{'policy':'all','percent':100}]"),
               false);
    assert_int_equal(sub_of(s, 100, SEC), 0);
    assert_int_equal(sub_of(s, 2, SEC), 99); /* within c's share, over the total */
    policy_set_destroy(s);
}

/* ---- consistent sampling ---- */

#define HALF              "{'name':'h','type':'probabilistic','probabilistic':{'sampling_percentage':50}}"
#define QUARTER           "{'name':'q','type':'probabilistic','probabilistic':{'sampling_percentage':25}}"
#define LIMITER           "{'name':'r','type':'rate_limiting','rate_limiting':{'spans_per_second':1000}}"
#define HALF_THRESHOLD    (THRESHOLD_LIMIT / 2)
#define QUARTER_THRESHOLD (THRESHOLD_LIMIT / 4 * 3)

static void consistent(const char *policies, uint64_t randomness, uint32_t spans,
                       enum sampling_verdict verdict, uint64_t threshold, bool known)
{
    struct policy_set *s = set_of(policies, true);
    static const uint64_t none[64];
    struct trace_summary t = {.spans = spans, .bits = none, .randomness = randomness};
    struct sampling_decision d = policy_set_decide(s, &t, true, SEC, NULL);
    if (d.verdict != verdict || d.threshold != threshold || d.probability_known != known)
        fail_msg("%s: verdict %d, threshold %llx, known %d", policies, d.verdict,
                 (unsigned long long)d.threshold, d.probability_known);
    policy_set_destroy(s);
}

static void thresholds_combine(void **state)
{
    (void)state;
    const uint64_t top = THRESHOLD_LIMIT - 1;
    consistent("[" HALF "]", HALF_THRESHOLD, 1, YES, HALF_THRESHOLD, true);
    consistent("[" HALF "]", HALF_THRESHOLD - 1, 1, NO, 0, true);
    consistent("[" QUARTER "," HALF "]", HALF_THRESHOLD, 1, YES, HALF_THRESHOLD, true);
    consistent("[" QUARTER "," HALF "]", top, 1, YES, HALF_THRESHOLD, true);
    consistent("[" QUARTER "," TWO_SPANS "]", top, 2, YES, 0, true);
    consistent(AND(QUARTER "," HALF), top, 1, YES, QUARTER_THRESHOLD, true);
    consistent(AND(TWO_SPANS "," HALF), top, 2, YES, HALF_THRESHOLD, true);
    consistent("[" LIMITER "]", 0, 1, YES, 0, false);
    consistent("[" LIMITER "," HALF "]", top, 1, YES, 0, false);
    consistent("[" LIMITER "," TWO_SPANS "]", 0, 2, YES, 0, true);
    consistent(AND(LIMITER "," HALF), top, 1, YES, 0, false);
    consistent("[{'name':'n','type':'not','not':{'not_sub_policy':" HALF "}}]", 0, 1, YES, 0,
               false);
    consistent("[{'name':'n','type':'not','not':{'not_sub_policy':" TWO_SPANS "}}]", 0, 1, YES, 0,
               true);
    consistent("[{'name':'a','type':'always_sample'},"
               "{'name':'d','type':'drop','drop':{'drop_sub_policy':[" HALF "]}}]",
               0, 1, YES, 0, false);
}

/* ---- mistakes ---- */

static void mistakes_are_told_with_their_place(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"[]", "policies: at least one policy is needed"},
        {"{'a':1}", "policies: is not a list"},
        {"['a']", "policies::[]: is not a policy"},
        {"[{'name':'a','type':'latenzy'}]", "type: policy \"a\" has the unknown type \"latenzy\"; "
                                            "supported: always_sample, latency"},
        {"[{'name':'a'}]", "has no type; supported"},
        {"[{'type':'always_sample'}]", "needs a name"},
        {"[{'name':'a','type':'always_sample'},{'name':'a','type':'trace_flags'}]",
         "two policies have the name \"a\""},
        {"[{'name':'a','type':'latency','threshold_ms':5}]",
         "unknown key \"threshold_ms\"; supported: name, type, latency"},
        {ONE("latency", "'treshold_ms':5"),
         "policies::[]::latency::treshold_ms: unknown key \"treshold_ms\"; supported: "
         "threshold_ms, upper_threshold_ms"},
        {ONE("latency", "'threshold_ms':'fast'"), "not a whole number"},
        {ONE("numeric_attribute", "'key':'n'"), "min_value or max_value is needed"},
        {ONE("numeric_attribute", "'key':'n','min_value':5,'max_value':4"), "greater than"},
        {ONE("numeric_attribute", "'min_value':5"), "key is needed"},
        {ONE("string_attribute", "'key':'n'"), "values needs"},
        {ONE("string_attribute", "'key':'n','values':['('],'enabled_regex_matching':true"),
         "values: \"(\": the regular expression is wrong"},
        {"[{'name':'a','type':'boolean_attribute'}]", "key is needed"},
        {ONE("status_code", "'status_codes':[]"), "status_codes needs"},
        {ONE("status_code", "'status_codes':['error']"), "supported: OK, ERROR, UNSET"},
        {ONE("probabilistic", "'sampling_percentage':-1"), "at least 0"},
        {ONE("trace_state", "'key':'a'"), "key and values are needed"},
        {ONE("rate_limiting", "'spans_per_second':-5"), "out of range"},
        {ONE("ottl_condition", "'span':[]"), "a condition is needed"},
        {ONE("ottl_condition", "'span':['true','name = 1']"), "condition 2: column 6"},
        {ONE("ottl_condition", "'error_mode':'panic','span':['true']"), "supported: propagate"},
        {ONE("and", "'and_sub_policy':[]"), "at least one policy is needed in and_sub_policy"},
        {ONE("not", ""), "not_sub_policy is needed"},
        {AND("{'name':'d','type':'drop','drop':{'drop_sub_policy':[" STATUS "]}}"),
         "cannot be part"},
        {ONE("composite", "'composite_sub_policy':[" STATUS "]"), "greater than 0"},
        {COMPOSITE(",'policy_order':['x']"), "there is no sub-policy \"x\""},
        {COMPOSITE(",'policy_order':['c','c']"), "named twice"},
        {COMPOSITE(",'rate_allocation':[{'policy':'y','percent':5}]"), "no sub-policy \"y\""},
        {ONE("ema_dynamic", ""), "fields needs"},
        {ONE("ema_dynamic", "'fields':['a'],'goal_sample_rate':0"), "at least 1"},
        {ONE("ema_throughput", "'fields':['a']"), "goal_throughput_per_sec"},
        {ONE("windowed_throughput",
             "'fields':['a'],'goal_throughput_per_sec':1,'lookback_frequency':'1ms'"),
         "lookback_frequency"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error e = {0};
        struct policy_set *s =
            policy_set_create(config_of(cases[i][0]), "tail_sampling", 1, false, &e);
        if (s || !strstr(e.text, cases[i][1]) || strncmp(e.text, "test.yaml:1:", 12) != 0)
            fail_msg("%s: %s", cases[i][0], e.text);
    }
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    char text[2000] = "[";
    for (int i = 0; i < 20; i++)
        strcat(text, "{'name':'n','type':'not','not':{'not_sub_policy':");
    strcat(text, "{'name':'a','type':'always_sample'}");
    for (int i = 0; i < 20; i++)
        strcat(text, "}}");
    strcat(text, "]");
    struct error e = {0};
    assert_null(policy_set_create(config_of(text), "tail_sampling", 1, false, &e));
    assert_non_null(strstr(e.text, "nested more than 8 deep"));
}

static void conditions_are_bounded(void **state)
{
    (void)state;
    struct buffer text = {0};
    struct error e = {0};
    buffer_append_byte(&text, '[');
    for (unsigned i = 0; i < 5; i++) {
        buffer_printf(&text, "%s{'name':'a%u','type':'and','and':{'and_sub_policy':[", &","[i == 0],
                      i);
        for (unsigned k = 0; k < PREDICATES_MAX / 5 + 1; k++)
            buffer_printf(&text,
                          "%s{'name':'s%u','type':'string_attribute','string_attribute':"
                          "{'key':'k','values':['v']}}",
                          &","[k == 0], k);
        buffer_append_string(&text, "]}}");
    }
    buffer_append(&text, "]", 2);
    assert_null(
        policy_set_create(config_of((const char *)text.data), "tail_sampling", 1, false, &e));
    assert_non_null(strstr(e.text, "more than 1024 conditions"));
    buffer_free(&text);
}

static bool make_set(void *context)
{
    struct error e = {0};
    struct policy_set *s = policy_set_create(context, "tail_sampling", 2, false, &e);
    if (!s)
        assert_non_null(strstr(e.text, "out of memory"));
    policy_set_destroy(s);
    return s != NULL;
}

/* Of policies without lists, which the configuration keeps memory for. */
static void want_of_memory_is_told(void **state)
{
    (void)state;
    const char *policies =
        "[{'name':'a','type':'boolean_attribute','boolean_attribute':{'key':'k','value':true}},"
        "{'name':'b','type':'and','and':{'and_sub_policy':["
        "{'name':'c','type':'numeric_attribute','numeric_attribute':{'key':'n','min_value':1}},"
        "{'name':'d','type':'rate_limiting','rate_limiting':{'spans_per_second':5}}]}}]";
    const struct config_value *config = config_of(policies);
    assert_true(until_memory_suffices(make_set, (void *)config) > 10);
}

#define TEST(function) cmocka_unit_test_teardown(function, release)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(always_sample),
        TEST(latency_is_over_its_threshold),
        TEST(numeric_attribute_lies_in_its_range),
        TEST(a_bound_of_zero_is_a_bound),
        TEST(an_inverted_match_samples_what_has_none),
        TEST(string_attribute_has_one_of_its_values),
        TEST(string_attribute_matches_an_expression),
        TEST(boolean_attribute_has_its_value),
        TEST(status_code_of_any_span),
        TEST(span_count_from_min_to_max),
        TEST(trace_state_has_one_of_its_values),
        TEST(trace_flags_say_sampled),
        TEST(ottl_condition_of_any_span_or_event),
        TEST(and_wants_all),
        TEST(not_swaps),
        TEST(drop_drops_when_all_agree),
        TEST(no_match_is_not_sampled),
        TEST(the_first_that_votes_so_is_named),
        TEST(an_error_is_counted_and_passed_over),
        TEST(rate_limiting_spends_a_bucket),
        TEST(bytes_limiting_counts_bytes),
        TEST(shards_share_the_rate),
        TEST(and_spends_nothing_on_what_another_refuses),
        TEST(composite_asks_in_order_within_shares),
        TEST(composite_shares_equally_and_keeps_its_total),
        TEST(thresholds_combine),
        TEST(mistakes_are_told_with_their_place),
        TEST(nesting_is_bounded),
        TEST(conditions_are_bounded),
        TEST(want_of_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
