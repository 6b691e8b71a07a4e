/* Regular expressions: RE2's habits, bounded effort, and threads that share one. */
#include "sampling/regex.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static enum regex_result match(const char *pattern, const char *subject)
{
    struct error e = {0};
    struct regex *r = regex_compile(bytes_of_string(pattern), &e);
    if (!r)
        fail_msg("%s: %s", pattern, e.text);
    enum regex_result result = regex_match(r, bytes_of_string(subject));
    regex_destroy(r);
    return result;
}

static void habits_are_those_of_re2(void **state)
{
    (void)state;
    assert_int_equal(match("b", "abc"), REGEX_YES);
    assert_int_equal(match("^b", "abc"), REGEX_NO);
    assert_int_equal(match("", ""), REGEX_YES);
    assert_int_equal(match("a.c", "a\nc"), REGEX_NO);
    assert_int_equal(match("(?s)a.c", "a\nc"), REGEX_YES);
    assert_int_equal(match("c$", "abc\n"), REGEX_NO);
    assert_int_equal(match("(?m)^b$", "a\nb\nc"), REGEX_YES);
    assert_int_equal(match("(?i)ABC", "abc"), REGEX_YES);
    assert_int_equal(match("^\\d$", "\xd9\xa3"), REGEX_NO); /* an Arabic three */
    assert_int_equal(match("^.$", "\xc3\xa9"), REGEX_YES);  /* one character, two bytes */
    assert_int_equal(match("^(?P<x>a|b)+$", "abba"), REGEX_YES);
    assert_int_equal(match("^\\pL+$", "na\xc3\xafve"), REGEX_YES);
    assert_int_equal(match("\\Qa.b\\E", "a.b"), REGEX_YES);
}

static void broken_text_matches_nothing_and_breaks_nothing(void **state)
{
    (void)state;
    assert_int_equal(match("^.$", "\xff"), REGEX_NO);
    assert_int_equal(match("b", "\xff\xc3"
                                "b"),
                     REGEX_YES);
}

static void mistakes_are_told(void **state)
{
    (void)state;
    static const char *const patterns[] = {"(", "a{2,1}", "[z-a]", "*", "\\C", "\xff"};
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        struct error e = {0};
        assert_null(regex_compile(bytes_of_string(patterns[i]), &e));
        assert_non_null(strstr(e.text, "column"));
    }
    struct error e = {0};
    char *longest = malloc(20000);
    memset(longest, 'a', 20000);
    assert_null(regex_compile(bytes_of(longest, 20000), &e));
    assert_non_null(strstr(e.text, "longer"));
    free(longest);
}

static void effort_is_bounded(void **state)
{
    (void)state;
    char subject[3000];
    memset(subject, 'a', sizeof subject - 1);
    subject[sizeof subject - 2] = '!';
    subject[sizeof subject - 1] = 0;
    assert_int_equal(match("^(a+)+$", subject), REGEX_GAVE_UP);
}

enum { THREADS = 4, MATCHES = 2000 };

static void *match_often(void *arg)
{
    const struct regex *r = arg;
    uintptr_t wrong = 0;
    for (unsigned i = 0; i < MATCHES; i++) {
        bool even = i % 2 == 0;
        enum regex_result result = regex_match(r, bytes_of_string(even ? "x-12" : "x-y"));
        wrong += result != (even ? REGEX_YES : REGEX_NO);
    }
    return (void *)wrong;
}

static void threads_share_an_expression(void **state)
{
    (void)state;
    struct error e = {0};
    struct regex *r = regex_compile(bytes_of_string("^[a-z]+-\\d+$"), &e);
    assert_non_null(r);
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, match_often, r), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
    regex_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(habits_are_those_of_re2),
        cmocka_unit_test(broken_text_matches_nothing_and_breaks_nothing),
        cmocka_unit_test(mistakes_are_told),
        cmocka_unit_test(effort_is_bounded),
        cmocka_unit_test(threads_share_an_expression),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
