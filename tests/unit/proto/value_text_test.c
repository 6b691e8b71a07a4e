/* Values as text, as Jaeger shows them and matches tags with. */
#include "proto/value_text.h"

#include "proto/batch.h"
#include "proto/otlp_json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
/* cmocka wants those above first */
#include <cmocka.h>

static void expect(struct value v, const char *text)
{
    struct value_text t = {0};
    struct bytes b = value_text(&v, &t);
    if (!bytes_equal_string(b, text))
        print_message("got %.*s, not %s\n", (int)b.len, (const char *)b.data, text);
    assert_true(bytes_equal_string(b, text));
    value_text_free(&t);
}

static void expect_double(double d, const char *text)
{
    expect((struct value){.type = VALUE_DOUBLE, .real = d}, text);
}

static void scalars(void **state)
{
    (void)state;
    expect((struct value){.type = VALUE_STRING, .bytes = bytes_of_string("plain")}, "plain");
    expect((struct value){.type = VALUE_BOOL, .boolean = true}, "true");
    expect((struct value){.type = VALUE_BOOL}, "false");
    expect((struct value){.type = VALUE_INT, .integer = 0}, "0");
    expect((struct value){.type = VALUE_INT, .integer = 404}, "404");
    expect((struct value){.type = VALUE_INT, .integer = -17}, "-17");
    expect((struct value){.type = VALUE_INT, .integer = INT64_MIN}, "-9223372036854775808");
    expect((struct value){.type = VALUE_INT, .integer = INT64_MAX}, "9223372036854775807");
    expect((struct value){.type = VALUE_EMPTY}, "");
}

static void doubles(void **state)
{
    (void)state;
    expect_double(0, "0");
    expect_double(-0.0, "-0");
    expect_double(1.5e-7, "1.5e-7");
    expect_double(0.30000000000000004, "0.30000000000000004");
    expect_double(1, "1");
    expect_double(-2.5, "-2.5");
    expect_double(0.1, "0.1");
    expect_double(1.0 / 3, "0.3333333333333333");
    expect_double(100, "100");
    expect_double(123456.789, "123456.789");
    expect_double(0.000001, "0.000001");
    expect_double(0.00000025, "2.5e-7");
    expect_double(1e20, "100000000000000000000");
    expect_double(1e21, "1e+21");
    expect_double(-1.5e300, "-1.5e+300");
    expect_double(5e-324, "5e-324");
    expect_double(1.7976931348623157e308, "1.7976931348623157e+308");
    expect_double(9007199254740993.0, "9007199254740992");
    expect_double(NAN, "NaN");
    expect_double(INFINITY, "Infinity");
    expect_double(-INFINITY, "-Infinity");
}

static void compounds(void **state)
{
    (void)state;
    /* ArrayValue {"a", 7}; KeyValueList {"k": true}; bytes. */
    static const uint8_t array[] = {0x0a, 0x03, 0x0a, 0x01, 'a', 0x0a, 0x02, 0x18, 0x07};
    static const uint8_t map[] = {0x0a, 0x07, 0x0a, 0x01, 'k', 0x12, 0x02, 0x10, 0x01};
    expect((struct value){.type = VALUE_ARRAY, .bytes = bytes_of(array, sizeof array)},
           "[\"a\",7]");
    expect((struct value){.type = VALUE_ARRAY}, "[]");
    expect((struct value){.type = VALUE_MAP, .bytes = bytes_of(map, sizeof map)}, "{\"k\":true}");
    expect((struct value){.type = VALUE_BYTES, .bytes = bytes_of("\xff\x00\x10", 3)}, "/wAQ");
    expect((struct value){.type = VALUE_BYTES}, "");
}

/* The first span's attribute `v`, in OTLP/JSON. */
static void expect_json(const char *json, const char *text)
{
    static const char before[] = "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{"
                                 "\"traceId\":\"0102030405060708090a0b0c0d0e0f10\","
                                 "\"spanId\":\"0102030405060708\","
                                 "\"attributes\":[{\"key\":\"v\",\"value\":";
    struct buffer request = {0};
    struct buffer wire = {0};
    char where[256];
    buffer_printf(&request, "%s%s}]}]}]}]}", before, json);
    if (!otlp_json_parse(buffer_bytes(&request), OTLP_TRACE_REQUEST, &wire, where, sizeof where))
        fail_msg("%s", where);
    struct batch *b = batch_create(wire.len);
    struct batch_report report;
    struct attribute a;
    memcpy(batch_payload(b), wire.data, wire.len);
    assert_true(batch_index(b, wire.len, &report));
    assert_true(
        attribute_find(span_bytes(&b->spans[0]), SPAN_ATTRIBUTES, bytes_of_string("v"), &a));
    expect(a.value, text);
    batch_release(b);
    buffer_free(&wire);
    buffer_free(&request);
}

static void maps_are_sorted_and_their_last_keys_count(void **state)
{
    (void)state;
    expect_json("{\"kvlistValue\":{\"values\":["
                "{\"key\":\"k2\",\"value\":{\"intValue\":\"1\"}},"
                "{\"key\":\"k1\",\"value\":{\"arrayValue\":{\"values\":["
                "{\"doubleValue\":1},{},{\"doubleValue\":1e21},{\"doubleValue\":1e-7},"
                "{\"stringValue\":\"a<b&c\\\"\"}]}}},"
                "{\"key\":\"k2\",\"value\":{\"stringValue\":\"later\"}},"
                "{\"key\":\"k\",\"value\":{\"bytesValue\":\"AQI=\"}}]}}",
                "{\"k\":\"AQI=\",\"k1\":[1,null,1e+21,1e-7,\"a<b&c\\\"\"],\"k2\":\"later\"}");
    expect_json("{\"kvlistValue\":{}}", "{}");
    expect_json("{\"arrayValue\":{}}", "[]");
    expect_json("{\"arrayValue\":{\"values\":[{\"kvlistValue\":{\"values\":["
                "{\"key\":\"b\",\"value\":{\"doubleValue\":\"-Infinity\"}},"
                "{\"key\":\"a\",\"value\":{\"doubleValue\":\"NaN\"}}]}}]}}",
                "[{\"a\":\"NaN\",\"b\":\"-Infinity\"}]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars),
        cmocka_unit_test(doubles),
        cmocka_unit_test(compounds),
        cmocka_unit_test(maps_are_sorted_and_their_last_keys_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
