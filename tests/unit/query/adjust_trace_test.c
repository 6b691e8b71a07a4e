/* Corrections of a trace that a sender made to be slow: this ends, or takes an hour. */
#include "query/adjust_trace.h"

#include "proto/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SPANS = 300000, CLIENT = 3, SERVER = 2 };

/* A client span, and as many equal server spans with its id. */
static struct batch *shared_id(void)
{
    static uint8_t span[] = "\x12\x1e\x0a\x10traceidtraceidtr\x12\x08spanidsp\x30";
    struct buffer spans = {0}, request = {0};
    struct batch_report report;
    for (int i = 0; i < SPANS; i++) {
        buffer_append(&spans, span, sizeof span - 1);
        buffer_append_byte(&spans, i == 0 ? CLIENT : SERVER);
    }
    uint32_t inner = (uint32_t)spans.len, outer = inner + 6;
    const uint8_t head[] = {0x0a,
                            (uint8_t)(outer | 0x80),
                            (uint8_t)(outer >> 7 | 0x80),
                            (uint8_t)(outer >> 14 | 0x80),
                            (uint8_t)(outer >> 21 | 0x80),
                            0,
                            0x12,
                            (uint8_t)(inner | 0x80),
                            (uint8_t)(inner >> 7 | 0x80),
                            (uint8_t)(inner >> 14 | 0x80),
                            (uint8_t)(inner >> 21 | 0x80),
                            0};
    buffer_append(&request, head, sizeof head);
    buffer_append(&request, spans.data, spans.len);
    struct batch *b = batch_from_request(buffer_bytes(&request), &report);
    assert_non_null(b);
    buffer_free(&spans);
    buffer_free(&request);
    return b;
}

static void equal_spans_that_share_an_id(void **state)
{
    (void)state;
    struct batch *b = shared_id();
    struct arena arena = {.limit = 1u << 30};
    struct trace t;
    uint32_t removed = 0;
    assert_true(trace_build(&t, &arena, b));
    adjust_shared_ids(&t);
    adjust_copies(&t);
    for (uint32_t i = 0; i < t.span_count; i++)
        removed += t.spans[i].removed;
    assert_int_equal(t.span_count, SPANS);
    assert_int_equal(removed, 0);
    arena_free(&arena);
    batch_release(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_spans_that_share_an_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
