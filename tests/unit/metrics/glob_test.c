#include "metrics/glob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
    const char *pattern;
    const char *hits;
    const char *misses;
} cases[] = {
    {"http.route", "http.route", "http.routes"},
    {"http.*", "http.route", "http.request.method"},
    {"http.*", "http.", "https.route"},
    {"http.**", "http.request.method", "http"},
    {"**.method", "http.request.method", "method"},
    {"*.re*t.*", "http.request.method", "http.response.method"},
    {"h?tp", "http", "h.tp"},
    {"[a-c]x[!0-9]", "bxa", "bx0"},
    {"[abc]", "b", "d"},
    {"{http,db}.name", "db.name", "rpc.name"},
    {"{a{b,c},d}*", "acx", "a"},
    {"x{,y}z", "xz", "xyyz"},
    {"a\\*b", "a*b", "axb"},
    {"a\\{b", "a{b", "ab"},
    {"{\\[%,{x],y}}", "[%", "%"},
    {"{[{]a,b}c", "{ac", "a"},
    {"{[,}]a,b}c", "}ac", "]ac"},
    {"", "", "a"},
};

static void patterns_match(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_null(glob_check(cases[i].pattern));
        if (!glob_match(cases[i].pattern, bytes_of_string(cases[i].hits)))
            fail_msg("%s does not match %s", cases[i].pattern, cases[i].hits);
        if (glob_match(cases[i].pattern, bytes_of_string(cases[i].misses)))
            fail_msg("%s matches %s", cases[i].pattern, cases[i].misses);
    }
}

static void what_is_no_pattern_is_told(void **state)
{
    (void)state;
    static const char *const wrong[] = {"a\\", "{a", "a}", "[", "[]", "[a", "[!", "{{{{{{{{{a"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (!glob_check(wrong[i]))
            fail_msg("%s is taken for a pattern", wrong[i]);
    }
}

/* Found at once, not after as many steps as there are ways to split the text. */
static void many_stars_end(void **state)
{
    (void)state;
    char text[2000];
    memset(text, 'a', sizeof text);
    assert_false(glob_match("*a*a*a*a*a*a*a*a*a*a*a*b", bytes_of(text, sizeof text)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match),
        cmocka_unit_test(what_is_no_pattern_is_told),
        cmocka_unit_test(many_stars_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
