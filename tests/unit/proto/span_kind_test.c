/* Numbers of kinds and statuses to names, and back. */
#include "proto/span_kind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void numbers_have_names(void **state)
{
    (void)state;
    assert_string_equal(span_kind_name(SPAN_KIND_SERVER), "server");
    assert_string_equal(span_kind_title(SPAN_KIND_PRODUCER), "Producer");
    assert_string_equal(span_kind_constant(SPAN_KIND_CONSUMER), "SPAN_KIND_CONSUMER");
    assert_string_equal(span_status_name(SPAN_STATUS_ERROR), "error");
    assert_string_equal(span_status_constant(SPAN_STATUS_OK), "STATUS_CODE_OK");
}

static void what_is_no_number_is_unspecified(void **state)
{
    (void)state;
    static const unsigned numbers[] = {0, 6, 255, 4000000000};
    for (unsigned i = 0; i < 4; i++) {
        assert_string_equal(span_kind_name(numbers[i]), "");
        assert_string_equal(span_kind_title(numbers[i]), "Unspecified");
        assert_string_equal(span_kind_constant(numbers[i]), "SPAN_KIND_UNSPECIFIED");
        assert_string_equal(span_status_name(numbers[i]), "unset");
        assert_string_equal(span_status_constant(numbers[i]), "STATUS_CODE_UNSET");
    }
}

static void names_have_numbers(void **state)
{
    (void)state;
    static const char *const none[] = {"", "SERVER", "span_kind_server", "SPAN_KIND_SERVERS",
                                       "STATUS_CODE_"};
    for (int i = 0; i < SPAN_KINDS; i++)
        assert_int_equal(span_kind_of_constant(bytes_of_string(span_kind_constant((unsigned)i))),
                         i);
    for (int i = 0; i < SPAN_STATUSES; i++)
        assert_int_equal(
            span_status_of_constant(bytes_of_string(span_status_constant((unsigned)i))), i);
    for (unsigned i = 0; i < sizeof none / sizeof *none; i++) {
        assert_int_equal(span_kind_of_constant(bytes_of_string(none[i])), -1);
        assert_int_equal(span_status_of_constant(bytes_of_string(none[i])), -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_have_names),
        cmocka_unit_test(what_is_no_number_is_unspecified),
        cmocka_unit_test(names_have_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
