/* The expected files hold what a real Jaeger answered for the same spans, in our writer's spelling
 * (tests/interop/jaeger_query.py repeats the comparison with a running one). */
#include "query/jaeger_v1_trace.h"

#include "fixture.h"
#include "query/adjust.h"

static char *as_v1(const struct batch *b, bool raw)
{
    struct arena arena = {0};
    struct buffer out = {0};
    struct trace t;
    struct json_writer w;
    struct jaeger_v1_writer v;
    assert_true(trace_build(&t, &arena, b));
    adjust_written(&t);
    if (!raw)
        adjust_read(&t);
    json_begin(&w, &out, false);
    assert_true(jaeger_v1_writer_begin(&v, &t, NULL));
    jaeger_v1_trace_write(&v, &w, 0);
    assert_false(arena.failed);
    arena_free(&arena);
    size_t len;
    return buffer_take(&out, &len);
}

static void check(const char *name, bool raw)
{
    char input[64];
    char output[64];
    snprintf(input, sizeof input, "%s.otlp.json", name);
    snprintf(output, sizeof output, "%s.v1%s.json", name, raw ? ".raw" : "");
    struct batch *b = fixture_batch(input);
    char *expected = fixture_text(output);
    char *actual = as_v1(b, raw);
    assert_string_equal(actual, expected);
    free(actual);
    free(expected);
    batch_release(b);
}

static void every_kind_of_tag(void **state)
{
    (void)state;
    check("shop", false);
    check("shop", true);
}

static void shared_ids_copies_and_skew(void **state)
{
    (void)state;
    check("zipkin", false);
    check("zipkin", true);
}

static void ids_are_short_when_they_can_be(void **state)
{
    (void)state;
    static const uint8_t low[16] = {[8] = 0xab, [15] = 1};
    static const uint8_t high[16] = {[0] = 1, [15] = 1};
    char text[33];
    jaeger_v1_trace_id(low, text);
    assert_string_equal(text, "ab00000000000001");
    jaeger_v1_trace_id(high, text);
    assert_string_equal(text, "01000000000000000000000000000001");
}

/* What comes without attributes, names or times still makes a trace. */
static void the_barest_span(void **state)
{
    (void)state;
    struct batch *b = fixture_parse("{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{"
                                    "\"traceId\":\"0102030405060708090a0b0c0d0e0f10\","
                                    "\"spanId\":\"0102030405060708\"}]}]}]}");
    char *actual = as_v1(b, false);
    assert_string_equal(
        actual,
        "{\"traceID\":\"0102030405060708090a0b0c0d0e0f10\",\"spans\":[{"
        "\"traceID\":\"0102030405060708090a0b0c0d0e0f10\",\"spanID\":\"0102030405060708\","
        "\"operationName\":\"empty-span-name\",\"references\":[],\"startTime\":0,\"duration\":0,"
        "\"tags\":[],\"logs\":[],\"processID\":\"p1\",\"warnings\":[\"Negative duration detected, "
        "sanitizing end timestamp. Original end timestamp: 1970-01-01 00:00:00 +0000 UTC, adjusted "
        "to: 1970-01-01 00:00:00.000000001 +0000 UTC\"]}],\"processes\":{\"p1\":{\"serviceName\":"
        "\"missing-service-name\",\"tags\":[]}},\"warnings\":null}");
    free(actual);
    batch_release(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_tag),
        cmocka_unit_test(shared_ids_copies_and_skew),
        cmocka_unit_test(ids_are_short_when_they_can_be),
        cmocka_unit_test(the_barest_span),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
