/* Inference by key: what it infers, what it leaves, and how often it is right on topics with known
 * truth. */
#include "tests/unit/kafka_hops/rig.h"
#include "tests/unit/kafka_hops/simulated_topic.h"

#define KEY(k) ".destination.name=T .kafka.message.key=" #k

/* ---- small stories ---- */

static void one_of_a_key_is_inferred(void **state)
{
    (void)state;
    struct rig *rig = rig_start("{}");
    rig_send(rig, "c",
             span(CONSUMER, 2, 20, 0, 120, 125, KEY(a) " .kafka.offset=3 .kafka.partition=1", ""));
    rig_send(rig, "p", span(PRODUCER, 1, 10, 0, 100, 105, KEY(a), ""));
    assert_int_equal(rig->count, 0);
    rig_settle(rig);
    const struct hop *hop = assert_hop(rig, 10, 20, HOP_BY_KEY, 1);
    assert_true(hop->inferred);
    assert_true(hop->waited);
    assert_in_range(hop->confidence, 90, 99);
    /* what was inferred tells others where the record lies, but not as certain */
    rig_send(rig, "d",
             span(CONSUMER, 3, 30, 0, 130, 131, KEY(a) " .kafka.offset=3 .kafka.partition=1", ""));
    hop = assert_hop(rig, 10, 30, HOP_BY_OFFSET, 1);
    assert_true(hop->inferred);
    assert_in_range(hop->confidence, 90, 99);
    rig_stop(rig);
}

static void nothing_waits_when_told_so(void **state)
{
    (void)state;
    struct rig *rig = rig_start("{'infer':{'settle':'0s'}}");
    struct span_cursor links;
    struct link_view link;
    rig_send(rig, "p", span(PRODUCER, 1, 10, 0, 100, 105, KEY(a), ""));
    rig_send(rig, "c", span(CONSUMER, 2, 20, 0, 120, 125, KEY(a), ""));
    assert_false(assert_hop(rig, 10, 20, HOP_BY_KEY, 1)->waited);
    span_links_begin(&links, span_bytes(&rig->received->spans[0]));
    assert_true(link_next(&links, &link));
    rig_stop(rig);
}

static void a_switch_turns_it_off(void **state)
{
    (void)state;
    struct rig *rig = rig_start("{'infer':{'enabled':false}}");
    rig_send(rig, "p", span(PRODUCER, 1, 10, 0, 100, 105, KEY(a), ""));
    rig_send(rig, "c", span(CONSUMER, 2, 20, 0, 120, 125, KEY(a), ""));
    rig_settle(rig);
    assert_int_equal(rig->count, 0);
    assert_shown(rig, "tailspan_kafka_hops_unmatchable{processor=\"kafka_hops\"} 1");
    rig_stop(rig);
}

static void a_queue_is_paired_off_in_order(void **state)
{
    (void)state;
    struct rig *rig = rig_start("{}");
    for (unsigned i = 0; i < 3; i++)
        rig_send(rig, "c",
                 span(CONSUMER, 12 - i, 22 - i, 0, 322 - 10 * i, 323 - 10 * i, KEY(a), ""));
    for (unsigned i = 0; i < 3; i++)
        rig_send(rig, "p",
                 span(PRODUCER, 1 + i, 10 + i, 0, 100 + 10 * i, 103 + 10 * i, KEY(a), ""));
    rig_settle(rig);
    assert_int_equal(rig->count, 3);
    for (unsigned i = 0; i < 3; i++)
        assert_hop(rig, 10 + i, 20 + i, HOP_BY_KEY, 1);
    rig_stop(rig);
}

/* Somebody's span is missing: who took what cannot be told. */
static void a_story_with_a_gap_is_left(void **state)
{
    (void)state;
    for (int consumers = 1; consumers <= 3; consumers += 2) {
        struct rig *rig = rig_start("{}");
        for (int i = 0; i < 2; i++)
            rig_send(rig, "p", span(PRODUCER, 1 + i, 10 + i, 0, 100 + i, 103 + i, KEY(a), ""));
        for (int i = 0; i < consumers; i++)
            rig_send(rig, "c", span(CONSUMER, 20 + i, 20 + i, 0, 200 + i, 203 + i, KEY(a), ""));
        rig_settle(rig);
        assert_int_equal(rig->count, 0);
        rig_stop(rig);
    }
}

