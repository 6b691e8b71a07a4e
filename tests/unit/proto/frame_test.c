/* Frames: how spans are gathered into slices, who holds what, and what happens without memory. What
 * a frame decodes to is oracle_test's. */
#include "proto/frame.h"

#include "proto/edit.h"

#include "tests/unit/proto/failing_malloc.h"
#include "tests/unit/proto/request.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static int nothing_lives(void **state)
{
    (void)state;
    return batch_live_bytes() == 0 ? 0 : -1;
}

static struct batch *some(const char *service, const char *scope, uint8_t first, unsigned count)
{
    struct buffer r = request(service, scope, first, count);
    struct batch *b = indexed(&r);
    assert_non_null(b);
    return b;
}

static size_t slice_count(const struct frame *f)
{
    size_t count, bytes = 0;
    const struct bytes *slices = frame_slices(f, &count);
    for (size_t i = 0; i < count; i++) {
        assert_true(slices[i].len > 0);
        bytes += slices[i].len;
    }
    assert_int_equal(bytes, frame_bytes(f));
    return count;
}

/* What the frame says, indexed again. */
static struct batch *framed(const struct frame *f)
{
    struct buffer out = {0};
    buffer_append_string(&out, "before");
    frame_flatten(f, &out);
    assert_false(out.failed);
    assert_int_equal(out.len, 6 + frame_bytes(f));
    assert_memory_equal(out.data, "before", 6);
    struct batch_report report;
    struct batch *b = batch_from_request(bytes_of(out.data + 6, out.len - 6), &report);
    buffer_free(&out);
    assert_non_null(b);
    return b;
}

static void an_empty_frame_is_an_empty_request(void **state)
{
    (void)state;
    struct frame *f = frame_create();
    struct batch *b = some("shop", "http", 1, 2);
    assert_true(frame_add(f, b, 1, 0));
    assert_true(frame_finish(f));
    assert_int_equal(slice_count(f), 0);
    assert_int_equal(frame_spans(f), 0);
    assert_int_equal(frame_bytes(f), 0);
    frame_release(f);
    batch_release(b);
}

static void a_whole_batch_is_its_request(void **state)
{
    (void)state;
    struct batch *a = some("shop", "http", 1, 3);
    struct batch *b = some("cart", "sql", 4, 2);
    struct frame *f = frame_create();
    size_t count;
    assert_true(frame_add(f, a, 0, 3));
    assert_true(frame_add(f, b, 0, 2));
    assert_true(frame_finish(f));
    const struct bytes *slices = frame_slices(f, &count);
    assert_int_equal(count, 2);
    assert_ptr_equal(slices[0].data, a->request.data);
    assert_ptr_equal(slices[1].data, b->request.data);
    assert_int_equal(slices[0].len + slices[1].len, a->request.len + b->request.len);
    assert_int_equal(frame_estimate(a, 0, 3), a->request.len);
    batch_release(a); /* the frame holds them */
    batch_release(b);
    struct batch *again = framed(f);
    assert_int_equal(again->span_count, 5);
    assert_int_equal(again->resource_count, 2);
    batch_release(again);
    frame_release(f);
}

static bool has_gzip(struct batch *b, uint32_t first, uint32_t count, struct batch *beside)
{
    struct frame *f = frame_create();
    assert_true(frame_add(f, b, first, count));
    if (beside)
        assert_true(frame_add(f, beside, 0, beside->span_count));
    assert_true(frame_finish(f));
    bool has = bytes_equal_string(frame_gzip(f), "compressed");
    assert_true(has || frame_gzip(f).len == 0);
    frame_release(f);
    return has;
}

/* What came compressed leaves as it came, but only whole, alone and untouched. */
static void a_compressed_request_is_kept(void **state)
{
    (void)state;
    struct buffer r = request("shop", "http", 1, 3);
    struct batch *b = batch_create(r.len);
    struct batch_report report;
    memcpy(batch_payload(b), r.data, r.len);
    batch_attach_gzip(b, bytes_of_string("compressed"));
    assert_true(batch_index(b, r.len, &report));
    struct batch *other = some("cart", "sql", 4, 2);
    assert_true(has_gzip(b, 0, 3, NULL));
    assert_false(has_gzip(b, 0, 2, NULL));
    assert_false(has_gzip(b, 0, 3, other));
    struct batch *mine = batch_writable(batch_retain(b));
    assert_true(has_gzip(mine, 0, 3, NULL));
    assert_true(span_rename(mine, 1, bytes_of_string("renamed")));
    assert_false(has_gzip(mine, 0, 3, NULL));
    assert_true(has_gzip(b, 0, 3, NULL));
    batch_release(mine);
    batch_release(other);
    batch_release(b);
    buffer_free(&r);
}

