#include "query/jaeger_text.h"

#include "fixture.h"

static struct value attribute_value(const struct batch *b, const char *key)
{
    struct attribute a;
    assert_true(
        attribute_find(span_bytes(&b->spans[0]), SPAN_ATTRIBUTES, bytes_of_string(key), &a));
    return a.value;
}

static void check(const struct value *v, const char *expected)
{
    struct buffer out = {0};
    jaeger_text(&out, v);
    size_t len;
    char *text = buffer_take(&out, &len);
    assert_string_equal(text ? text : "", expected);
    free(text);
}

static void doubles_like_javascript(void **state)
{
    (void)state;
    static const struct {
        double d;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-0.0, "-0"},
        {1, "1"},
        {-2.5, "-2.5"},
        {0.1, "0.1"},
        {100, "100"},
        {1e-6, "0.000001"},
        {1.5e-7, "1.5e-7"},
        {1e20, "100000000000000000000"},
        {1e21, "1e+21"},
        {1.25e-10, "1.25e-10"},
        {123456789.125, "123456789.125"},
        {0.30000000000000004, "0.30000000000000004"},
        {5e-324, "5e-324"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {__builtin_nan(""), "NaN"},
        {__builtin_inf(), "Infinity"},
        {-__builtin_inf(), "-Infinity"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct value v = {.type = VALUE_DOUBLE, .real = cases[i].d};
        check(&v, cases[i].text);
    }
}

static void plain_values(void **state)
{
    (void)state;
    check(&(struct value){.type = VALUE_EMPTY}, "");
    check(&(struct value){.type = VALUE_BOOL, .boolean = true}, "true");
    check(&(struct value){.type = VALUE_INT, .integer = INT64_MIN}, "-9223372036854775808");
    check(&(struct value){.type = VALUE_STRING, .bytes = bytes_of_string("a\"b")}, "a\"b");
    check(&(struct value){.type = VALUE_BYTES, .bytes = bytes_of("\x00\x01\x02\xff", 4)},
          "AAEC/w==");
}

static void nested_values_are_sorted_json(void **state)
{
    (void)state;
    struct batch *b = fixture_parse(
        "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{"
        "\"traceId\":\"0102030405060708090a0b0c0d0e0f10\",\"spanId\":\"0102030405060708\","
        "\"attributes\":[{\"key\":\"m\",\"value\":{\"kvlistValue\":{\"values\":["
        "{\"key\":\"k2\",\"value\":{\"intValue\":\"1\"}},"
        "{\"key\":\"k1\",\"value\":{\"arrayValue\":{\"values\":[{\"doubleValue\":1},{}]}}},"
        "{\"key\":\"k2\",\"value\":{\"stringValue\":\"later\"}},"
        "{\"key\":\"k\",\"value\":{\"bytesValue\":\"AQI=\"}}]}}},"
        "{\"key\":\"e\",\"value\":{\"arrayValue\":{}}},"
        "{\"key\":\"o\",\"value\":{\"kvlistValue\":{}}}]}]}]}]}");
    struct value m = attribute_value(b, "m");
    struct value e = attribute_value(b, "e");
    struct value o = attribute_value(b, "o");
    check(&m, "{\"k\":\"AQI=\",\"k1\":[1,null],\"k2\":\"later\"}");
    check(&e, "[]");
    check(&o, "{}");
    batch_release(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_like_javascript),
        cmocka_unit_test(plain_values),
        cmocka_unit_test(nested_values_are_sorted_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