static void what_does_not_fit_is_not_inferred(void **state)
{
    (void)state;
    static const struct {
        const char *producer, *consumer;
        unsigned start_ms;
    } cases[] = {
        {KEY(a), KEY(b), 120},
        {KEY(a), ".destination.name=U .kafka.message.key=a", 120},
        {KEY(a) " .kafka.partition=#0", KEY(a) " .kafka.partition=#1", 120},
        {KEY(a), KEY(a), 20},
        {KEY(a), KEY(a), 100000},
        {KEY(a) " .kafka.partition=#0 .kafka.offset=#1",
         KEY(a) " .kafka.partition=#0 .kafka.offset=#2", 120},
        {KEY(a) " .kafka.cluster.id=x", KEY(a) " .kafka.cluster.id=y", 120},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig *rig = rig_start("{}");
        rig_send(rig, "p", span(PRODUCER, 1, 10, 0, 100, 105, cases[i].producer, ""));
        rig_send(rig, "c",
                 span(CONSUMER, 2, 20, 0, cases[i].start_ms, cases[i].start_ms + 1,
                      cases[i].consumer, ""));
        rig_settle(rig);
        if (rig->count > 0)
            fail_msg("case %zu", i);
        rig_stop(rig);
    }
}

static void redeliveries_are_one_record(void **state)
{
    (void)state;
    struct rig *rig = rig_start("{}");
    rig_send(rig, "p", span(PRODUCER, 1, 10, 0, 100, 105, KEY(a), ""));
    for (unsigned i = 0; i < 3; i++)
        rig_send(rig, "c",
                 span(CONSUMER, 20 + i, 20 + i, 0, 120 + i, 120 + i,
                      KEY(a) " .kafka.offset=3 .kafka.partition=1", ""));
    rig_settle(rig);
    assert_int_equal(rig->count, 3);
    unsigned sum = 0;
    for (unsigned i = 0; i < 3; i++) {
        sum += rig->told[i].hop.attempt;
        assert_true(rig->told[i].hop.inferred);
    }
    assert_int_equal(sum, 6);
    rig_stop(rig);
}

/* ---- topics with known truth ---- */

static void assert_good(const struct simulated_topic *s, double recall)
{
    struct simulated_result r;
    simulated_topic_run(s, &r);
    if (r.exact != r.exact_right || r.exact_missed > 0 || r.twice > 0)
        fail_msg("seed %u: %u exact, %u right, %u missed, %u told twice", (unsigned)s->seed,
                 (unsigned)r.exact, (unsigned)r.exact_right, (unsigned)r.exact_missed,
                 (unsigned)r.twice);
    if (simulated_precision(&r) < 0.95 || simulated_recall(&r) < recall)
        fail_msg("seed %u: precision %.4f, recall %.4f", (unsigned)s->seed, simulated_precision(&r),
                 simulated_recall(&r));
}

static void inference_is_right(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 5; seed++) {
        struct simulated_topic s = simulated_topic_usual(4000);
        s.seed = seed;
        assert_good(&s, 0.95);
        s.consumers_know_offsets = false;
        assert_good(&s, 0.85);
        s = simulated_topic_usual(4000);
        s.seed = seed;
        s.loss = 0.1;
        assert_good(&s, 0.85);
    }
}

/* Whatever comes with it, what is certain is found, and right. */
static void the_certain_is_certain_on_random_topics(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 40; seed++) {
        struct simulated_topic s = simulated_topic_usual(4000);
        s.seed = seed;
        s.records = 1500;
        s.topics = 1 + seed % 7;
        s.partitions = 1 + seed % 5;
        s.groups = 1 + seed % 4;
        s.keys = 1 + seed * 13;
        s.exact = seed % 2 ? 1 : 0.5;
        s.context = seed % 3 ? 0.3 : 0;
        s.redelivered = 0.1;
        s.loss = seed % 5 * 0.05;
        s.export_ms = seed % 4 ? 2000 : 20000;
        struct simulated_result r;
        simulated_topic_run(&s, &r);
        if (r.exact != r.exact_right || r.exact_missed > 0 || r.twice > 0 || r.exact == 0)
            fail_msg("seed %u: %u exact, %u right, %u missed, %u told twice", seed,
                     (unsigned)r.exact, (unsigned)r.exact_right, (unsigned)r.exact_missed,
                     (unsigned)r.twice);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_of_a_key_is_inferred),
        cmocka_unit_test(nothing_waits_when_told_so),
        cmocka_unit_test(a_switch_turns_it_off),
        cmocka_unit_test(a_queue_is_paired_off_in_order),
        cmocka_unit_test(a_story_with_a_gap_is_left),
        cmocka_unit_test(what_does_not_fit_is_not_inferred),
        cmocka_unit_test(redeliveries_are_one_record),
        cmocka_unit_test(inference_is_right),
        cmocka_unit_test(the_certain_is_certain_on_random_topics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
