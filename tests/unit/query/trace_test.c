/* Traces that a sender made to be slow, or large, when they are shown: this ends, or takes an hour.
 */
#include "query/trace.h"

#include "proto/message_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum { MANY = 200000 };

static struct batch *batch_of(struct buffer *request)
{
    struct batch_report report;
    struct batch *b = batch_from_request(buffer_bytes(request), &report);
    assert_non_null(b);
    buffer_free(request);
    return b;
}

static void put_span(struct buffer *b)
{
    size_t span = message_begin(b, 2);
    message_bytes(b, 1, bytes_of("traceidtraceidtr", 16));
    message_bytes(b, 2, bytes_of("spanidsp", 8));
    message_end(b, span);
}

static void put_number(struct buffer *b, uint32_t field, int n)
{
    char text[16];
    message_bytes(b, field, bytes_of(text, (size_t)snprintf(text, sizeof text, "%08d", n)));
}

/* An attribute or a schema's address may as well stand behind the spans. */
static void what_differs_stands_behind_the_spans(void **state)
{
    (void)state;
    struct buffer request = {0};
    for (int i = 0; i < MANY; i++) {
        size_t resource = message_begin(&request, 1);
        for (int k = i == 0 ? MANY : 1; k > 0; k--) {
            size_t scope = message_begin(&request, 2);
            put_span(&request);
            put_number(&request, 3, k);
            message_end(&request, scope);
        }
        put_number(&request, 3, i);
        message_end(&request, resource);
    }
    struct batch *b = batch_of(&request);
    struct arena arena = {.limit = 1U << 30};
    struct trace t;
    assert_true(trace_build(&t, &arena, b));
    assert_int_equal(t.resource_count, MANY);
    assert_int_equal(t.scope_count, 2 * MANY - 1);
    assert_true(bytes_equal_string(t.resources[MANY - 1].schema_url, "00199999"));
    arena_free(&arena);
    batch_release(b);
}

static void many_warnings_fit(void **state)
{
    (void)state;
    struct buffer request = {0};
    size_t resource = message_begin(&request, 1), scope = message_begin(&request, 2);
    put_span(&request);
    message_end(&request, scope);
    message_end(&request, resource);
    struct batch *b = batch_of(&request);
    struct arena arena = {.limit = 8U << 20};
    struct trace t;
    assert_true(trace_build(&t, &arena, b));
    for (int i = 0; i < MANY; i++)
        trace_warn(&t, t.spans, i == MANY - 1 ? "last" : "warning");
    assert_false(arena.failed);
    assert_int_equal(t.spans[0].warning_count, MANY);
    assert_string_equal(t.spans[0].warnings[0], "warning");
    assert_string_equal(t.spans[0].warnings[MANY - 1], "last");
    assert_int_equal(t.spans[0].attributes.count, 1);
    assert_true(trace_is_warnings(t.spans[0].attributes.items));
    arena_free(&arena);
    batch_release(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_differs_stands_behind_the_spans),
        cmocka_unit_test(many_warnings_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
