/* Open ends: what the processor tells of them, and what journeys make of it, in every order in
 * which spans can come. The room stands below sampling's, so journeys are compiled in here. */
#include "sampling/journeys.c"

#include "tests/unit/kafka_hops/rig.h"

#define PLACE(o)   ".destination.name=T .destination.partition.id=0 .kafka.offset=#" #o
#define GROUP(g)   " .consumer.group.name=" #g
#define A_SECOND   UINT64_C(1000000000)
#define A_LONG_ONE (300 * A_SECOND)

enum { REQUESTS_MAX = 6 };

/* ---- a sampler's ear ---- */

struct ear {
    struct hop_listener listener;
    struct journeys *journeys;
};

static uint64_t trace_number(const uint8_t trace_id[16])
{
    return low_id(trace_id, 16);
}

/* As sampling_join_all() does. */
static void hear_hop(struct hop_listener *l, const struct hop *hop)
{
    struct journey_side a = {.trace = trace_number(hop->producer_trace), .closes = true};
    struct journey_side b = {.trace = trace_number(hop->consumer_trace), .closes = hop->waited};
    journeys_join(((struct ear *)l)->journeys, &a, &b, A_SECOND);
}

static void hear_open(struct hop_listener *l, const uint8_t trace_id[16])
{
    journeys_open(((struct ear *)l)->journeys, trace_number(trace_id), A_SECOND);
}

static void ear_open(struct ear *e)
{
    static const struct journeys_settings settings = {.wait_ns = A_SECOND,
                                                      .hold_ns = A_LONG_ONE,
                                                      .forget_ns = 2 * A_LONG_ONE,
                                                      .ask_again_ns = 2 * A_SECOND,
                                                      .most_traces_each = 100,
                                                      .most_traces = 1000};
    *e = (struct ear){.listener = {.hop = hear_hop, .open = hear_open},
                      .journeys = journeys_create(&settings)};
    hops_subscribe(&e->listener);
}

static void ear_close(struct ear *e)
{
    hops_unsubscribe(&e->listener);
    journeys_destroy(e->journeys);
}

/* After the last join's wait, long before the end of the hold. */
static bool holds(struct ear *e, unsigned trace)
{
    uint64_t until_ns;
    return journeys_ask(e->journeys, trace, 0, 10 * A_SECOND, &until_ns) == JOURNEY_HOLD;
}

/* ---- stories: requests in any order, of traces from 1 that are one journey ---- */

struct story {
    const char *requests[REQUESTS_MAX];
    unsigned count;
    unsigned traces;
};

static void say(struct story *s, const char *spans)
{
    assert_true(s->count < REQUESTS_MAX);
    s->requests[s->count++] = spans;
}

/* Each trace but the first takes a record, each but the last writes one. */
static void a_chain(struct story *s)
{
    s->traces = 4;
    say(s, span(PRODUCER, 1, 10, 0, 100, 105, PLACE(1), ""));
    say(s, span(CONSUMER, 2, 20, 0, 110, 119, PLACE(1), ""));
    say(s, span(PRODUCER, 2, 21, 20, 112, 115, PLACE(2), ""));
    say(s, rig_text("%s,%s", span(CONSUMER, 3, 30, 0, 120, 129, PLACE(2), ""),
                    span(PRODUCER, 3, 31, 30, 122, 125, PLACE(3), "")));
    say(s, span(CONSUMER, 4, 40, 0, 130, 139, PLACE(3), ""));
}

/* Two groups take what another writes; one of them takes it twice, the other writes on. */
static void several_groups(struct story *s)
{
    s->traces = 4;
    say(s, rig_text("%s,%s", span(PRODUCER, 1, 10, 0, 100, 105, PLACE(1), ""),
                    span(PRODUCER, 1, 11, 0, 100, 105, PLACE(2), "")));
    say(s, span(CONSUMER, 2, 20, 0, 110, 119, PLACE(1) GROUP(g), ""));
    say(s, span(CONSUMER, 2, 22, 0, 120, 129, PLACE(1) GROUP(g), ""));
    say(s, rig_text("%s,%s", span(CONSUMER, 3, 30, 0, 110, 119, PLACE(1) GROUP(h), ""),
                    span(PRODUCER, 3, 31, 30, 112, 115, PLACE(3), "")));
    say(s, rig_text("%s,%s", span(CONSUMER, 4, 40, 0, 130, 139, PLACE(2), ""),
                    span(CONSUMER, 4, 41, 0, 130, 139, PLACE(3), "")));
}

