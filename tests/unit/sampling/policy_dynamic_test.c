/* Dynamic policies: what makes a key, and that chance keeps what the rate says. */
#include "policy_support.h"

#include "sampling/chance.h"

#define POLICY(type, settings) "[{'name':'p','type':'" type "','" type "':{" settings "}}]"
#define BY(fields)             "'goal_sample_rate':10,'adjustment_interval':'1s','fields':[" fields "]"
#define ATTRIBUTE(key, value)  "{'key':'" key "','value':{'stringValue':'" value "'}}"

static uint64_t next_id;

/* Decides `count` traces like this one, which differ in their ids, and returns how many are kept.
 */
static unsigned decide(struct policy_set *s, struct trace_summary *t, unsigned count, uint64_t now,
                       struct policy_vote *vote)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < count; i++) {
        next_id += 0x9e3779b97f4a7c15;
        memcpy(t->trace_id, &next_id, sizeof next_id);
        kept += policy_set_decide(s, t, false, now, vote).verdict == SAMPLING_SAMPLED;
    }
    return kept;
}

static const char *why(struct policy_set *s, const struct batch *b, uint64_t now,
                       struct policy_vote *vote)
{
    uint64_t bits[64];
    struct trace_summary t = observed(s, b, bits);
    decide(s, &t, 1, now, vote);
    return vote->why;
}

static void the_key_is_made_of_the_roots_fields(void **state)
{
    (void)state;
    struct policy_set *s = set_of(
        POLICY("ema_dynamic", BY("'service.name','span.name','span.kind','status.code','x','n'")),
        false);
    struct policy_vote vote;
    struct batch *b = trace_of(ATTRIBUTE("service.name", "cart") "," ATTRIBUTE("x", "of resource"),
                               "{'name':'child','parentSpanId':'0101010101010101'},"
                               "{'name':'GET','status':{'code':2},'attributes':["
                               "{'key':'n','value':{'intValue':'7'}}]}");
    assert_string_equal(why(s, b, SEC, &vote),
                        "one in 10 of cart,GET,unspecified,error,of resource,7");
    batch_release(b);
    b = trace_of(ATTRIBUTE("x", "of resource"),
                 "{'name':'a\\n','attributes':[" ATTRIBUTE("x", "of span") "]}");
    assert_string_equal(why(s, b, SEC, &vote), "one in 10 of ,a?,unspecified,unset,of span,");
    batch_release(b);
    b = trace_of("", "{'name':'child','parentSpanId':'0101010101010101'}");
    assert_string_equal(why(s, b, SEC, &vote), "one in 10 of no root span");
    batch_release(b);
    policy_set_destroy(s);
    config_release();
}

static void the_frequent_is_thinned_and_the_rare_is_kept(void **state)
{
    (void)state;
    struct policy_set *s = set_of(POLICY("ema_dynamic", BY("'span.name'")), false);
    struct batch *often = trace_of("", "{'name':'often'}"), *rare = trace_of("", "{'name':'rare'}");
    uint64_t often_bits[64], rare_bits[64];
    struct trace_summary t = observed(s, often, often_bits), u = observed(s, rare, rare_bits);
    decide(s, &t, 5000, SEC, NULL);
    decide(s, &u, 4, SEC, NULL);
    struct policy_vote vote;
    assert_int_equal(decide(s, &u, 4, 3 * SEC, &vote), 4);
    assert_string_equal(vote.why, "one in 1 of rare");
    unsigned kept = decide(s, &t, 10000, 3 * SEC, &vote);
    assert_string_equal(vote.why, "one in 11 of often");
    assert_in_range(kept, 800, 1020); /* 909 */
    batch_release(often);
    batch_release(rare);
    policy_set_destroy(s);
    config_release();
}

static void a_rate_is_a_threshold_in_consistent_sampling(void **state)
{
    (void)state;
    struct policy_set *s = set_of(POLICY("ema_dynamic", BY("'span.name'")), true);
    struct batch *b = trace_of("", "{'name':'often'}");
    uint64_t bits[64];
    struct trace_summary t = observed(s, b, bits);
    const uint64_t threshold = chance_threshold(0.1);
    t.randomness = threshold;
    struct sampling_decision d = policy_set_decide(s, &t, false, SEC, NULL);
    assert_int_equal(d.verdict, SAMPLING_SAMPLED);
    assert_int_equal(d.threshold, threshold);
    assert_true(d.probability_known);
    t.randomness = threshold - 1;
    assert_int_equal(policy_set_decide(s, &t, false, SEC, NULL).verdict, SAMPLING_NOT_SAMPLED);
    batch_release(b);
    policy_set_destroy(s);
    config_release();
}

/* A thousand traces of two spans in a window of a second, of which so many are to be kept. */
static uint64_t rate_of(const char *policies, unsigned shards)
{
    struct error e;
    struct policy_set *s = policy_set_create(config_of(policies), "t", shards, false, &e);
    if (!s)
        fail_msg("%s", e.text);
    struct batch *b = trace_of("", "{'name':'a'},{'name':'b'}");
    uint64_t bits[64];
    struct trace_summary t = observed(s, b, bits);
    decide(s, &t, 1000, SEC, NULL);
    struct policy_vote vote;
    decide(s, &t, 1, 2 * SEC + 1, &vote);
    batch_release(b);
    policy_set_destroy(s);
    config_release();
    return strtoull(vote.why + strlen("one in "), NULL, 10);
}

#define WINDOWED(more)                                                                             \
    POLICY("windowed_throughput", "'goal_throughput_per_sec':100,'lookback_frequency':'1s',"       \
                                  "'fields':['span.name']" more)
#define THROUGHPUT(more)                                                                           \
    POLICY("ema_throughput", "'goal_throughput_per_sec':100,'adjustment_interval':'1s',"           \
                             "'weight':0.999999,'fields':['span.name']" more)

static void a_throughput_counts_traces_or_spans_of_a_shard(void **state)
{
    (void)state;
    assert_int_equal(rate_of(WINDOWED(""), 1), 10);
    assert_int_equal(rate_of(WINDOWED(",'use_trace_length':true"), 1), 20);
    assert_int_equal(rate_of(WINDOWED(""), 2), 20);
    assert_int_equal(rate_of(THROUGHPUT(""), 1), 10);
    assert_int_equal(rate_of(THROUGHPUT(",'use_trace_length':true"), 1), 20);
    assert_int_equal(rate_of(THROUGHPUT(""), 2), 20);
}

static void a_window_is_bounded_in_memory(void **state)
{
    (void)state;
    struct error e = {0};
    assert_null(policy_set_create(
        config_of(POLICY("windowed_throughput",
                         "'goal_throughput_per_sec':1,'lookback_frequency':'600s',"
                         "'max_keys':100000,'fields':['a']")),
        "t", 1, false, &e));
    assert_non_null(strstr(e.text, "at most 4000000"));
    config_release();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_key_is_made_of_the_roots_fields),
        cmocka_unit_test(the_frequent_is_thinned_and_the_rare_is_kept),
        cmocka_unit_test(a_rate_is_a_threshold_in_consistent_sampling),
        cmocka_unit_test(a_throughput_counts_traces_or_spans_of_a_shard),
        cmocka_unit_test(a_window_is_bounded_in_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
