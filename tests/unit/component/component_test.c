/* Receipts: done once, by the last to answer, with the worst answer. */
#include "component/component.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct waiting {
    struct receipt receipt;
    int done;
    struct outcome worst;
};

static void on_done(struct receipt *r, const struct outcome *worst)
{
    struct waiting *w = (struct waiting *)r;
    w->done++;
    w->worst = *worst;
}

static void a_plain_answer_ends_it(void **state)
{
    (void)state;
    struct waiting w = {0};
    receipt_begin(&w.receipt, on_done);
    struct outcome o = outcome_busy(250, "queue of %d is full", 3);
    receipt_resolve(&w.receipt, &o);
    assert_int_equal(w.done, 1);
    assert_int_equal(w.worst.verdict, VERDICT_BUSY);
    assert_int_equal(w.worst.retry_after_ms, 250);
    assert_string_equal(w.worst.message, "queue of 3 is full");
}

static void pending_waits_for_the_last_and_the_worst_counts(void **state)
{
    (void)state;
    struct waiting w = {0};
    struct outcome pending = outcome_pending(), accepted = outcome_accepted();
    struct outcome busy = outcome_busy(0, "later"), rejected = outcome_rejected(3, "never");
    receipt_begin(&w.receipt, on_done);
    receipt_hold(&w.receipt);
    receipt_hold(&w.receipt);
    receipt_hold(&w.receipt);
    receipt_resolve(&w.receipt, &pending);
    receipt_resolve(&w.receipt, &rejected);
    receipt_resolve(&w.receipt, &busy);
    assert_int_equal(w.done, 0);
    receipt_resolve(&w.receipt, &accepted);
    assert_int_equal(w.done, 1);
    assert_int_equal(w.worst.verdict, VERDICT_REJECTED);
    assert_int_equal(w.worst.grpc_status, 3);
}

enum { HOLDERS = 8, ROUNDS = 20 };

static struct waiting shared;

static void *resolve_one(void *arg)
{
    struct outcome o = arg ? outcome_busy(0, "busy") : outcome_accepted();
    receipt_resolve(&shared.receipt, &o);
    return NULL;
}

static void threads_resolve_at_once(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t threads[HOLDERS];
        shared = (struct waiting){0};
        receipt_begin(&shared.receipt, on_done);
        for (int i = 0; i < HOLDERS; i++)
            receipt_hold(&shared.receipt);
        for (int i = 0; i < HOLDERS; i++)
            assert_int_equal(
                pthread_create(&threads[i], NULL, resolve_one, i == 3 ? &shared : NULL), 0);
        struct outcome pending = outcome_pending();
        receipt_resolve(&shared.receipt, &pending);
        for (int i = 0; i < HOLDERS; i++)
            pthread_join(threads[i], NULL);
        assert_int_equal(shared.done, 1);
        assert_int_equal(shared.worst.verdict, VERDICT_BUSY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_answer_ends_it),
        cmocka_unit_test(pending_waits_for_the_last_and_the_worst_counts),
        cmocka_unit_test(threads_resolve_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
