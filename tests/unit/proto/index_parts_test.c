/* A request in parts says what it says in one piece, wherever it was cut. */
#include "tests/unit/proto/oracle.h"

#include "proto/frame.h"
#include "tests/unit/proto/random_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka wants the four above first */
#include <cmocka.h>

enum { REQUESTS = 1500, PARTS_MAX = 64 };

/* A request cut into pieces, each in memory of its own so that a reader that leaves one is seen. */
struct cut {
    struct bytes parts[PARTS_MAX];
    uint32_t count;
    unsigned released;
};

static void cut_up(struct cut *c, struct dice *d, struct bytes request)
{
    *c = (struct cut){0};
    uint32_t wanted = 1 + roll(d, PARTS_MAX - 1);
    while (request.len > 0 || c->count == 0) {
        size_t n =
            c->count + 1 < wanted ? roll(d, (uint32_t)(2 * request.len / wanted + 2)) : request.len;
        n = n < request.len ? n : request.len;
        uint8_t *copy = malloc(n ? n : 1);
        assert_non_null(copy);
        if (n > 0)
            memcpy(copy, request.data, n);
        c->parts[c->count++] = bytes_of(copy, n);
        request = bytes_of(request.data + n, request.len - n);
    }
}

static void release(void *owner)
{
    struct cut *c = owner;
    for (uint32_t i = 0; i < c->count; i++)
        free((void *)(uintptr_t)c->parts[i].data);
    c->released++;
}

static void expect_same_frames(struct batch *a, struct batch *b)
{
    struct buffer fa = {0}, fb = {0};
    assert_true(frame_batch(a, &fa) && frame_batch(b, &fb));
    assert_true(bytes_equal(buffer_bytes(&fa), buffer_bytes(&fb)));
    buffer_free(&fa);
    buffer_free(&fb);
}

static void cuts_change_nothing(void **state)
{
    (void)state;
    struct dice d = {.state = 7};
    unsigned in_parts = 0;
    for (int i = 0; i < REQUESTS; i++) {
        d.weird = (unsigned)i % 4 * 10;
        struct buffer request = random_request(&d);
        struct cut c;
        cut_up(&c, &d, buffer_bytes(&request));
        struct batch_report whole_report, report;
        struct batch *whole = batch_from_request(buffer_bytes(&request), &whole_report);
        struct batch *b = batch_from_parts(c.parts, c.count, release, &c, &report);
        assert_non_null(whole);
        assert_non_null(b);
        oracle_request *m = oracle_unpack(buffer_bytes(&request));
        oracle_same(b, m, report.rejected_spans);
        oracle_free(m);
        assert_int_equal(report.rejected_spans, whole_report.rejected_spans);
        assert_string_equal(report.where, whole_report.where);
        if (b->part_count > 0) {
            in_parts++;
            assert_int_equal(c.released, 0);
            expect_same_frames(b, whole);
        }
        batch_release(b);
        batch_release(whole);
        assert_int_equal(c.released, 1);
        buffer_free(&request);
    }
    assert_in_range(in_parts, REQUESTS / 4, REQUESTS);
    assert_int_equal(batch_live_bytes(), 0);
}

/* Spans chosen from a batch in parts frame as those of one in one piece do. */
static void choices_are_the_same(void **state)
{
    (void)state;
    struct dice d = {.state = 9};
    for (int i = 0; i < REQUESTS / 3; i++) {
        struct buffer request = random_request(&d);
        struct cut c;
        struct batch_report report;
        cut_up(&c, &d, buffer_bytes(&request));
        struct batch *b = batch_from_parts(c.parts, c.count, release, &c, &report);
        assert_non_null(b);
        uint32_t chosen[512], count = 0;
        for (uint32_t s = 0; s < b->span_count && count < 512; s++) {
            if (roll(&d, 2))
                chosen[count++] = s;
        }
        struct batch *some = batch_select(b, chosen, count);
        assert_non_null(some);
        struct buffer framed = {0};
        assert_true(frame_batch(some, &framed));
        struct batch *again = batch_from_request(buffer_bytes(&framed), &report);
        assert_non_null(again);
        assert_int_equal(again->span_count, count);
        for (uint32_t s = 0; s < count; s++)
            assert_true(
                bytes_equal(span_bytes(&again->spans[s]), span_bytes(&b->spans[chosen[s]])));
        batch_release(again);
        batch_release(some);
        batch_release(b);
        buffer_free(&framed);
        buffer_free(&request);
    }
    assert_int_equal(batch_live_bytes(), 0);
}

static void malformed_parts_are_explained(void **state)
{
    (void)state;
    struct dice d = {.state = 11};
    for (int i = 0; i < REQUESTS; i++) {
        struct buffer request = random_request(&d);
        if (request.len < 8) {
            buffer_free(&request);
            continue;
        }
        request.data[roll(&d, (uint32_t)request.len)] ^= (uint8_t)(1 << roll(&d, 8));
        struct cut c;
        struct batch_report whole_report, report;
        cut_up(&c, &d, buffer_bytes(&request));
        struct batch *whole = batch_from_request(buffer_bytes(&request), &whole_report);
        struct batch *b = batch_from_parts(c.parts, c.count, release, &c, &report);
        assert_int_equal(b != NULL, whole != NULL);
        assert_int_equal(report.malformed, whole_report.malformed);
        assert_string_equal(report.where, whole_report.where);
        if (b)
            assert_int_equal(b->span_count, whole->span_count);
        batch_release(b);
        batch_release(whole);
        assert_int_equal(c.released, 1);
        buffer_free(&request);
    }
    assert_int_equal(batch_live_bytes(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_change_nothing),
        cmocka_unit_test(choices_are_the_same),
        cmocka_unit_test(malformed_parts_are_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
