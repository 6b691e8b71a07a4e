/* Journeys: joined in any order, kept together, bounded; held against a naive model. */
#include "sampling/journeys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEC 1000000000ull

static const struct journeys_settings usual = {.wait_ns = 10 * SEC,
                                               .hold_ns = 30 * SEC,
                                               .forget_ns = 600 * SEC,
                                               .most_traces_each = 1000,
                                               .most_traces = 100000};

static bool join(struct journeys *j, uint64_t a, uint64_t b, uint64_t now_ns)
{
    return journeys_join(j, &(struct journey_side){.trace = a}, &(struct journey_side){.trace = b},
                         now_ns);
}

static enum journey_answer ask(struct journeys *j, uint64_t trace, uint64_t arrived_ns,
                               uint64_t now_ns)
{
    uint64_t until_ns;
    return journeys_ask(j, trace, arrived_ns, now_ns, &until_ns);
}

static void one_keeps_all(void **state)
{
    (void)state;
    struct journeys *j = journeys_create(&usual);
    assert_int_equal(ask(j, 1, 0, 99 * SEC), JOURNEY_NONE);
    assert_false(journeys_any(j));
    for (uint64_t i = 20; i > 1; i--)
        assert_true(join(j, i - 1, i, 5 * SEC));
    uint64_t until_ns = 0;
    assert_int_equal(journeys_ask(j, 7, 0, 10 * SEC, &until_ns), JOURNEY_HOLD);
    assert_int_equal(until_ns, 16 * SEC);
    assert_true(journeys_keep(j, 13));
    assert_false(journeys_keep(j, 13));
    assert_false(journeys_keep(j, 99));
    for (uint64_t i = 1; i <= 20; i++)
        assert_int_equal(ask(j, i, 0, 16 * SEC), JOURNEY_KEPT);
    assert_int_equal(ask(j, 99, 0, 16 * SEC), JOURNEY_NONE);
    struct journeys_counts counts;
    journeys_count(j, &counts);
    assert_int_equal(counts.traces, 20);
    assert_int_equal(counts.journeys, 1);
    assert_int_equal(counts.broken, 0);
    journeys_destroy(j);
}

static void holding_ends(void **state)
{
    (void)state;
    struct journeys *j = journeys_create(&usual);
    uint64_t until_ns;
    join(j, 1, 2, 0);
    assert_int_equal(ask(j, 1, 0, 11 * SEC), JOURNEY_OVER); /* nobody kept the other one */
    for (uint64_t i = 2; i < 100; i++) {                    /* it goes on and on */
        join(j, i, i + 1, i * SEC);
        enum journey_answer answer = journeys_ask(j, 2, 0, i * SEC, &until_ns);
        assert_int_equal(answer, i < 40 ? JOURNEY_HOLD : JOURNEY_OVER);
        assert_true(until_ns <= 40 * SEC);
    }
    struct journeys_counts counts;
    journeys_keep(j, 99);
    journeys_count(j, &counts);
    assert_int_equal(counts.broken, 1); /* told, not hidden */
    journeys_destroy(j);
}

static void what_was_decided_before_counts(void **state)
{
    (void)state;
    struct journeys *j = journeys_create(&usual);
    struct journeys_counts counts;
    journeys_join(j, &(struct journey_side){.trace = 1, .past = PAST_KEPT},
                  &(struct journey_side){.trace = 2}, SEC);
    assert_int_equal(ask(j, 2, 0, 10 * SEC), JOURNEY_KEPT);
    journeys_join(j, &(struct journey_side){.trace = 3, .past = PAST_DROPPED},
                  &(struct journey_side){.trace = 4}, SEC);
    assert_int_equal(ask(j, 4, 0, 10 * SEC), JOURNEY_HOLD);
    journeys_count(j, &counts);
    assert_int_equal(counts.broken, 0);
    join(j, 2, 4, SEC);
    assert_int_equal(ask(j, 4, 0, 10 * SEC), JOURNEY_KEPT);
    journeys_count(j, &counts);
    assert_int_equal(counts.broken, 1);
    journeys_destroy(j);
}

static void open_ends_hold(void **state)
{
    (void)state;
    struct journeys *j = journeys_create(&usual);
    uint64_t until_ns;
    assert_true(journeys_open(j, 1, SEC));
    assert_int_equal(journeys_ask(j, 1, 0, 11 * SEC, &until_ns), JOURNEY_HOLD);
    assert_int_equal(until_ns, 40 * SEC);
    /* Its message was taken within the trace: it is alone after all. */
    const struct journey_side one = {.trace = 1, .closes = true}, same = {.trace = 1};
    assert_true(journeys_join(j, &one, &same, 12 * SEC));
    assert_int_equal(ask(j, 1, 0, 12 * SEC), JOURNEY_NONE);
    /* Two ends: one of them stays open. */
    journeys_open(j, 1, 13 * SEC);
    journeys_open(j, 1, 13 * SEC);
    journeys_join(j, &one, &(struct journey_side){.trace = 2}, 13 * SEC);
    assert_int_equal(journeys_ask(j, 2, 13 * SEC, 30 * SEC, &until_ns), JOURNEY_HOLD);
    assert_int_equal(until_ns, 53 * SEC);
    journeys_join(j, &one, &(struct journey_side){.trace = 3}, 14 * SEC);
    assert_int_equal(journeys_ask(j, 2, 13 * SEC, 24 * SEC, &until_ns), JOURNEY_HOLD);
    assert_int_equal(until_ns, 25 * SEC);
    assert_int_equal(ask(j, 2, 13 * SEC, 25 * SEC), JOURNEY_OVER);
    journeys_destroy(j);
}

