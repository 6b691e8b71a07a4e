/* Which characters a terminal is shown. */
#include "collector/terminal_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static size_t shown(const char *text)
{
    return terminal_character((const uint8_t *)text, strlen(text));
}

static void letters_are_shown(void **state)
{
    (void)state;
    assert_int_equal(shown("a\x1b"), 1);
    assert_int_equal(shown(" "), 1);
    assert_int_equal(shown("\xc3\xa9"), 2);
    assert_int_equal(shown("\xe4\xbb\xb6"), 3); /* a Chinese character */
    assert_int_equal(shown("\xe2\x80\x94"), 3); /* a dash: U+2014 */
    assert_int_equal(shown("\xd7\xa9"), 2);     /* Hebrew, which turns itself round */
    assert_int_equal(shown("\xf0\x9f\x98\x80 smile"), 4);
}

static void what_moves_or_hides_is_not(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "\x1b",
        "\n",
        "\x7f",
        "\xc2\x9b", /* controls */
        "\xff",
        "\xc3",
        "\xed\xa0\x80", /* not UTF-8 */
        "\xe2\x80\xae", /* U+202E: right to left */
        "\xe2\x81\xa6",
        "\xe2\x80\xaa",
        "\xe2\x80\x8f",
        "\xd8\x9c", /* other directions */
        "\xe2\x80\x8b",
        "\xe2\x80\x8d",
        "\xef\xbb\xbf",
        "\xc2\xad", /* of no width */
        "\xe2\x80\xa8",
        "\xe2\x80\xa9",     /* ends of lines */
        "\xf3\xa0\x81\xa1", /* U+E0061: a tag */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (shown(cases[i]) != 0)
            fail_msg("case %zu is shown", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_are_shown),
        cmocka_unit_test(what_moves_or_hides_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
