/* OTLP/JSON: what is read, what is refused and in which words, and that both directions meet.
 * protobuf-c is the judge of the wire bytes. */
#include "proto/otlp_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants those above first */
#include <cmocka.h>
#include <math.h>

#include "google/rpc/status.pb-c.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb-c.h"

typedef Opentelemetry__Proto__Trace__V1__Span Span;
typedef Opentelemetry__Proto__Common__V1__AnyValue AnyValue;
typedef Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceRequest Request;

#define unpack_span(b) opentelemetry__proto__trace__v1__span__unpack(NULL, (b)->len, (b)->data)
#define free_span(s)   opentelemetry__proto__trace__v1__span__free_unpacked(s, NULL)
#define unpack_request(b)                                                                          \
    opentelemetry__proto__collector__trace__v1__export_trace_service_request__unpack(              \
        NULL, (b)->len, (b)->data)
#define free_request(r)                                                                            \
    opentelemetry__proto__collector__trace__v1__export_trace_service_request__free_unpacked(r, NULL)

static char where[256];

static struct buffer parse_as(const char *json, enum otlp_message type)
{
    struct buffer out = {0};
    if (!otlp_json_parse(bytes_of_string(json), type, &out, where, sizeof where))
        fail_msg("%s refused: %s", json, where);
    return out;
}

static Span *span_of(const char *json)
{
    struct buffer wire = parse_as(json, OTLP_SPAN);
    Span *s = unpack_span(&wire);
    assert_non_null(s);
    buffer_free(&wire);
    return s;
}

static void refuses_as(const char *json, enum otlp_message type, const char *message)
{
    struct buffer out = {0};
    buffer_append_string(&out, "before");
    if (otlp_json_parse(bytes_of_string(json), type, &out, where, sizeof where))
        fail_msg("accepted: %s", json);
    assert_string_equal(where, message);
    assert_true(bytes_equal_string(buffer_bytes(&out), "before"));
    buffer_free(&out);
}

static char *print_as(struct bytes wire, enum otlp_message type)
{
    struct buffer out = {0};
    assert_true(otlp_json_print(wire, type, false, &out));
    char *text = buffer_take(&out, NULL);
    assert_non_null(text);
    return text;
}

static void prints_as(const char *json, enum otlp_message type, const char *expected)
{
    struct buffer wire = parse_as(json, type);
    char *text = print_as(buffer_bytes(&wire), type);
    assert_string_equal(text, expected);
    free(text);
    buffer_free(&wire);
}

