/* What is shown of a text to those who want UTF-8. */
#include "proto/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static bool is_utf8(struct bytes text)
{
    size_t at = 0, len = 1;
    while (len > 0 && at < text.len) {
        len = utf8_sequence(text.data + at, text.len - at);
        at += len;
    }
    return len > 0;
}

static void text_is_shown_as_it_is(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",    "a", "na\xc3\xafve", "eight by eight", "\xe2\x82\xac", "1234567\xf0\x9f\x90\x8c",
        "\x1a"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct buffer copy = {0};
        struct bytes text = bytes_of_string(texts[i]);
        struct bytes shown = utf8_readable(text, &copy);
        assert_ptr_equal(shown.data, text.data);
        assert_int_equal(shown.len, text.len);
        assert_null(copy.data);
    }
}

static void each_byte_out_of_place_is_a_control_character(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"\xff", "\x1a"},
        {"a\xc3", "a\x1a"},
        {"\xc3(", "\x1a("},
        {"12345678\200abcdefgh\xe2\x82", "12345678\032abcdefgh\x1a\x1a"},
        {"\xed\xa0\x80", "\x1a\x1a\x1a"}, /* a surrogate */
        {"\xc3\xa9\xa9\xc3\xa9", "\xc3\xa9\x1a\xc3\xa9"},
        {"\xf0\x9f\x90\xf0\x9f\x90\x8c", "\x1a\x1a\x1a\xf0\x9f\x90\x8c"},
    };
    struct buffer copy = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bytes shown = utf8_readable(bytes_of_string(cases[i][0]), &copy);
        assert_true(bytes_equal_string(shown, cases[i][1]));
    }
    buffer_free(&copy);
}

/* Whatever comes is shown as UTF-8, and what was in its place stays there. */
static void any_bytes_become_utf8(void **state)
{
    (void)state;
    static const uint8_t some[] = {'a', 'b', 0x80, 0xbf, 0xc3, 0xa9, 0xe2, 0xed, 0xf0, 0x9f, 0xff};
    struct buffer copy = {0};
    srand(1);
    for (unsigned round = 0; round < 20000; round++) {
        uint8_t data[40];
        size_t len = (size_t)rand() % sizeof data;
        for (size_t i = 0; i < len; i++)
            data[i] = some[(size_t)rand() % (round % 2 ? sizeof some : 6)];
        struct bytes shown = utf8_readable(bytes_of(data, len), &copy);
        assert_int_equal(shown.len, len);
        assert_true(is_utf8(shown));
        for (size_t i = 0; i < len; i++)
            assert_true(shown.data[i] == data[i] || (shown.data[i] == 0x1a && data[i] >= 0x80));
    }
    buffer_free(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_shown_as_it_is),
        cmocka_unit_test(each_byte_out_of_place_is_a_control_character),
        cmocka_unit_test(any_bytes_become_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
