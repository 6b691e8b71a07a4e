/* The ring of recent decisions: the latest are found, and what was never committed is not there. */
#include "sampling/recent_decisions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define A_SECOND 1000000000ULL
#define POLICIES 2

/* Room for a few records. */
static struct recent_decisions *small_ring(void)
{
    struct recent_decisions *r = recent_decisions_create(4096, POLICIES);
    assert_non_null(r);
    return r;
}

/* Some share their place in the index. */
static uint64_t hash_of(uint64_t trace)
{
    return trace / 2 * 5;
}

static void fill(struct recent_decision *d, uint64_t trace)
{
    memset(d->id, 0, sizeof d->id);
    memcpy(d->id, &trace, sizeof trace);
    d->hash = hash_of(trace);
    d->spans = (uint32_t)trace;
}

static bool knows(const struct recent_decisions *r, uint64_t trace)
{
    uint8_t id[16] = {0};
    memcpy(id, &trace, sizeof trace);
    const struct recent_decision *d = recent_decisions_find(r, hash_of(trace), id);
    if (d)
        assert_int_equal(d->spans, trace);
    return d != NULL;
}

static void remember(struct recent_decisions *r, uint64_t trace, uint64_t now_ns)
{
    struct recent_decision *d = recent_decisions_next(r, now_ns);
    assert_non_null(d);
    fill(d, trace);
    recent_decisions_commit(r);
}

/* How many of the traces before `end` are known: the latest, without a gap. */
static unsigned known_before(const struct recent_decisions *r, uint64_t end)
{
    unsigned n = 0;
    while (n < end && knows(r, end - 1 - n))
        n++;
    for (uint64_t older = 0; older + n < end; older++)
        assert_false(knows(r, older));
    return n;
}

static void the_latest_are_found(void **state)
{
    (void)state;
    struct recent_decisions *r = small_ring();
    for (uint64_t i = 0; i < 100; i++) {
        remember(r, i, A_SECOND);
        assert_true(knows(r, i));
    }
    unsigned capacity = known_before(r, 100);
    assert_true(capacity > 2 && capacity < 50);
    recent_decisions_destroy(r);
}

/* A decision that is put off costs neither a record nor a place in its second. */
static void what_is_not_committed_costs_nothing(void **state)
{
    (void)state;
    struct recent_decisions *r = small_ring();
    unsigned capacity = 0;
    for (uint64_t i = 0; i < 100; i++) {
        for (unsigned put_off = 0; put_off < i % 7 * 300; put_off++) {
            struct recent_decision *d = recent_decisions_next(r, A_SECOND);
            assert_non_null(d);
            assert_ptr_equal(d, recent_decisions_next(r, 2 * A_SECOND));
        }
        remember(r, i, A_SECOND);
        unsigned known = known_before(r, i + 1);
        assert_true(known >= capacity);
        capacity = known;
    }
    assert_true(capacity > 2 && capacity < 50);
    recent_decisions_destroy(r);
}

static void a_second_has_an_end(void **state)
{
    (void)state;
    struct recent_decisions *r = recent_decisions_create(1 << 20, POLICIES);
    uint64_t kept = 0;
    assert_non_null(r);
    while (recent_decisions_next(r, A_SECOND)) {
        remember(r, kept++, A_SECOND);
        assert_true(kept < 100000);
    }
    assert_true(knows(r, kept - 1));
    remember(r, kept, 2 * A_SECOND);
    assert_true(knows(r, kept));
    recent_decisions_destroy(r);
}

static void without_room_nothing_is_kept(void **state)
{
    (void)state;
    struct recent_decisions *r = recent_decisions_create(0, POLICIES);
    assert_non_null(r);
    assert_null(recent_decisions_next(r, A_SECOND));
    assert_false(knows(r, 0));
    recent_decisions_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_latest_are_found),
        cmocka_unit_test(what_is_not_committed_costs_nothing),
        cmocka_unit_test(a_second_has_an_end),
        cmocka_unit_test(without_room_nothing_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
