/* Regular expressions: RE2's habits, bounded effort, and threads that share one. */
#include "sampling/regex.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
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

/* Whether it is short or looked at in steps. */
static void broken_text_is_matched_as_text(void **state)
{
    (void)state;
    static const char *const cases[] = {"^(?s).+b$", "^[^a]\\w*\\W\\w*b", "\\x{1a}b"};
    for (size_t len = 4; len < 2000; len += 996) {
        char *subject = malloc(len + 1);
        memset(subject, 'w', len);
        memcpy(subject, "\xff", 1);
        memcpy(subject + len - 2, "\303b", 3);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
            assert_int_equal(match(cases[i], subject), REGEX_YES);
        assert_int_equal(match("\\xff|\\xc3", subject), REGEX_NO);
        free(subject);
    }
    assert_int_equal(match("^.$", "\xff"), REGEX_YES);
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

/* Each place where a match may start costs a walk to the end and back: all of them, half a minute
 * for a third of this, though PCRE2 itself sees no end to its patience. */
static void effort_is_bounded_by_length(void **state)
{
    (void)state;
    size_t len = 1 << 20;
    char *subject = malloc(len + 1);
    memset(subject, 'a', len);
    memcpy(subject + len - 2, "1@", 3);
    assert_int_equal(match("[a-z]{2,}@", subject), REGEX_GAVE_UP);
    assert_int_equal(match("[a-z]{2,}#", subject), REGEX_NO);
    memset(subject + len / 2, 0xff, 100); /* not UTF-8 */
    assert_int_equal(match("[a-z]{2,}@", subject), REGEX_GAVE_UP);
    assert_int_equal(match("^[a-z]{2,}@", subject), REGEX_NO);
    assert_int_equal(match("1@$", subject), REGEX_YES);
    free(subject);
}

/* One place to start from is enough where repetitions follow each other: half a minute for a third
 * of this. */
static void effort_from_one_start_is_bounded(void **state)
{
    (void)state;
    static const char piece[] = "select from ";
    size_t len = (1 << 20) / (sizeof piece - 1) * (sizeof piece - 1);
    char *subject = malloc(len + 10);
    for (size_t at = 0; at < len; at += sizeof piece - 1)
        memcpy(subject + at, piece, sizeof piece);
    strcpy(subject + len - 6, "wher e");
    assert_int_equal(match("^select.*from.*where", subject), REGEX_GAVE_UP);
    assert_int_equal(match("(?i)select.*from.*where", subject), REGEX_GAVE_UP);
    strcpy(subject + len - 6, " where");
    assert_int_equal(match("^select.*from.*where$", subject), REGEX_YES);
    assert_int_equal(match("select [a-z]+ .*where", subject), REGEX_YES);
    free(subject);
}

/* The matches of a search: "0-2 3-3", and " gave up" when it did. */
static const char *matches(const char *pattern, struct bytes subject)
{
    static char text[400];
    struct error e = {0};
    struct regex *r = regex_compile(bytes_of_string(pattern), &e);
    struct regex_search s;
    struct regex_span found;
    enum regex_result result;
    size_t len = 0;
    text[0] = 0;
    if (!r)
        fail_msg("%s: %s", pattern, e.text);
    regex_search_begin(&s, r, subject);
    while ((result = regex_search_next(&s, &found)) == REGEX_YES && len < sizeof text - 50)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%zu-%zu", len ? " " : "",
                                found.start, found.end);
    if (result == REGEX_GAVE_UP)
        strcat(text, " gave up");
    regex_destroy(r);
    return text;
}

/* As Go's ReplaceAllStringFunc shows them to its function. */
static void searches_find_what_go_replaces(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"a", "banana", "1-2 3-4 5-6"},
        {"a*", "baac", "0-0 1-3 4-4"},
        {".*", "abc", "0-3"},
        {".*", "a\n\nb\n", "0-1 2-2 3-4 5-5"},
        {".*", "", "0-0"},
        {"x*", "\xc3\xa9x", "0-0 2-3"},
        {"(?m)^", "a\nb\n", "0-0 2-2 4-4"},
        {"(?m)$", "a\nb", "1-1 3-3"},
        {"\\b", "ab cd", "0-0 2-2 3-3 5-5"},
        {"^a", "aaa", "0-1"},
        {"a|ab", "abab", "0-1 2-3"},
        {"z", "abc", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(matches(cases[i][0], bytes_of_string(cases[i][1])), cases[i][2]);
}

static void long_subjects_are_searched_in_steps(void **state)
{
    (void)state;
    size_t len = 1 << 20;
    uint8_t *subject = malloc(len);
    memset(subject, 'a', len);
    memcpy(subject + 700, "\xc3\xa9", 2);
    memcpy(subject + len - 3, "b-c", 3);
    struct bytes all = bytes_of(subject, len);
    assert_string_equal(matches("\\w-\\w$", all), "1048573-1048576");
    assert_string_equal(matches("\\xe9", all), "700-702");
    assert_string_equal(matches("^a", all), "0-1");
    assert_string_equal(matches("[a-z]+@", all), " gave up");
    assert_string_equal(matches("(?s)[a\\xe9]+.*", all), "0-1048576");
    free(subject);
}

static bool may_match(const char *pattern, const char *subject)
{
    struct error e = {0};
    struct regex *r = regex_compile(bytes_of_string(pattern), &e);
    struct regex_glance g = regex_glance(bytes_of_string(subject));
    bool may = regex_may_match(r, &g);
    regex_destroy(r);
    return may;
}