/* A whole request as the Collector prints it: read and printed, it is the same to the byte. */
static const char whole_request[] =
    "{\"resourceSpans\":[{\"resource\":{\"attributes\":["
    "{\"key\":\"s\",\"value\":{\"stringValue\":\"\"}},{\"key\":\"e\",\"value\":{}},"
    "{\"key\":\"d\",\"value\":{\"doubleValue\":1e+300}},{\"key\":\"d2\",\"value\":{\"doubleValue\":"
    "1e-07}},{\"key\":\"nan\",\"value\":{\"doubleValue\":\"NaN\"}},"
    "{\"key\":\"b\",\"value\":{\"bytesValue\":\"+/8=\"}},"
    "{\"key\":\"no\",\"value\":{\"boolValue\":false}},"
    "{\"key\":\"i\",\"value\":{\"intValue\":\"-5\"}},"
    "{\"key\":\"l\",\"value\":{\"arrayValue\":{\"values\":[{\"stringValue\":\"x\"},{}]}}},"
    "{\"key\":\"l0\",\"value\":{\"arrayValue\":{}}},"
    "{\"key\":\"m\",\"value\":{\"kvlistValue\":{\"values\":[{\"key\":\"k\",\"value\":{\"intValue\":"
    "\"1\"}}]}}}],\"droppedAttributesCount\":2,\"entityRefs\":[{\"type\":\"service\",\"idKeys\":["
    "\"s\"]}]},\"scopeSpans\":[{\"scope\":{\"name\":\"lib\",\"version\":\"1\"},\"spans\":[{"
    "\"traceId\":\"5b8efff798038103d269b633813fc60c\",\"spanId\":\"eee19b7ec3c1b174\","
    "\"traceState\":\"a=b\",\"parentSpanId\":\"eee19b7ec3c1b173\",\"name\":\"x<>&é\",\"kind\":2,"
    "\"startTimeUnixNano\":\"1544712660000000000\",\"endTimeUnixNano\":\"18446744073709551615\","
    "\"droppedAttributesCount\":1,\"events\":[{\"timeUnixNano\":\"1\",\"name\":\"ev\","
    "\"attributes\":[{\"key\":\"k\",\"value\":{\"boolValue\":true}}],\"droppedAttributesCount\":4}"
    "],\"droppedEventsCount\":5,\"links\":[{\"traceId\":\"5b8efff798038103d269b633813fc60c\","
    "\"spanId\":\"eee19b7ec3c1b174\",\"traceState\":\"c=d\",\"droppedAttributesCount\":6,\"flags\":"
    "257}],\"droppedLinksCount\":7,\"status\":{\"message\":\"m\",\"code\":2},\"flags\":769}],"
    "\"schemaUrl\":\"u\"},{\"scope\":{}}],\"schemaUrl\":\"v\"},{\"resource\":{}}]}";

static void a_whole_request_survives(void **state)
{
    (void)state;
    prints_as(whole_request, OTLP_TRACE_REQUEST, whole_request);

    struct buffer wire = parse_as(whole_request, OTLP_TRACE_REQUEST);
    Request *r = unpack_request(&wire);
    assert_non_null(r);
    assert_int_equal(r->n_resource_spans, 2);
    Span *s = r->resource_spans[0]->scope_spans[0]->spans[0];
    assert_int_equal(s->trace_id.len, 16);
    assert_int_equal(s->trace_id.data[0], 0x5b);
    assert_int_equal(s->span_id.len, 8);
    assert_int_equal(s->kind, 2);
    assert_true(s->end_time_unix_nano == UINT64_MAX);
    assert_int_equal(s->links[0]->flags, 257);
    assert_int_equal(s->status->code, 2);
    assert_true(isnan(r->resource_spans[0]->resource->attributes[4]->value->double_value));
    free_request(r);
    buffer_free(&wire);
}