static void sizes_are_bounded(void **state)
{
    (void)state;
    struct journeys_settings small = usual;
    struct journeys_counts counts;
    small.most_traces_each = 5;
    small.most_traces = 100;
    struct journeys *j = journeys_create(&small);
    for (uint64_t i = 1; i <= 5; i++)
        join(j, 1, i, SEC);
    assert_false(join(j, 1, 6, SEC)); /* the sixth stays apart */
    assert_true(journeys_keep(j, 6));
    assert_int_equal(ask(j, 1, 0, 10 * SEC), JOURNEY_HOLD);
    for (uint64_t i = 1000; i < 5000; i += 2)
        assert_true(join(j, i, i + 1, 2 * SEC));
    journeys_count(j, &counts);
    assert_true(counts.traces <= 100);
    assert_int_equal(counts.apart, 1);
    assert_int_equal(ask(j, 1, 0, 10 * SEC), JOURNEY_NONE); /* the quietest went */
    assert_int_equal(ask(j, 4999, 0, 10 * SEC), JOURNEY_HOLD);
    journeys_destroy(j);
}

static void quiet_ones_are_forgotten(void **state)
{
    (void)state;
    struct journeys *j = journeys_create(&usual);
    struct journeys_counts counts;
    for (uint64_t i = 0; i < 20; i += 2)
        join(j, i, i + 1, SEC);
    for (uint64_t i = 100; i < 110; i += 2)
        join(j, i, i + 1, 602 * SEC);
    journeys_count(j, &counts);
    assert_int_equal(counts.traces, 10);
    assert_int_equal(counts.journeys, 5);
    journeys_destroy(j);
}

/* ---- against a model: labels in an array ---- */

enum { TRACES = 400, ROUNDS = 200 };

static uint64_t name_of(unsigned i)
{
    return (uint64_t)(i % 7) << 40 | (uint64_t)i * 64; /* many share a place in the table */
}

static void joins_agree_with_a_model(void **state)
{
    (void)state;
    srand(7);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct journeys *j = journeys_create(&usual);
        unsigned label[TRACES];
        bool joined[TRACES] = {false}, kept[TRACES] = {false}; /* the second by label */
        for (unsigned i = 0; i < TRACES; i++)
            label[i] = i;
        for (unsigned n = 0; n < TRACES / 2; n++) {
            unsigned a = (unsigned)rand() % TRACES, b = (unsigned)rand() % TRACES;
            if (a == b)
                continue;
            assert_true(join(j, name_of(a), name_of(b), SEC));
            joined[a] = joined[b] = true;
            unsigned from = label[a], to = label[b];
            kept[to] |= kept[from];
            for (unsigned i = 0; i < TRACES; i++)
                label[i] = label[i] == from ? to : label[i];
            if (n % 16 == 0)
                assert_int_equal(journeys_keep(j, name_of(a)), !kept[label[a]]);
            if (n % 16 == 0)
                kept[label[a]] = true;
        }
        for (unsigned i = 0; i < TRACES; i++)
            assert_int_equal(ask(j, name_of(i), 0, 2 * SEC), !joined[i]       ? JOURNEY_NONE
                                                             : kept[label[i]] ? JOURNEY_KEPT
                                                                              : JOURNEY_HOLD);
        journeys_destroy(j);
    }
}

static uint64_t broken(struct journeys *j)
{
    struct journeys_counts counts;
    journeys_count(j, &counts);
    return counts.broken;
}

static void who_is_let_go_breaks_what_is_kept(void **state)
{
    (void)state;
    struct journeys *j = journeys_create(&usual);
    journeys_let_go(j, 1); /* of no journey */
    join(j, 1, 2, 5 * SEC);
    journeys_let_go(j, 1);
    assert_int_equal(ask(j, 2, 0, 10 * SEC), JOURNEY_HOLD);
    assert_int_equal(broken(j), 0);
    assert_true(journeys_keep(j, 2));
    assert_int_equal(broken(j), 1);
    join(j, 3, 4, 5 * SEC);
    assert_true(journeys_keep(j, 3));
    journeys_let_go(j, 4);
    journeys_let_go(j, 4);
    assert_int_equal(broken(j), 2);
    journeys_destroy(j);
}

/* Members come and go while the table is full of neighbours. */
static void forgetting_loses_nobody_else(void **state)
{
    (void)state;
    struct journeys_settings small = usual;
    small.forget_ns = 10 * SEC;
    struct journeys *j = journeys_create(&small);
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t now_ns = (uint64_t)i * SEC / 20;
        join(j, name_of(2 * i), name_of(2 * i + 1), now_ns);
        for (unsigned k = i < 150 ? 0 : i - 150; k <= i; k += 13)
            assert_int_not_equal(ask(j, name_of(2 * k + 1), now_ns, now_ns), JOURNEY_NONE);
    }
    struct journeys_counts counts;
    journeys_count(j, &counts);
    assert_in_range(counts.traces, 300, 410);
    journeys_destroy(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_keeps_all),
        cmocka_unit_test(holding_ends),
        cmocka_unit_test(what_was_decided_before_counts),
        cmocka_unit_test(open_ends_hold),
        cmocka_unit_test(who_is_let_go_breaks_what_is_kept),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(quiet_ones_are_forgotten),
        cmocka_unit_test(joins_agree_with_a_model),
        cmocka_unit_test(forgetting_loses_nobody_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