/* Never of one that does match. */
static void a_glance_tells_what_cannot_match(void **state)
{
    (void)state;
    assert_false(may_match("[0-9]{4}", "no digit"));
    assert_false(may_match("[0-9]{4}", "123"));
    assert_false(may_match("[a-z]+@[a-z]+", "nobody"));
    assert_false(may_match("a|b", "AB"));
    static const char *const subjects[] = {
        "",  "a",  "Ab",     "b@c",   "4111111111111111", "k", "\xc3\xa9", "\xe2\x84\xaa",
        "K", "\n", "\xff-a", "zz top"};
    static const char *const patterns[] = {
        "",      "a*",       "(?i)k",         "(?i)AB", "\\w@",  "^$",   "[^a]",      "\\d{16}",
        "(?m)$", "\xc3\xa9", "a|b@|(?i)Z{2}", "\\b.",   "(?s).", "\\pL", "[\\x{e9}k]"};
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        for (size_t k = 0; k < sizeof subjects / sizeof *subjects; k++) {
            if (match(patterns[i], subjects[k]) == REGEX_YES &&
                !may_match(patterns[i], subjects[k]))
                fail_msg("%s: %s", patterns[i], subjects[k]);
        }
    }
}

static void groups_are_kept_by_name(void **state)
{
    (void)state;
    struct error e = {0};
    struct bytes subject = bytes_of_string("at shop/42");
    struct regex *r =
        regex_compile_groups(bytes_of_string("(?P<word>[a-z]+)/(?P<id>\\d+)|(?P<not>z)"), &e);
    struct regex_span groups[3];
    assert_int_equal(regex_groups(r), 3);
    assert_true(bytes_equal_string(regex_group_name(r, 0), "word"));
    assert_true(bytes_equal_string(regex_group_name(r, 1), "id"));
    assert_true(bytes_equal_string(regex_group_name(r, 2), "not"));
    assert_int_equal(regex_match_groups(r, subject, groups), REGEX_YES);
    assert_int_equal(groups[0].start, 3);
    assert_int_equal(groups[0].end, 7);
    assert_int_equal(groups[1].end, 10);
    assert_int_equal(groups[2].end - groups[2].start, 0);
    assert_int_equal(regex_match_groups(r, bytes_of_string("shop"), groups), REGEX_NO);
    regex_destroy(r);
    assert_null(regex_compile_groups(bytes_of_string("a(?:b)"), &e));
    assert_non_null(strstr(e.text, "no named group"));
    assert_null(regex_compile_groups(bytes_of_string("(?P<x>a)(b)"), &e));
    assert_non_null(strstr(e.text, "without a name"));
}

static struct regex *with_groups(unsigned count, struct error *e)
{
    char pattern[2000] = "";
    size_t len = 0;
    for (unsigned i = 0; i < count; i++)
        len += (size_t)snprintf(pattern + len, sizeof pattern - len, "(?P<g%u>a)", i);
    return regex_compile_groups(bytes_of(pattern, len), e);
}

static void groups_are_bounded(void **state)
{
    (void)state;
    struct error e = {0};
    char subject[REGEX_GROUPS_MAX];
    struct regex_span groups[REGEX_GROUPS_MAX];
    memset(subject, 'a', sizeof subject);
    struct regex *r = with_groups(REGEX_GROUPS_MAX, &e);
    assert_non_null(r);
    assert_int_equal(regex_match_groups(r, bytes_of(subject, sizeof subject), groups), REGEX_YES);
    assert_int_equal(groups[REGEX_GROUPS_MAX - 1].end, REGEX_GROUPS_MAX);
    regex_destroy(r);
    assert_null(with_groups(REGEX_GROUPS_MAX + 1, &e));
    assert_non_null(strstr(e.text, "more than 63 groups"));
}

/* Behind bytes that are not UTF-8, and where the subject is looked at in steps. */
static void groups_are_found_in_their_own_places(void **state)
{
    (void)state;
    struct error e = {0};
    struct regex *r = regex_compile_groups(bytes_of_string("shop/(?P<id>\\d+)"), &e);
    struct regex_span groups[1];
    for (size_t len = 100; len < 100000; len *= 10) {
        uint8_t *subject = malloc(len);
        memset(subject, 'a', len);
        memset(subject + 3, 0x80, 70);
        memcpy(subject + len - 8, "shop/42.", 8);
        assert_int_equal(regex_match_groups(r, bytes_of(subject, len), groups), REGEX_YES);
        assert_int_equal(groups[0].start, len - 3);
        assert_int_equal(groups[0].end, len - 1);
        free(subject);
    }
    regex_destroy(r);
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
        cmocka_unit_test(broken_text_is_matched_as_text),
        cmocka_unit_test(mistakes_are_told),
        cmocka_unit_test(effort_is_bounded),
        cmocka_unit_test(effort_is_bounded_by_length),
        cmocka_unit_test(effort_from_one_start_is_bounded),
        cmocka_unit_test(searches_find_what_go_replaces),
        cmocka_unit_test(long_subjects_are_searched_in_steps),
        cmocka_unit_test(a_glance_tells_what_cannot_match),
        cmocka_unit_test(groups_are_kept_by_name),
        cmocka_unit_test(groups_are_bounded),
        cmocka_unit_test(groups_are_found_in_their_own_places),
        cmocka_unit_test(threads_share_an_expression),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