static void large_messages_have_padded_lengths_that_all_read(void **state)
{
    (void)state;
    for (size_t size = 120; size < 40000; size = size < 140 ? size + 1 : size * 3) {
        struct buffer json = {0};
        buffer_append_string(&json,
                             "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"");
        for (size_t i = 0; i < size; i++)
            buffer_append_byte(&json, 'n');
        buffer_append_string(&json, "\"}]}]}]}");
        char *text = buffer_take(&json, NULL);
        struct buffer wire = parse_as(text, OTLP_TRACE_REQUEST);
        Request *r = unpack_request(&wire);
        assert_non_null(r);
        assert_int_equal(strlen(r->resource_spans[0]->scope_spans[0]->spans[0]->name), size);
        free_request(r);
        buffer_free(&wire);
        free(text);
    }
}

static void keys_in_either_spelling_and_unknown_ones(void **state)
{
    (void)state;
    Span *s = span_of(" { \"trace_id\" : \"AB\" , \"start_time_unix_nano\":\"7\",\n"
                      "\"nope\":[1,{\"a\":[null,true,false,-1.5e3,\"\\ud83d\\ude00\"]},{}],"
                      "\"n\\u0061me\":\"x\", \"name\\u0000\":\"y\", \"\":1, \"Kind\":5,"
                      "\"droppedLinksCount\":\"3\"}\r\n\t");
    assert_int_equal(s->trace_id.len, 1);
    assert_int_equal(s->trace_id.data[0], 0xab);
    assert_int_equal(s->start_time_unix_nano, 7);
    assert_string_equal(s->name, "x");
    assert_int_equal(s->kind, 0);
    assert_int_equal(s->dropped_links_count, 3);
    free_span(s);
}

static void null_is_absent_and_the_last_of_two_counts(void **state)
{
    (void)state;
    Span *s = span_of("{\"name\":\"a\",\"name\":\"b\",\"name\":null,\"kind\":3,\"kind\":0,"
                      "\"attributes\":null,\"status\":null,\"events\":[{}],\"events\":[{}]}");
    assert_string_equal(s->name, "b");
    assert_int_equal(s->kind, 0);
    assert_null(s->status);
    assert_int_equal(s->n_events, 2);
    free_span(s);
    prints_as("{\"name\":\"a\",\"name\":\"\",\"kind\":3,\"kind\":0}", OTLP_SPAN, "{\"status\":{}}");
    prints_as(
        "{\"attributes\":[{\"value\":{\"stringValue\":\"a\",\"intValue\":1,\"boolValue\":false"
        "}}]}",
        OTLP_SPAN, "{\"attributes\":[{\"value\":{\"boolValue\":false}}],\"status\":{}}");
}

static void strings_with_escapes(void **state)
{
    (void)state;
    Span *s = span_of("{\"name\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t \\u00e9 \\u20AC \\uD83D\\uDE00 é\"}");
    assert_string_equal(s->name, "\"\\/\b\f\n\r\t é € 😀 é");
    free_span(s);
}

static AnyValue *value_of(const char *json, Span **span)
{
    char text[512];
    snprintf(text, sizeof text, "{\"attributes\":[{\"key\":\"k\",\"value\":{%s}}]}", json);
    *span = span_of(text);
    return (*span)->attributes[0]->value;
}

static void integers_in_every_notation(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        int64_t value;
    } cases[] = {
        {"0", 0},
        {"-0", 0},
        {"\"-1\"", -1},
        {"9223372036854775807", INT64_MAX},
        {"\"-9223372036854775808\"", INT64_MIN},
        {"1.5e3", 1500},
        {"\"1.0\"", 1},
        {"120e-1", 12},
        {"92233720368547758.07E+2", INT64_MAX},
        {"0e999999999999", 0},
        {"0.000e-5", 0},
        {"9007199254740993", 9007199254740993}, /* no double */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char json[64];
        Span *s;
        snprintf(json, sizeof json, "\"intValue\":%s", cases[i].json);
        assert_true(value_of(json, &s)->int_value == cases[i].value);
        free_span(s);
    }
}

static void doubles_in_every_notation(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        double value;
    } cases[] = {
        {"0", 0},
        {"-1.5", -1.5},
        {"\"2.5\"", 2.5},
        {"1e308", 1e308},
        {"\"Infinity\"", INFINITY},
        {"\"-Infinity\"", -INFINITY},
        {"1e-999", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char json[64];
        Span *s;
        snprintf(json, sizeof json, "\"doubleValue\":%s", cases[i].json);
        assert_true(value_of(json, &s)->double_value == cases[i].value);
        free_span(s);
    }
}

static void base64_in_both_alphabets(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        const char *value;
        size_t len;
    } cases[] = {
        {"", "", 0},
        {"Zg==", "f", 1},
        {"Zg", "f", 1},
        {"Zm8", "fo", 2},
        {"Zm9v", "foo", 3},
        {"-_8=", "\xfb\xff", 2},
        {"+\\/8", "\xfb\xff", 2},
        {"AAAA", "\0\0\0", 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char json[64];
        Span *s;
        snprintf(json, sizeof json, "\"bytesValue\":\"%s\"", cases[i].json);
        AnyValue *v = value_of(json, &s);
        assert_int_equal(v->bytes_value.len, cases[i].len);
        if (cases[i].len)
            assert_memory_equal(v->bytes_value.data, cases[i].value, cases[i].len);
        free_span(s);
    }
}

