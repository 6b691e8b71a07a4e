/* Spans whose resource a sender made to be slow to look into: this ends, or takes an hour. */
#include "query/adjust.h"

#include "proto/message_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum { MANY = 200000 };

static void put_attribute(struct buffer *b, uint32_t field, const char *key, const char *text)
{
    size_t pair = message_begin(b, field);
    message_bytes(b, 1, bytes_of_string(key));
    size_t value = message_begin(b, 2);
    message_bytes(b, 1, bytes_of_string(text));
    message_end(b, value);
    message_end(b, pair);
}

static void put_resource(struct buffer *b)
{
    char key[16];
    size_t resource = message_begin(b, 1);
    put_attribute(b, 1, "telemetry.sdk.name", "otel");
    for (int i = 0; i < MANY; i++) {
        snprintf(key, sizeof key, "z%d", i);
        put_attribute(b, 1, key, "");
    }
    message_end(b, resource);
}

static void put_span(struct buffer *b, uint64_t id, const char *name)
{
    size_t span = message_begin(b, 2);
    message_bytes(b, 1, bytes_of("traceidtraceidtr", 16));
    message_bytes(b, 2, bytes_of(&id, sizeof id));
    put_attribute(b, 9, "telemetry.sdk.name", name);
    put_attribute(b, 9, "telemetry.sdk.version", "1");
    message_end(b, span);
}

/* The resource's name is told from the last span's; its version is the spans', given once. */
static void libraries_of_many_spans(void **state)
{
    (void)state;
    struct buffer request = {0};
    struct batch_report report;
    size_t all = message_begin(&request, 1);
    put_resource(&request);
    size_t scope = message_begin(&request, 2);
    for (uint64_t i = 1; i <= MANY; i++)
        put_span(&request, i, i == MANY ? "other" : "otel");
    message_end(&request, scope);
    message_end(&request, all);
    struct batch *b = batch_from_request(buffer_bytes(&request), &report);
    assert_non_null(b);
    struct arena arena = {.limit = 1U << 30};
    struct trace t;
    assert_true(trace_build(&t, &arena, b));
    adjust_read(&t);
    assert_false(arena.failed);
    const struct trace_attributes *resource = &t.resources[0].attributes;
    assert_int_equal(resource->count, MANY + 2);
    assert_true(bytes_equal_string(resource->items[MANY + 1].key, "telemetry.sdk.version"));
    assert_true(bytes_equal_string(resource->items[MANY + 1].value.bytes, "1"));
    assert_int_equal(t.spans[0].attributes.count, 0);
    assert_int_equal(t.spans[0].warning_count, 0);
    assert_int_equal(t.spans[MANY - 1].warning_count, 1);
    arena_free(&arena);
    batch_release(b);
    buffer_free(&request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(libraries_of_many_spans)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
