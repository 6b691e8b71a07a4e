/* include and exclude asked directly: what they take of a message, and what they remember. The
 * properties one by one are in attributes_test.c. */
#include "processors/attributes_match.h"
#include "tests/unit/sampling/policy_support.h"

#define S(key, value) "{'key':'" key "','value':{'stringValue':'" value "'}}"

static struct span_match *match_of(const char *config)
{
    struct error e = {0};
    struct span_match *m = span_match_create(config_of(config), &e);
    if (!m)
        fail_msg("%s", e.text);
    return m;
}

static bool matches(const char *config, const char *resource, const char *spans)
{
    struct span_match_memo memo = {0};
    struct span_match *m = match_of(config);
    struct batch *b = trace_of(resource, spans);
    bool yes = span_matches(m, &memo, b, 0);
    batch_release(b);
    span_match_destroy(m);
    return yes;
}

static void without_both_every_span_is_meant(void **state)
{
    (void)state;
    assert_true(matches("{}", "", "{'name':'a'}"));
}

static void of_a_key_that_is_there_twice_the_first_counts(void **state)
{
    (void)state;
    static const char span[] = "{'name':'a','attributes':[" S("a", "x") "," S("a", "y") "]}";
    static const char shops[] = S("service.name", "shop") "," S("service.name", "db");
#define STRICT(what) "{'include':{'match_type':'strict'," what "}}"
    assert_true(matches(STRICT("'attributes':[{'key':'a','value':'x'}]"), "", span));
    assert_false(matches(STRICT("'attributes':[{'key':'a','value':'y'}]"), "", span));
    assert_true(matches(STRICT("'services':['shop']"), shops, span));
    assert_false(matches(STRICT("'services':['db']"), shops, span));
    assert_true(
        matches(STRICT("'resources':[{'key':'service.name','value':'shop'}]"), shops, span));
    assert_false(matches(STRICT("'resources':[{'key':'service.name','value':'db'}]"), shops, span));
    assert_false(matches(
        "{'exclude':{'match_type':'regexp','attributes':[{'key':'a','value':'x'}]}}", "", span));
    assert_true(matches(
        "{'exclude':{'match_type':'regexp','attributes':[{'key':'a','value':'y'}]}}", "", span));
}

/* What one scope's answer was is no answer for the next one's spans. */
static void scopes_are_asked_each(void **state)
{
    (void)state;
    struct span_match_memo memo = {0};
    struct span_match *m = match_of(STRICT("'libraries':[{'name':'one'}]"));
    struct batch *b = batch_of(
        "{'resourceSpans':[{'scopeSpans':["
        "{'scope':{'name':'one'},'spans':[{'traceId':'0102030405060708090a0b0c0d0e0f10','spanId':"
        "'0102030405060708'},{'traceId':'0102030405060708090a0b0c0d0e0f10','spanId':"
        "'0102030405060709'}]},"
        "{'scope':{'name':'two'},'spans':[{'traceId':'0102030405060708090a0b0c0d0e0f10','spanId':"
        "'010203040506070a'}]}]}]}");
    assert_int_equal(b->span_count, 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(span_matches(m, &memo, b, i), i < 2);
    assert_true(span_matches(m, &memo, b, 0));
    batch_release(b);
    span_match_destroy(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_both_every_span_is_meant),
        cmocka_unit_test(of_a_key_that_is_there_twice_the_first_counts),
        cmocka_unit_test(scopes_are_asked_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