static void enums_by_number_and_name(void **state)
{
    (void)state;
    Span *s = span_of("{\"kind\":\"SPAN_KIND_CONSUMER\",\"status\":{\"code\":\"2\"}}");
    assert_int_equal(s->kind, 5);
    assert_int_equal(s->status->code, 2);
    free_span(s);
    s = span_of("{\"kind\":77,\"status\":{\"code\":-1}}"); /* open: unknown numbers are kept */
    assert_int_equal(s->kind, 77);
    assert_true((int)s->status->code == -1);
    free_span(s);
}

static void errors_say_what_and_where(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        const char *message;
    } cases[] = {
        {"", "line 1, column 1: the document ends too early"},
        {"  \n ", "line 2, column 2: the document ends too early"},
        {"[]", "line 1, column 1: expected an object"},
        {"{} x", "line 1, column 4: something behind the end of the document"},
        {"{}{}", "line 1, column 3: something behind the end of the document"},
        {"{,}", "line 1, column 2: expected a string"},
        {"{\"name\":\"a\",}", "line 1, column 13: expected a string"},
        {"{\"name\" \"a\"}", "line 1, column 9: expected ':'"},
        {"{\"name\":\"a\"", "line 1, column 12: the document ends too early"},
        {"{\"name\":\"a\"]", "line 1, column 12: expected ',' or '}'"},
        {"{\"name\":1}", "line 1, column 9: name: expected a string"},
        {"{\"name\":\"a", "line 1, column 9: name: a string without an end"},
        {"{\"name\":\"a\nb\"}", "line 1, column 11: name: a control character in a string"},
        {"{\"name\":\"\\x\"}", "line 1, column 10: name: not an escape sequence"},
        {"{\"name\":\"\\u12g4\"}", "line 1, column 10: name: not an escape sequence"},
        {"{\"name\":\"\\ud800\"}", "line 1, column 10: name: half of a surrogate pair"},
        {"{\"name\":\"\\ud800\\u0041\"}", "line 1, column 10: name: half of a surrogate pair"},
        {"{\"name\":\"\\udc00\"}", "line 1, column 10: name: half of a surrogate pair"},
        {"{\"name\":\"\xff\"}", "line 1, column 10: name: a string that is not UTF-8"},
        {"{\"\xed\xa0\x80\":1}", "line 1, column 3: a string that is not UTF-8"},
        {"{\"traceId\":\"xy\"}", "line 1, column 12: traceId: not hex"},
        {"{\"trace_id\":\"abc\"}", "line 1, column 13: traceId: an odd number of hex digits"},
        {"{\"kind\":1.5}", "line 1, column 9: kind: not a whole number"},
        {"{\"kind\":2147483648}", "line 1, column 9: kind: a number that is out of range"},
        {"{\"kind\":\"SERVER\"}", "line 1, column 9: kind: not a name of this enum"},
        {"{\"kind\":01}", "line 1, column 9: kind: not a number"},
        {"{\"flags\":-1}", "line 1, column 10: flags: a number that is out of range"},
        {"{\"flags\":4294967296}", "line 1, column 10: flags: a number that is out of range"},
        {"{\"startTimeUnixNano\":18446744073709551616}",
         "line 1, column 22: startTimeUnixNano: a number that is out of range"},
        {"{\"startTimeUnixNano\":1e20}",
         "line 1, column 22: startTimeUnixNano: a number that is out of range"},
        {"{\"startTimeUnixNano\":\"\"}", "line 1, column 22: startTimeUnixNano: not a number"},
        {"{\"startTimeUnixNano\":\" 1\"}", "line 1, column 22: startTimeUnixNano: not a number"},
        {"{\"startTimeUnixNano\":true}", "line 1, column 22: startTimeUnixNano: not a number"},
        {"{\"attributes\":{}}", "line 1, column 15: attributes: expected an array"},
        {"{\"attributes\":[null]}", "line 1, column 16: attributes[0]: expected an object"},
        {"{\"attributes\":[{},]}", "line 1, column 19: attributes[1]: expected an object"},
        {"{\n\"attributes\": [ {},\n  {\"value\": {\"boolValue\":\"true\"}}]}",
         "line 3, column 26: attributes[1].value.boolValue: expected true or false"},
        {"{\"attributes\":[{\"value\":{\"boolValue\":tru}}]}",
         "line 1, column 38: attributes[0].value.boolValue: not a JSON value"},
        {"{\"attributes\":[{\"value\":{\"intValue\":9223372036854775808}}]}",
         "line 1, column 37: attributes[0].value.intValue: a number that is out of range"},
        {"{\"attributes\":[{\"value\":{\"doubleValue\":1e999}}]}",
         "line 1, column 40: attributes[0].value.doubleValue: a number that is out of range"},
        {"{\"attributes\":[{\"value\":{\"bytesValue\":\"A\"}}]}",
         "line 1, column 39: attributes[0].value.bytesValue: base64 of an impossible length"},
        {"{\"attributes\":[{\"value\":{\"bytesValue\":\"Zg=\"}}]}",
         "line 1, column 39: attributes[0].value.bytesValue: base64 of an impossible length"},
        {"{\"attributes\":[{\"value\":{\"bytesValue\":\"A=AA\"}}]}",
         "line 1, column 39: attributes[0].value.bytesValue: not base64"},
        {"{\"x\":[1,}", "line 1, column 9: not a JSON value"},
        {"{\"x\":{1:2}}", "line 1, column 7: expected a string"},
        {"{\"x\":.5}", "line 1, column 6: not a JSON value"},
        {"{\"x\":1.}", "line 1, column 6: not a number"},
        {"{\"x\":-}", "line 1, column 6: not a number"},
        {"{\"x\":1e}", "line 1, column 6: not a number"},
        {"{\"x\":nul}", "line 1, column 6: not a JSON value"},
        {"{\"x\":\"\\ud800\"}", "line 1, column 7: half of a surrogate pair"},
        {"{\"x\":", "line 1, column 6: the document ends too early"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refuses_as(cases[i].json, OTLP_SPAN, cases[i].message);
}

static void a_nul_byte_is_not_an_end(void **state)
{
    (void)state;
    struct buffer out = {0};
    assert_false(otlp_json_parse(bytes_of("{}\0", 3), OTLP_SPAN, &out, where, sizeof where));
    assert_string_equal(where, "line 1, column 3: something behind the end of the document");
    assert_false(otlp_json_parse(bytes_of(NULL, 0), OTLP_SPAN, &out, where, sizeof where));
    buffer_free(&out);
}

static void a_number_may_not_go_on_for_ever(void **state)
{
    (void)state;
    struct buffer json = {0};
    buffer_append_string(&json, "{\"kind\":");
    for (int i = 0; i < 2000; i++)
        buffer_append_byte(&json, '1');
    buffer_append_string(&json, "}");
    char *text = buffer_take(&json, NULL);
    refuses_as(text, OTLP_SPAN, "line 1, column 9: kind: a number with too many digits");
    free(text);
}

/* `levels` arrays in each other's values: two messages each, below span, key-value and value. */
static char *nested(unsigned levels, const char *open, const char *close)
{
    struct buffer json = {0};
    buffer_append_string(&json, "{\"attributes\":[{\"value\":");
    for (unsigned i = 0; i < levels; i++)
        buffer_append_string(&json, open);
    buffer_append_string(&json, "{}");
    for (unsigned i = 0; i < levels; i++)
        buffer_append_string(&json, close);
    buffer_append_string(&json, "}]}");
    return buffer_take(&json, NULL);
}

static void depth_is_bounded_in_both_directions(void **state)
{
    (void)state;
    static const char open[] = "{\"arrayValue\":{\"values\":[";
    char *text = nested(48, open, "]}}"); /* 3 + 96 messages */
    struct buffer wire = parse_as(text, OTLP_SPAN);
    char *printed = print_as(buffer_bytes(&wire), OTLP_SPAN);
    struct buffer again = parse_as(printed, OTLP_SPAN);
    char *printed_again = print_as(buffer_bytes(&again), OTLP_SPAN);
    assert_string_equal(printed, printed_again);
    free(printed_again);

    /* Two messages more, put around it on the wire: printing refuses as well. */
    Span *s = unpack_span(&wire);
    assert_non_null(s);
    AnyValue *inner = s->attributes[0]->value;
    AnyValue outer = OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__INIT;
    Opentelemetry__Proto__Common__V1__ArrayValue list =
        OPENTELEMETRY__PROTO__COMMON__V1__ARRAY_VALUE__INIT;
    list.values = &inner;
    list.n_values = 1;
    outer.value_case = OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_ARRAY_VALUE;
    outer.array_value = &list;
    s->attributes[0]->value = &outer;
    struct buffer deep = {0};
    size_t size = opentelemetry__proto__trace__v1__span__get_packed_size(s);
    deep.len = opentelemetry__proto__trace__v1__span__pack(s, buffer_reserve(&deep, size));
    struct buffer out = {0};
    assert_false(otlp_json_print(buffer_bytes(&deep), OTLP_SPAN, false, &out));
    assert_int_equal(out.len, 0);
    s->attributes[0]->value = inner;
    free_span(s);
    free(text);

    text = nested(49, open, "]}}");
    struct buffer refused = {0};
    assert_false(otlp_json_parse(bytes_of_string(text), OTLP_SPAN, &refused, where, sizeof where));
    assert_non_null(strstr(where, ": nested too deep"));
    assert_non_null(strstr(where, "attributes[0].value.arrayValue.values[0].arrayValue"));
    free(text);

    buffer_free(&refused);
    buffer_free(&out);
    buffer_free(&deep);
    buffer_free(&again);
    buffer_free(&wire);
    free(printed);
}

static void deep_unknown_values_are_refused(void **state)
{
    (void)state;
    struct buffer json = {0};
    buffer_append_string(&json, "{\"x\":");
    for (int i = 0; i < 100000; i++)
        buffer_append_byte(&json, '[');
    char *text = buffer_take(&json, NULL);
    refuses_as(text, OTLP_SPAN, "line 1, column 105: nested too deep");
    free(text);
}

static void memory_is_that_of_the_output(void **state)
{
    (void)state;
    struct buffer json = {0};
    buffer_append_string(&json, "{\"resourceSpans\":[{}");
    for (int i = 0; i < 100000; i++)
        buffer_append_string(&json, ",{}");
    buffer_append_string(&json, "]}");
    struct buffer wire = {.limit = json.len};
    assert_true(
        otlp_json_parse(buffer_bytes(&json), OTLP_TRACE_REQUEST, &wire, where, sizeof where));
    assert_int_equal(wire.len, 2 * 100001);
    buffer_free(&wire);

    wire.limit = 1000;
    assert_false(
        otlp_json_parse(buffer_bytes(&json), OTLP_TRACE_REQUEST, &wire, where, sizeof where));
    assert_non_null(strstr(where, "out of memory, or larger than the limit"));
    buffer_free(&wire);
    buffer_free(&json);
}

static void malformed_wire_is_not_printed(void **state)
{
    (void)state;
    static const struct bytes bad[] = {
        {(const uint8_t *)"\x2a\x05x", 3},        /* name runs past the end */
        {(const uint8_t *)"\x28\x01", 2},         /* name as a varint */
        {(const uint8_t *)"\x4a\x02\x0a\x05", 4}, /* within an attribute */
        {(const uint8_t *)"\x30", 1},             /* no value */
    };
    struct buffer out = {0};
    buffer_append_string(&out, "before");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(otlp_json_print(bad[i], OTLP_SPAN, false, &out));
        assert_true(bytes_equal_string(buffer_bytes(&out), "before"));
    }
    buffer_free(&out);
}

