/* Kept spans gather into one marked batch; none is lost without being counted. */
#include "sampling/gather.h"

#include "proto/attribute.h"
#include "proto/consistent.h"
#include "sampling/batch_copy.h"
#include "tests/unit/proto/failing_malloc.h"
#include "tests/unit/sampling/shop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define HALF (UINT64_C(1) << 55)

enum { ERRORS, HALVES };

static void mark(void *context, uint32_t group, struct kept_mark *out)
{
    (void)context;
    *out = group == ERRORS ? (struct kept_mark){.policy = "errors", .cached_decision = true}
                           : (struct kept_mark){.policy = "half",
                                                .consistent = true,
                                                .probability_known = true,
                                                .threshold = HALF};
}

/* Batches of three traces each: 0, 1, 2; 100, 101, 102; 200, 201, 202. */
static struct batch *batch_of(uint64_t number)
{
    struct batch *b = wish_batch((struct span_wish[]){{.trace = number * 100},
                                                      {.trace = number * 100 + 1},
                                                      {.trace = number * 100 + 2}},
                                 3);
    assert_non_null(b);
    b->received_ns = 50 - number;
    return b;
}

static bool has_text(const struct batch *b, uint32_t span, const char *key, const char *text)
{
    struct attribute a;
    return attribute_find(span_scope(b, &b->spans[span])->message, SCOPE_ATTRIBUTES,
                          bytes_of_string(key), &a) &&
           bytes_equal_string(a.value.bytes, text);
}

static uint32_t find(const struct batch *b, uint64_t trace)
{
    uint8_t id[16];
    wish_trace_id(trace, id);
    uint32_t i = 0;
    while (i < b->span_count && memcmp(b->spans[i].trace_id, id, 16) != 0)
        i++;
    return i;
}

static void what_is_kept_leaves_in_one_batch(void **state)
{
    (void)state;
    struct gather *g = gather_create();
    uint32_t lost;
    assert_null(gather_finish(g, mark, NULL, &lost));
    assert_int_equal(lost, 0);
    for (uint64_t n = 0; n < 3; n++) {
        struct batch *b = batch_of(n);
        assert_true(gather_add(g, batch_retain(b), 0, HALVES, HALF + n));
        assert_true(gather_add(g, b, 2, ERRORS, 0));
    }
    assert_int_equal(gather_count(g), 6);
    assert_false(gather_full(g));
    struct batch *out = gather_finish(g, mark, NULL, &lost);
    assert_int_equal(lost, 0);
    assert_int_equal(gather_count(g), 0);
    assert_int_equal(out->span_count, 6);
    assert_int_equal(out->received_ns, 48);
    for (uint64_t n = 0; n < 3; n++) {
        uint32_t half = find(out, n * 100), error = find(out, n * 100 + 2);
        assert_true(half < 6 && error < 6);
        struct ot_state ot = ot_parse(span_trace_state(span_bytes(&out->spans[half])));
        assert_true(ot.has_threshold && ot.threshold == HALF);
        assert_true(has_text(out, half, "tailsampling.policy", "half"));
        assert_false(ot_parse(span_trace_state(span_bytes(&out->spans[error]))).has_threshold);
        assert_true(has_text(out, error, "tailsampling.policy", "errors"));
    }
    batch_release(out);
    gather_destroy(g);
    assert_int_equal(batch_live_bytes(), 0);
}

static void a_thousand_are_enough(void **state)
{
    (void)state;
    struct gather *g = gather_create();
    struct batch *b = batch_of(1);
    for (uint32_t i = 0; i < GATHER_SPANS; i++) {
        assert_false(gather_full(g));
        assert_true(gather_add(g, batch_retain(b), i % 3, ERRORS, 0));
    }
    assert_true(gather_full(g));
    batch_release(b);
    gather_destroy(g);
    assert_int_equal(batch_live_bytes(), 0);
}

/* Spans that were added, out or counted as lost. */
static bool add_and_finish(void *context)
{
    struct batch *const *batches = context;
    struct gather *g = gather_create();
    uint32_t added = 0, lost = 0;
    if (!g)
        return false;
    for (uint32_t n = 0; n < 3; n++)
        added += gather_add(g, batch_retain(batches[n]), n, n % 2 ? ERRORS : HALVES, HALF);
    struct batch *out = gather_finish(g, mark, NULL, &lost);
    uint32_t left = out ? out->span_count : 0;
    assert_int_equal(left + lost, added);
    assert_int_equal(gather_count(g), 0);
    batch_release(out);
    gather_destroy(g);
    return left == 3;
}

static void without_memory_spans_are_counted(void **state)
{
    (void)state;
    struct batch *batches[3] = {batch_of(0), batch_of(1), batch_of(2)};
    assert_true(until_memory_suffices(add_and_finish, batches) > 5);
    for (unsigned i = 0; i < 3; i++)
        batch_release(batches[i]);
    assert_int_equal(batch_live_bytes(), 0);
}

static bool copy(void *context)
{
    struct batch *b = context, *c = batch_copy(b);
    if (!c)
        return false;
    assert_int_equal(c->span_count, b->span_count);
    assert_int_equal(c->received_ns, b->received_ns);
    for (uint32_t i = 0; i < c->span_count; i++) {
        struct bytes was = span_bytes(&b->spans[i]), is = span_bytes(&c->spans[i]);
        assert_true(bytes_equal(was, is));
        assert_ptr_not_equal(was.data, is.data);
    }
    batch_release(c);
    return true;
}

static void a_copy_has_bytes_of_its_own(void **state)
{
    (void)state;
    struct batch *b = batch_of(1);
    assert_true(until_memory_suffices(copy, b) > 2);
    batch_release(b);
    assert_int_equal(batch_live_bytes(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_kept_leaves_in_one_batch),
        cmocka_unit_test(a_thousand_are_enough),
        cmocka_unit_test(without_memory_spans_are_counted),
        cmocka_unit_test(a_copy_has_bytes_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
