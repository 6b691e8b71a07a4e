/* The decision memory: what was decided is found again, the newest for as long as promised. */
#include "sampling/decision_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static uint64_t hash_of(uint64_t i)
{
    uint64_t h = (i + 1) * 0x9e3779b97f4a7c15U;
    h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9U;
    h = (h ^ (h >> 27)) * 0x94d049bb133111ebU;
    return h ^ (h >> 31);
}

static struct sampling_decision decision(unsigned policy, uint64_t threshold)
{
    return (struct sampling_decision){.verdict = SAMPLING_SAMPLED,
                                      .policy = (uint16_t)policy,
                                      .sub_policy = UINT16_MAX,
                                      .threshold = threshold,
                                      .probability_known = true};
}

/* A tenth of the default size, for a tenth of the traces: ten minutes of 1,000 a second. */
static void ten_minutes_are_remembered(void **state)
{
    (void)state;
    const uint64_t size = 9600000, traces = 600000;
    struct decision_memory *m = decision_memory_create(size);
    uint16_t outcomes[7];
    for (unsigned i = 0; i < 7; i++) {
        struct sampling_decision d = decision(i, i * 1000);
        outcomes[i] = decision_memory_outcome(m, &d);
    }
    for (uint64_t i = 0; i < 3 * traces; i++)
        decision_memory_add(m, hash_of(i), outcomes[i % 7], i * 1000000);
    uint64_t forgotten = 0, now_ns = 3 * traces * 1000000;
    for (uint64_t i = 2 * traces; i < 3 * traces; i++) {
        uint64_t age_ns;
        uint16_t found = decision_memory_find(m, hash_of(i), now_ns, &age_ns);
        if (found == OUTCOME_NONE) {
            forgotten++;
            continue;
        }
        assert_int_equal(decision_memory_get(m, found)->policy, i % 7);
        assert_true(age_ns <= now_ns - i * 1000000 + 250000000 &&
                    age_ns + 250000000 >= now_ns - i * 1000000);
    }
    assert_true(forgotten < traces / 500);
    for (uint64_t i = 4 * traces; i < 5 * traces; i++)
        assert_int_equal(decision_memory_find(m, hash_of(i), now_ns, NULL), OUTCOME_NONE);
    assert_true(decision_memory_bytes(m) < size + size / 10);
    decision_memory_destroy(m);
}

static void it_grows_with_what_it_holds(void **state)
{
    (void)state;
    struct decision_memory *m = decision_memory_create(96000000);
    struct sampling_decision d = decision(1, 0);
    uint16_t outcome = decision_memory_outcome(m, &d);
    assert_true(decision_memory_bytes(m) < 500000);
    for (uint64_t i = 0; i < 100000; i++)
        decision_memory_add(m, hash_of(i), outcome, 0);
    assert_int_equal(decision_memory_count(m), 100000);
    for (uint64_t i = 0; i < 100000; i++)
        assert_int_equal(decision_memory_find(m, hash_of(i), 0, NULL), outcome);
    assert_true(decision_memory_bytes(m) < 8000000);
    decision_memory_destroy(m);
}

static void too_many_outcomes_lose_their_threshold(void **state)
{
    (void)state;
    struct decision_memory *m = decision_memory_create(1 << 20);
    for (unsigned i = 0; i < 100000; i++) {
        struct sampling_decision d = decision(i % 5, i);
        const struct sampling_decision *kept =
            decision_memory_get(m, decision_memory_outcome(m, &d));
        assert_int_equal(kept->policy, i % 5);
        assert_int_equal(kept->verdict, SAMPLING_SAMPLED);
        assert_true(kept->probability_known ? kept->threshold == i : i > 20000);
    }
    decision_memory_destroy(m);
}

static void without_memory_nothing_is_remembered(void **state)
{
    (void)state;
    struct decision_memory *m = decision_memory_create(0);
    struct sampling_decision d = decision(1, 0);
    uint16_t outcome = decision_memory_outcome(m, &d);
    decision_memory_add(m, 5, outcome, 0);
    assert_int_equal(decision_memory_find(m, 5, 0, NULL), OUTCOME_NONE);
    assert_int_equal(decision_memory_get(m, outcome)->policy, 1);
    decision_memory_destroy(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_minutes_are_remembered),
        cmocka_unit_test(it_grows_with_what_it_holds),
        cmocka_unit_test(too_many_outcomes_lose_their_threshold),
        cmocka_unit_test(without_memory_nothing_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