static void mixed_and_unknown_fields_are_gathered(void **state)
{
    (void)state;
    /* event, unknown field 99, attribute, event; and a name that is not UTF-8 */
    static const char wire[] = "\x5a\x03\x12\x01"
                               "a"
                               "\x98\x06\x01"
                               "\x4a\x03\x0a\x01"
                               "k"
                               "\x5a\x03\x12\x01"
                               "b"
                               "\x2a\x01\xff";
    char *text = print_as(bytes_of(wire, sizeof wire - 1), OTLP_SPAN);
    assert_string_equal(text, "{\"name\":\"\uFFFD\",\"attributes\":[{\"key\":\"k\",\"value\":{}}],"
                              "\"events\":[{\"name\":\"a\"},{\"name\":\"b\"}],\"status\":{}}");
    free(text);
}

static void answers_and_statuses(void **state)
{
    (void)state;
    prints_as("{}", OTLP_TRACE_RESPONSE, "{\"partialSuccess\":{}}");
    prints_as("{\"partialSuccess\":{\"rejectedSpans\":3,\"errorMessage\":\"e\"}}",
              OTLP_TRACE_RESPONSE,
              "{\"partialSuccess\":{\"rejectedSpans\":\"3\",\"errorMessage\":\"e\"}}");
    prints_as("{\"code\":3,\"message\":\"m\",\"details\":[{\"@type\":\"t\",\"value\":\"AQ\"}]}",
              OTLP_STATUS,
              "{\"code\":3,\"message\":\"m\",\"details\":[{\"@type\":\"t\",\"value\":\"AQ==\"}]}");
    prints_as("{\"attributes\":[{\"key\":\"k\",\"value\":{\"stringValue\":\"v\"}}]}", OTLP_RESOURCE,
              "{\"attributes\":[{\"key\":\"k\",\"value\":{\"stringValue\":\"v\"}}]}");
}

