/* ${…} in configuration values. */
#include "collector/environment.h"

#include "component/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants those above first */
#include <cmocka.h>

static void becomes(const char *text, const char *expected, bool whole_expected)
{
    struct error e = {0};
    bool whole;
    const char *got = environment_expand(text, &whole, &e);
    if (!got)
        fail_msg("%s: %s", text, e.text);
    assert_string_equal(got, expected);
    assert_int_equal(whole, whole_expected);
}

static void refused(const char *text, const char *words)
{
    struct error e = {0};
    bool whole;
    assert_null(environment_expand(text, &whole, &e));
    if (!strstr(e.text, words))
        fail_msg("\"%s\" lacks \"%s\"", e.text, words);
}

static void references_become_values(void **state)
{
    (void)state;
    becomes("${env:EXPAND_A}", "alpha", true);
    becomes("${EXPAND_A}", "alpha", true);
    becomes("x${env:EXPAND_A}", "xalpha", false);
    becomes("${env:EXPAND_A}x", "alphax", false);
    becomes("${EXPAND_A}:${EXPAND_B}", "alpha:b${EXPAND_A}", false);
    becomes("${EXPAND_A}${EXPAND_A}", "alphaalpha", false);
    becomes("${EXPAND_EMPTY}", "", true);
}

/* A value from outside is taken as it is, or its owner could name other variables. */
static void values_are_not_expanded_again(void **state)
{
    (void)state;
    becomes("${EXPAND_B}", "b${EXPAND_A}", true);
}

static void what_is_not_set_has_its_default_or_nothing(void **state)
{
    (void)state;
    becomes("${env:EXPAND_NONE}", "", true);
    becomes("${env:EXPAND_NONE:-here:4317}", "here:4317", true);
    becomes("${env:EXPAND_NONE:-}", "", true);
    becomes("${env:EXPAND_A:-other}", "alpha", true);
    becomes("${env:EXPAND_EMPTY:-other}", "", true); /* it is set */
}

static void dollars_stay(void **state)
{
    (void)state;
    const char *plain = "no reference";
    bool whole = true;
    struct error e;
    assert_ptr_equal(environment_expand(plain, &whole, &e), plain);
    assert_false(whole);
    becomes("a$b", "a$b", false);
    becomes("$$", "$", false);
    becomes("$${EXPAND_A}", "${EXPAND_A}", false);
    becomes("$$${EXPAND_A}", "$alpha", false);
    becomes("${EXPAND_A", "${EXPAND_A", false); /* never closed */
    becomes("end$", "end$", false);
}

static void what_is_not_understood_is_refused(void **state)
{
    (void)state;
    static char name[300];
    refused("${}", "does not name an environment variable");
    refused("${env:}", "does not name an environment variable");
    refused("${1A}", "does not name an environment variable");
    refused("${a-b}", "does not name an environment variable");
    refused("${:-x}", "not supported");
    refused("${EXPAND_NONE:-x}", "supported: ${env:NAME}, ${env:NAME:-default}");
    refused("${file:/etc/passwd}", "${file:/etc/passwd} is not supported");
    refused("${EXPAND_A} ${yaml:x}", "${yaml:x} is not supported");
    memset(name, 'N', sizeof name - 1);
    memcpy(name, "${", 2);
    name[sizeof name - 2] = '}';
    refused(name, "does not name an environment variable");
}

static void expansion_is_bounded(void **state)
{
    (void)state;
    enum { HALF = 600 << 10 };
    char *half = malloc(HALF + 1);
    assert_non_null(half);
    memset(half, 'h', HALF);
    half[HALF] = 0;
    setenv("EXPAND_HALF", half, 1);
    becomes("${EXPAND_HALF}", half, true);
    refused("${EXPAND_HALF}${EXPAND_HALF}", "over 1 MiB");
    unsetenv("EXPAND_HALF");
    free(half);
}

static int set_all(void **state)
{
    (void)state;
    unsetenv("EXPAND_NONE");
    return setenv("EXPAND_A", "alpha", 1) || setenv("EXPAND_B", "b${EXPAND_A}", 1) ||
           setenv("EXPAND_EMPTY", "", 1);
}

static int free_all(void **state)
{
    (void)state;
    config_release();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(references_become_values),
        cmocka_unit_test(values_are_not_expanded_again),
        cmocka_unit_test(what_is_not_set_has_its_default_or_nothing),
        cmocka_unit_test(dollars_stay),
        cmocka_unit_test(what_is_not_understood_is_refused),
        cmocka_unit_test(expansion_is_bounded),
    };
    return cmocka_run_group_tests(tests, set_all, free_all);
}