static void spans_that_lie_together_are_one_slice(void **state)
{
    (void)state;
    struct batch *b = some("shop", "http", 1, 6);
    struct frame *f = frame_create();
    assert_true(frame_add(f, b, 1, 2));
    assert_true(frame_add(f, b, 3, 1)); /* goes on where the last ended */
    assert_true(frame_add(f, b, 5, 1));
    assert_true(frame_finish(f));
    assert_int_equal(frame_spans(f), 4);
    /* header, 1 to 3, 5, tails of scope and resource */
    assert_int_equal(slice_count(f), 4);
    size_t count;
    const struct bytes *slices = frame_slices(f, &count);
    assert_ptr_equal(slices[1].data, b->spans[1].data - b->spans[1].frame_len);
    struct batch *again = framed(f);
    assert_int_equal(again->span_count, 4);
    assert_int_equal(again->scope_count, 1);
    assert_int_equal(again->spans[3].trace_id[0], 6);
    assert_true(bytes_equal(again->scopes[0].head, b->scopes[0].head));
    assert_true(bytes_equal(again->scopes[0].tail, b->scopes[0].tail));
    assert_true(bytes_equal(again->resources[0].head, b->resources[0].head));
    assert_true(bytes_equal(again->resources[0].tail, b->resources[0].tail));
    batch_release(again);
    frame_release(f);
    batch_release(b);
}

/* The sampler's case: few spans of many requests, all from one service. */
static void equal_resources_of_different_batches_are_one(void **state)
{
    (void)state;
    struct frame *f = frame_create();
    for (uint8_t i = 0; i < 5; i++) {
        struct batch *b = some("shop", i == 4 ? "sql" : "http", (uint8_t)(1 + 2 * i), 2);
        assert_true(frame_add(f, b, 1, 1));
        batch_release(b);
    }
    struct batch *b = some("cart", "sql", 11, 2);
    assert_true(frame_add(f, b, 0, 1));
    batch_release(b);
    assert_true(frame_finish(f));
    struct batch *again = framed(f);
    assert_int_equal(again->span_count, 6);
    assert_int_equal(again->scope_count, 3);
    assert_int_equal(again->resource_count, 2);
    assert_true(
        bytes_equal_string(resource_service_name(span_resource(again, &again->spans[5])), "cart"));
    batch_release(again);
    frame_release(f);
}

static void a_long_head_is_referenced(void **state)
{
    (void)state;
    char name[5000];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    struct batch *b = some("shop", name, 1, 2);
    struct frame *f = frame_create();
    assert_true(frame_add(f, b, 1, 1));
    assert_true(frame_finish(f));
    size_t count;
    const struct bytes *slices = frame_slices(f, &count);
    bool referenced = false;
    for (size_t i = 0; i < count; i++)
        referenced = referenced || slices[i].data == b->scopes[0].head.data;
    assert_true(referenced);
    struct batch *again = framed(f);
    assert_int_equal(scope_name(again->scopes[0].message).len, sizeof name - 1);
    batch_release(again);
    frame_release(f);
    batch_release(b);
}

static void *release(void *f)
{
    frame_release(f);
    return NULL;
}

static void the_last_reference_frees_on_any_thread(void **state)
{
    (void)state;
    struct batch *b = some("shop", "http", 1, 2);
    struct frame *f = frame_create();
    assert_true(frame_add(f, b, 0, 1) && frame_finish(f));
    batch_release(b);
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, release, frame_retain(f)), 0);
    frame_release(f);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(batch_live_bytes(), 0);
}

/* Additions that fail leave the frame as it was, so it can still be finished and sent. */
static bool try_frame(void *context)
{
    struct batch **batches = context;
    struct frame *f = frame_create();
    if (!f)
        return false;
    bool done = true;
    uint32_t spans = 0;
    for (int i = 0; i < 12; i++) {
        struct batch *b = batches[i % 3];
        uint32_t count = i % 4 == 3 ? b->span_count : 1;
        uint32_t first = i % 4 == 3 ? 0 : (uint32_t)i % b->span_count;
        bool added = frame_add(f, b, first, count);
        spans += added ? count : 0;
        done = done && added;
        assert_int_equal(frame_spans(f), spans);
    }
    long left = allocations_left;
    allocations_left = -1;
    if (left == 0 && frame_finish(f)) {
        struct batch *again = framed(f);
        assert_int_equal(again->span_count, spans);
        batch_release(again);
        frame_release(f);
        return false;
    }
    allocations_left = left;
    done = frame_finish(f) && done;
    frame_release(f);
    return done;
}

static void memory_that_runs_out_adds_nothing(void **state)
{
    (void)state;
    struct batch *batches[] = {some("shop", "http", 1, 3), some("cart", "sql", 4, 5),
                               some("cart", "http", 9, 2)};
    assert_true(until_memory_suffices(try_frame, batches) >= 6);
    for (int i = 0; i < 3; i++) {
        assert_ptr_equal(batch_writable(batches[i]), batches[i]); /* held by nobody else */
        batch_release(batches[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(an_empty_frame_is_an_empty_request, nothing_lives),
        cmocka_unit_test_teardown(a_whole_batch_is_its_request, nothing_lives),
        cmocka_unit_test_teardown(a_compressed_request_is_kept, nothing_lives),
        cmocka_unit_test_teardown(spans_that_lie_together_are_one_slice, nothing_lives),
        cmocka_unit_test_teardown(equal_resources_of_different_batches_are_one, nothing_lives),
        cmocka_unit_test_teardown(a_long_head_is_referenced, nothing_lives),
        cmocka_unit_test_teardown(the_last_reference_frees_on_any_thread, nothing_lives),
        cmocka_unit_test_teardown(memory_that_runs_out_adds_nothing, nothing_lives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