/* A span that takes three records, two of them of one trace. */
static void a_batch(struct story *s)
{
    s->traces = 4;
    say(s, span(PRODUCER, 1, 10, 0, 100, 105, ".destination.name=T", ""));
    say(s, span(PRODUCER, 1, 11, 0, 101, 106, ".destination.name=T", ""));
    say(s, span(PRODUCER, 2, 12, 0, 102, 107, ".destination.name=T", ""));
    say(s, rig_text("%s,%s",
                    span(CONSUMER, 3, 30, 0, 200, 210, ".destination.name=T",
                         rig_text("%s,%s,%s", link_to(1, 10, ""), link_to(1, 11, ""),
                                  link_to(2, 12, ""))),
                    span(PRODUCER, 3, 31, 30, 205, 207, PLACE(1), "")));
    say(s, span(CONSUMER, 4, 40, 0, 300, 310, PLACE(1), ""));
}

/* Nothing but the key is known of the first record. */
static void an_inferred_hop(struct story *s)
{
    s->traces = 3;
    say(s, span(PRODUCER, 1, 10, 0, 100, 105, ".destination.name=T .kafka.message.key=k", ""));
    say(s,
        rig_text("%s,%s",
                 span(CONSUMER, 2, 20, 0, 110, 119, ".destination.name=T .kafka.message.key=k", ""),
                 span(PRODUCER, 2, 21, 20, 112, 115, PLACE(1), "")));
    say(s, span(CONSUMER, 3, 30, 0, 130, 139, PLACE(1), ""));
}

/* The record's way into the topic of dead letters: its taker there has two producers' traces. */
static void a_dead_letter(struct story *s)
{
    const char *dlt = ".destination.name=T.DLT .kafka.partition=#0 .kafka.offset=#1";
    s->traces = 3;
    say(s, span(PRODUCER, 1, 10, 0, 100, 105, PLACE(7), ""));
    say(s, rig_text("%s,%s", span(CONSUMER, 2, 20, 0, 110, 119, PLACE(7), ""),
                    span(PRODUCER, 2, 21, 20, 115, 118, dlt, "")));
    say(s, span(CONSUMER, 3, 30, 0, 200, 201,
                rig_text("%s .header.kafka_dlt-original-topic=[T] "
                         ".header.kafka_dlt-original-partition=[0] "
                         ".header.kafka_dlt-original-offset=[7]",
                         dlt),
                ""));
}

static unsigned held(struct ear *e, const struct story *s)
{
    unsigned n = 0;
    for (unsigned trace = 1; trace <= s->traces; trace++)
        n += holds(e, trace);
    return n;
}

static void run_in_order(void (*tell)(struct story *s), const unsigned *order)
{
    struct story s = {0};
    struct ear ear;
    struct rig *rig = rig_start("{}");
    ear_open(&ear);
    tell(&s);
    for (unsigned i = 0; i < s.count; i++) {
        rig_send(rig, "s", s.requests[order[i]]);
        assert_true(i > 0 || held(&ear, &s) > 0);
    }
    rig_settle(rig);
    assert_int_equal(held(&ear, &s), 0);
    ear_close(&ear);
    rig_stop(rig);
}

static void run_in_orders(void (*tell)(struct story *s), unsigned *order, unsigned from,
                          unsigned count)
{
    if (from == count)
        run_in_order(tell, order);
    for (unsigned i = from; i < count; i++) {
        unsigned chosen = order[i];
        order[i] = order[from];
        order[from] = chosen;
        run_in_orders(tell, order, from + 1, count);
        order[from] = order[i];
        order[i] = chosen;
    }
}

static void run_in_every_order(void (*tell)(struct story *s))
{
    unsigned order[REQUESTS_MAX] = {0};
    struct story s = {0};
    tell(&s);
    config_release();
    for (unsigned i = 0; i < s.count; i++)
        order[i] = i;
    run_in_orders(tell, order, 0, s.count);
}

static void nothing_holds_a_journey_that_is_known(void **state)
{
    (void)state;
    run_in_every_order(a_chain);
    run_in_every_order(several_groups);
    run_in_every_order(a_batch);
    run_in_every_order(an_inferred_hop);
    run_in_every_order(a_dead_letter);
}

/* What is missing holds: it is not closed by what others took. */
static void what_is_missing_holds(void **state)
{
    (void)state;
    struct ear ear;
    struct rig *rig = rig_start("{}");
    ear_open(&ear);
    rig_send(rig, "p",
             rig_text("%s,%s", span(PRODUCER, 1, 10, 0, 100, 105, PLACE(1), ""),
                      span(PRODUCER, 1, 11, 0, 100, 105, PLACE(2), "")));
    rig_send(rig, "c", span(CONSUMER, 2, 20, 0, 110, 119, PLACE(1) GROUP(g), ""));
    rig_send(rig, "c", span(CONSUMER, 3, 30, 0, 110, 119, PLACE(1) GROUP(h), ""));
    assert_true(holds(&ear, 1)); /* for the second record */
    assert_true(holds(&ear, 3));
    rig_send(rig, "c", span(CONSUMER, 4, 40, 0, 110, 119, PLACE(2), ""));
    assert_false(holds(&ear, 1));
    ear_close(&ear);
    rig_stop(rig);
}

