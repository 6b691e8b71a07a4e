/* The JSON writer: punctuation, escapes, bytes that are not text, numbers that read back. */
#include "proto/json_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants those above first */
#include <cmocka.h>
#include <float.h>
#include <math.h>

struct fixture {
    struct buffer out;
    struct json_writer w;
};

static struct fixture *begin(bool indent)
{
    static struct fixture f;
    buffer_free(&f.out);
    json_begin(&f.w, &f.out, indent);
    return &f;
}

static void expect(struct fixture *f, const char *text)
{
    assert_false(f->out.failed);
    char *s = buffer_take(&f->out, NULL);
    assert_non_null(s);
    assert_string_equal(s, text);
    free(s);
}

static void document(struct json_writer *w)
{
    json_object_begin(w);
    json_key(w, "a");
    json_array_begin(w);
    json_int(w, -1);
    json_uint(w, UINT64_MAX);
    json_object_begin(w);
    json_object_end(w);
    json_array_end(w);
    json_key(w, "b");
    json_object_begin(w);
    json_key(w, "c");
    json_bool(w, true);
    json_key(w, "d");
    json_nil(w);
    json_object_end(w);
    json_key(w, "e");
    json_array_begin(w);
    json_array_end(w);
    json_object_end(w);
}

static void punctuation_is_the_writers(void **state)
{
    (void)state;
    struct fixture *f = begin(false);
    document(&f->w);
    expect(f, "{\"a\":[-1,18446744073709551615,{}],\"b\":{\"c\":true,\"d\":null},\"e\":[]}");
}

static void indents_by_two(void **state)
{
    (void)state;
    struct fixture *f = begin(true);
    document(&f->w);
    expect(f, "{\n  \"a\": [\n    -1,\n    18446744073709551615,\n    {}\n  ],\n"
              "  \"b\": {\n    \"c\": true,\n    \"d\": null\n  },\n  \"e\": []\n}");
}

static void strings_are_escaped(void **state)
{
    (void)state;
    struct fixture *f = begin(false);
    static const char text[] = "q\" b\\ \b\f\n\r\t \0 \x1f \x7f / é 😀";
    json_bytes(&f->w, bytes_of(text, sizeof text - 1));
    expect(f, "\"q\\\" b\\\\ \\b\\f\\n\\r\\t \\u0000 \\u001f \x7f / é 😀\"");
}

static void invalid_utf8_becomes_the_replacement_character(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"a\xff"
         "b",
         "\"a\uFFFDb\""},
        {"\xc3", "\"\uFFFD\""},                               /* cut short */
        {"\xc0\xaf", "\"\uFFFD\uFFFD\""},                     /* overlong */
        {"\xed\xa0\x80", "\"\uFFFD\uFFFD\uFFFD\""},           /* a surrogate */
        {"\xf4\x90\x80\x80", "\"\uFFFD\uFFFD\uFFFD\uFFFD\""}, /* above U+10FFFF */
        {"\xe2\x82(", "\"\uFFFD\uFFFD(\""},
        {"\xf0\x9f\x98\x80\x80", "\"😀\uFFFD\""},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct fixture *f = begin(false);
        json_text(&f->w, bad[i][0]);
        expect(f, bad[i][1]);
    }
}

static void hex_and_base64(void **state)
{
    (void)state;
    struct fixture *f = begin(false);
    json_array_begin(&f->w);
    json_hex(&f->w, bytes_of("\x00\x9a\xff", 3));
    json_hex(&f->w, bytes_of("", 0));
    json_base64(&f->w, bytes_of("", 0));
    json_base64(&f->w, bytes_of("f", 1));
    json_base64(&f->w, bytes_of("fo", 2));
    json_base64(&f->w, bytes_of("foo", 3));
    json_base64(&f->w, bytes_of("\xfb\xff\xfe\x00", 4));
    json_array_end(&f->w);
    expect(f, "[\"009aff\",\"\",\"\",\"Zg==\",\"Zm8=\",\"Zm9v\",\"+//+AA==\"]");
}

static void integers_as_strings(void **state)
{
    (void)state;
    struct fixture *f = begin(false);
    json_array_begin(&f->w);
    json_int_string(&f->w, INT64_MIN);
    json_uint_string(&f->w, UINT64_MAX);
    json_array_end(&f->w);
    expect(f, "[\"-9223372036854775808\",\"18446744073709551615\"]");
}

static void doubles_use_the_fewest_digits(void **state)
{
    (void)state;
    static const struct {
        double d;
        const char *text;
    } cases[] = {
        {0.0, "0"},
        {-0.0, "-0"},
        {1.0, "1"},
        {0.1, "0.1"},
        {-2.5, "-2.5"},
        {1e16, "10000000000000000"},
        {1e300, "1e+300"},
        {5e-324, "5e-324"},
        {0.3, "0.3"},
        {0.1 + 0.2, "0.30000000000000004"},
        {NAN, "\"NaN\""},
        {INFINITY, "\"Infinity\""},
        {1.0 / 3, "0.3333333333333333"},
        {-INFINITY, "\"-Infinity\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture *f = begin(false);
        json_double(&f->w, cases[i].d);
        expect(f, cases[i].text);
    }
}

static void doubles_read_back(void **state)
{
    (void)state;
    uint64_t bits = 0x9e3779b97f4a7c15;
    for (int i = 0; i < 20000; i++) {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        double d;
        memcpy(&d, &bits, sizeof d);
        if (!isfinite(d))
            continue;
        struct fixture *f = begin(false);
        json_double(&f->w, d);
        char *s = buffer_take(&f->out, NULL);
        assert_true(strtod(s, NULL) == d);
        free(s);
    }
}

static void failure_of_the_buffer_is_kept(void **state)
{
    (void)state;
    struct buffer out = {.limit = 20};
    struct json_writer w;
    json_begin(&w, &out, false);
    document(&w);
    assert_true(out.failed);
    buffer_free(&out);

    out.limit = 4;
    json_begin(&w, &out, false);
    json_hex(&w, bytes_of("abcdef", 6));
    assert_true(out.failed);
    buffer_free(&out);
}

static void goes_as_deep_as_it_promises(void **state)
{
    (void)state;
    struct fixture *f = begin(false);
    for (int i = 0; i < JSON_MAX_DEPTH; i++)
        json_array_begin(&f->w);
    for (int i = 0; i < JSON_MAX_DEPTH; i++)
        json_array_end(&f->w);
    assert_int_equal(f->out.len, 2 * JSON_MAX_DEPTH);
    buffer_free(&f->out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(punctuation_is_the_writers),
        cmocka_unit_test(indents_by_two),
        cmocka_unit_test(strings_are_escaped),
        cmocka_unit_test(invalid_utf8_becomes_the_replacement_character),
        cmocka_unit_test(hex_and_base64),
        cmocka_unit_test(integers_as_strings),
        cmocka_unit_test(doubles_use_the_fewest_digits),
        cmocka_unit_test(doubles_read_back),
        cmocka_unit_test(failure_of_the_buffer_is_kept),
        cmocka_unit_test(goes_as_deep_as_it_promises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
