#include "fixture.h"

#include "exporters/waiting_line.h"

static struct waiting_line line;
static struct tally tally = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int reset(void **state)
{
    (void)state;
    line = (struct waiting_line){.sizer = SIZER_REQUESTS, .batch_sizer = SIZER_ITEMS};
    memset(tally.times, 0, sizeof tally.times);
    tally.requests = tally.spans = 0;
    return 0;
}

static int finish(void **state)
{
    (void)state;
    while (line.count > 0)
        batch_release(waiting_line_take(&line).batch);
    assert_int_equal(line.size, 0);
    assert_int_equal(line.batch_size, 0);
    assert_int_equal(line.spans, 0);
    waiting_line_free(&line);
    return 0;
}

static void add(uint64_t first, uint32_t count)
{
    assert_true(waiting_line_add(&line, spans_from(first, count), NULL, 0));
}

/* Cuts a request and returns its spans. */
static uint32_t cut(uint64_t min, uint64_t max, size_t *bytes)
{
    struct owners owners = {0};
    struct frame *f = frame_create();
    assert_true(waiting_line_cut(&line, min, max, f, &owners));
    assert_true(frame_finish(f));
    uint32_t spans = frame_spans(f);
    if (bytes)
        *bytes = frame_bytes(f);
    tally_frame(&tally, f);
    frame_release(f);
    owners_clear(&owners);
    return spans;
}

static void without_sizes_one_batch_is_one_request(void **state)
{
    (void)state;
    add(0, 3);
    add(3, 5);
    assert_int_equal(cut(0, 0, NULL), 3);
    assert_int_equal(line.size, 1);
    assert_int_equal(line.batch_size, 5);
    assert_int_equal(cut(0, 0, NULL), 5);
    assert_each_once(&tally, 0, 8);
}

static void small_batches_are_merged_up_to_the_minimum(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 100; i++)
        add(i, 1);
    assert_int_equal(cut(60, 0, NULL), 60);
    assert_int_equal(cut(60, 0, NULL), 40);
    assert_int_equal(line.count, 0);
    assert_each_once(&tally, 0, 100);
}

static void a_large_batch_is_split_at_the_maximum(void **state)
{
    (void)state;
    add(0, 7);
    add(7, 20);
    assert_int_equal(cut(5, 10, NULL), 10);
    assert_int_equal(line.spans, 17);
    assert_int_equal(cut(5, 10, NULL), 10);
    assert_int_equal(cut(5, 10, NULL), 7);
    assert_each_once(&tally, 0, 27);
}

static void bytes_limit_a_request(void **state)
{
    (void)state;
    line.batch_sizer = SIZER_BYTES;
    add(0, 50);
    add(50, 50);
    size_t bytes;
    uint32_t spans = 0;
    while (line.count > 0) {
        spans += cut(500, 1000, &bytes);
        assert_true(bytes <= 1000);
    }
    assert_int_equal(spans, 100);
    assert_each_once(&tally, 0, 100);
}

static void one_span_above_the_maximum_still_goes(void **state)
{
    (void)state;
    line.batch_sizer = SIZER_BYTES;
    add(0, 3);
    assert_int_equal(cut(10, 10, NULL), 1);
    assert_int_equal(cut(10, 10, NULL), 1);
    assert_int_equal(cut(10, 10, NULL), 1);
    assert_each_once(&tally, 0, 3);
}

static void order_survives_growth_around_the_ring(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 12; i++)
        add(i, 1);
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(cut(0, 0, NULL), 1);
    for (uint32_t i = 12; i < 60; i++)
        add(i, 1);
    for (uint64_t i = 10; i < 60; i++) {
        uint64_t number;
        memcpy(&number, waiting_line_first(&line)->batch->spans[0].span_id, 8);
        assert_int_equal(be64toh(number), i + 1);
        cut(0, 0, NULL);
    }
    assert_each_once(&tally, 0, 60);
}

static void a_split_batch_holds_its_receipt_once_more(void **state)
{
    (void)state;
    struct waiting_sender sender;
    sender_begin(&sender);
    receipt_hold(&sender.receipt);
    assert_true(waiting_line_add(&line, spans_from(0, 5), &sender.receipt, 0));
    sender_close(&sender, outcome_pending());

    struct owners owners = {0};
    struct frame *f = frame_create();
    assert_true(waiting_line_cut(&line, 3, 3, f, &owners));
    assert_int_equal(owners.count, 1);
    assert_int_equal(owners_at(&owners, 0)->spans, 3);
    struct outcome answer = outcome_accepted();
    receipt_resolve(owners_at(&owners, 0)->receipt, &answer);
    assert_false(sender.answered);
    assert_true(waiting_line_cut(&line, 3, 3, f, &owners));
    assert_int_equal(owners.count, 2);
    receipt_resolve(owners_at(&owners, 1)->receipt, &answer);
    assert_true(sender.answered);
    assert_int_equal(sender.outcome.verdict, VERDICT_ACCEPTED);
    frame_release(f);
    owners_clear(&owners);
}

static void many_owners_are_kept_in_order(void **state)
{
    (void)state;
    struct owners owners = {0};
    for (uint32_t i = 0; i < 100; i++)
        assert_true(owners_add(&owners, NULL, i));
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(owners_at(&owners, i)->spans, i);
    owners_clear(&owners);
    assert_int_equal(owners.count, 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, reset, finish)
    const struct CMUnitTest tests[] = {
        CASE(without_sizes_one_batch_is_one_request),
        CASE(small_batches_are_merged_up_to_the_minimum),
        CASE(a_large_batch_is_split_at_the_maximum),
        CASE(bytes_limit_a_request),
        CASE(one_span_above_the_maximum_still_goes),
        CASE(order_survives_growth_around_the_ring),
        CASE(a_split_batch_holds_its_receipt_once_more),
        CASE(many_owners_are_kept_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
