/* As jaeger_v1_trace_test.c: the expected files are a real Jaeger's answers. */
#include "query/jaeger_v3_trace.h"

#include "fixture.h"
#include "query/adjust.h"

static char *as_v3(const struct batch *b, bool raw)
{
    struct arena arena = {0};
    struct buffer out = {0};
    struct trace t;
    struct json_writer w;
    assert_true(trace_build(&t, &arena, b));
    adjust_written(&t);
    if (!raw)
        adjust_read(&t);
    json_begin(&w, &out, false);
    json_array_begin(&w);
    assert_true(jaeger_v3_trace_write(&w, &t));
    json_array_end(&w);
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
    snprintf(output, sizeof output, "%s.v3%s.json", name, raw ? ".raw" : "");
    struct batch *b = fixture_batch(input);
    char *expected = fixture_text(output);
    char *actual = as_v3(b, raw);
    assert_string_equal(actual, expected);
    free(actual);
    free(expected);
    batch_release(b);
}

static void every_field(void **state)
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

/* Parts of a trace repeat their resource and scope; the answer names each once. */
static void parts_are_merged(void **state)
{
    (void)state;
#define PART(id)                                                                                   \
    "{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"a\"}}]" \
    "},"                                                                                           \
    "\"schemaUrl\":\"u\",\"scopeSpans\":[{\"scope\":{\"name\":\"s\"},\"spans\":[{"                 \
    "\"traceId\":\"0102030405060708090a0b0c0d0e0f10\",\"spanId\":\"000000000000000" id "\","       \
    "\"name\":\"n\",\"startTimeUnixNano\":\"1\",\"endTimeUnixNano\":\"2\"}]}]}"
    struct batch *b = fixture_parse("{\"resourceSpans\":[" PART("1") "," PART("2") "]}");
    char *actual = as_v3(b, true);
#define SPAN(id)                                                                                   \
    "{\"traceId\":\"0102030405060708090a0b0c0d0e0f10\",\"spanId\":\"000000000000000" id "\","      \
    "\"name\":\"n\",\"startTimeUnixNano\":\"1\",\"endTimeUnixNano\":\"2\",\"status\":{}}"
    assert_string_equal(
        actual,
        "[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{"
        "\"stringValue\":\"a\"}}]},\"scopeSpans\":[{\"scope\":{\"name\":\"s\"},\"spans\":[" SPAN(
            "1") "," SPAN("2") "]}],\"schemaUrl\":\"u\"}]");
    free(actual);
    batch_release(b);
}

/* The deepest value that the wire's limit lets through stays below the JSON writer's limit. */
static void deep_values_are_cut(void **state)
{
    (void)state;
    struct buffer json = {0};
    enum { LEVELS = 45 };
    buffer_append_string(&json, "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{"
                                "\"traceId\":\"0102030405060708090a0b0c0d0e0f10\","
                                "\"spanId\":\"0102030405060708\",\"attributes\":[{\"key\":\"k\","
                                "\"value\":");
    for (int i = 0; i < LEVELS; i++)
        buffer_append_string(&json, "{\"arrayValue\":{\"values\":[");
    buffer_append_string(&json, "{\"stringValue\":\"deep\"}");
    for (int i = 0; i < LEVELS; i++)
        buffer_append_string(&json, "]}}");
    buffer_append_string(&json, "}]}]}]}]}");
    buffer_append_byte(&json, 0);
    struct batch *b = fixture_parse((const char *)json.data);
    char *actual = as_v3(b, false);
    assert_null(strstr(actual, "deep"));
    assert_non_null(strstr(actual, "[{}]"));
    free(actual);
    batch_release(b);
    buffer_free(&json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field),
        cmocka_unit_test(shared_ids_copies_and_skew),
        cmocka_unit_test(parts_are_merged),
        cmocka_unit_test(deep_values_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