static void indented_by_two(void **state)
{
    (void)state;
    struct buffer wire = parse_as("{\"name\":\"n\",\"events\":[{}]}", OTLP_SPAN);
    struct buffer out = {0};
    assert_true(otlp_json_print(buffer_bytes(&wire), OTLP_SPAN, true, &out));
    assert_true(bytes_equal_string(
        buffer_bytes(&out),
        "{\n  \"name\": \"n\",\n  \"events\": [\n    {}\n  ],\n  \"status\": {}\n}"));
    buffer_free(&out);
    buffer_free(&wire);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_request_survives),
        cmocka_unit_test(large_messages_have_padded_lengths_that_all_read),
        cmocka_unit_test(keys_in_either_spelling_and_unknown_ones),
        cmocka_unit_test(null_is_absent_and_the_last_of_two_counts),
        cmocka_unit_test(strings_with_escapes),
        cmocka_unit_test(integers_in_every_notation),
        cmocka_unit_test(doubles_in_every_notation),
        cmocka_unit_test(base64_in_both_alphabets),
        cmocka_unit_test(enums_by_number_and_name),
        cmocka_unit_test(errors_say_what_and_where),
        cmocka_unit_test(a_nul_byte_is_not_an_end),
        cmocka_unit_test(a_number_may_not_go_on_for_ever),
        cmocka_unit_test(depth_is_bounded_in_both_directions),
        cmocka_unit_test(deep_unknown_values_are_refused),
        cmocka_unit_test(memory_is_that_of_the_output),
        cmocka_unit_test(malformed_wire_is_not_printed),
        cmocka_unit_test(mixed_and_unknown_fields_are_gathered),
        cmocka_unit_test(answers_and_statuses),
        cmocka_unit_test(indented_by_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