/* Two producers' spans of one record, as "create" and "send": one of them is taken. */
static void the_second_producer_of_a_record_waits_for_nobody(void **state)
{
    (void)state;
    struct ear ear;
    struct rig *rig = rig_start("{}");
    ear_open(&ear);
    rig_send(rig, "p",
             rig_text("%s,%s", span(PRODUCER, 1, 10, 0, 100, 105, PLACE(1), ""),
                      span(PRODUCER, 1, 11, 10, 101, 104, PLACE(1), "")));
    assert_true(holds(&ear, 1));
    rig_send(rig, "c", span(CONSUMER, 2, 20, 0, 110, 119, PLACE(1), ""));
    assert_false(holds(&ear, 1));
    ear_close(&ear);
    rig_stop(rig);
}

/* A sender that heard no answer sends its spans again. */
static void spans_that_come_again_open_nothing(void **state)
{
    (void)state;
    static const char *const what[] = {PLACE(1), ".destination.name=T .kafka.message.key=k"};
    for (unsigned i = 0; i < 2; i++) {
        struct ear ear;
        struct rig *rig = rig_start("{}");
        const char *p = span(PRODUCER, 1, 10, 0, 100, 105, what[i], "");
        const char *c = span(CONSUMER, 2, 20, 0, 110, 119, what[i], "");
        const char *linked =
            span(CONSUMER, 3, 30, 0, 110, 119, PLACE(1) GROUP(h), link_to(1, 10, ""));
        ear_open(&ear);
        for (unsigned n = 0; n < 2; n++) {
            rig_send(rig, "c", c);
            rig_send(rig, "c", linked);
        }
        assert_true(holds(&ear, 2));
        rig_send(rig, "p", p);
        rig_send(rig, "p", p);
        rig_settle(rig);
        assert_int_equal(rig->count, 2);
        for (unsigned trace = 1; trace <= 3; trace++)
            assert_false(holds(&ear, trace));
        ear_close(&ear);
        rig_stop(rig);
    }
}

/* ---- what lanes tell side by side ---- */

static void a_join_may_come_before_its_end(void **state)
{
    (void)state;
    struct ear ear;
    ear_open(&ear);
    const struct journey_side producer = {.trace = 1, .closes = true}, consumer = {.trace = 2};
    journeys_join(ear.journeys, &producer, &consumer, A_SECOND);
    assert_false(holds(&ear, 2));
    journeys_open(ear.journeys, 3, A_SECOND); /* not the end that is owed */
    journeys_join(ear.journeys, &(struct journey_side){.trace = 3}, &consumer, A_SECOND);
    assert_true(holds(&ear, 2));
    journeys_open(ear.journeys, 1, A_SECOND);
    journeys_join(ear.journeys, &(struct journey_side){.trace = 3, .closes = true}, &consumer,
                  A_SECOND);
    assert_false(holds(&ear, 1));
    assert_false(holds(&ear, 2));
    ear_close(&ear);
}

/* Whoever holds a trace for an open end asks again, since nobody calls him when it is closed. */
static void an_open_end_is_asked_for_again(void **state)
{
    (void)state;
    struct ear ear;
    uint64_t until_ns = 0;
    ear_open(&ear);
    journeys_open(ear.journeys, 1, A_SECOND);
    assert_int_equal(journeys_ask(ear.journeys, 1, 0, 5 * A_SECOND, &until_ns), JOURNEY_HOLD);
    assert_int_equal(until_ns, 7 * A_SECOND);
    uint64_t late_ns = A_LONG_ONE;
    assert_int_equal(journeys_ask(ear.journeys, 1, 0, late_ns, &until_ns), JOURNEY_HOLD);
    assert_int_equal(until_ns, A_LONG_ONE + A_SECOND); /* its hold is over then */
    assert_int_equal(journeys_ask(ear.journeys, 1, 0, until_ns, &until_ns), JOURNEY_OVER);
    ear_close(&ear);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_holds_a_journey_that_is_known),
        cmocka_unit_test(what_is_missing_holds),
        cmocka_unit_test(the_second_producer_of_a_record_waits_for_nobody),
        cmocka_unit_test(spans_that_come_again_open_nothing),
        cmocka_unit_test(a_join_may_come_before_its_end),
        cmocka_unit_test(an_open_end_is_asked_for_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
