#include "query/search.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct search s;
static struct arena arena;
static struct error e;

static int begin(void **state)
{
    (void)state;
    search_begin(&s);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static void check_tag(size_t i, const char *key, const char *value)
{
    assert_true(i < s.query.tag_count);
    assert_string_equal(s.query.tags[i].key, key);
    assert_string_equal(s.query.tags[i].value, value);
}

static void tags_as_text(void **state)
{
    (void)state;
    assert_true(search_tag_text(&s, &arena, "http.url:http://a:8080/", &e));
    assert_true(search_tag_text(&s, &arena, "empty:", &e));
    assert_int_equal(s.query.tag_count, 2);
    check_tag(0, "http.url", "http://a:8080/");
    check_tag(1, "empty", "");
    assert_false(search_tag_text(&s, &arena, "nothing", &e));
    assert_string_equal(e.text,
                        "malformed 'tag' parameter, expecting key:value, received: nothing");
}

static void a_later_tag_replaces_an_earlier(void **state)
{
    (void)state;
    assert_true(search_tag_text(&s, &arena, "a:1", &e));
    assert_true(search_tags_json(&s, &arena, "{\"a\":\"2\"}", &e));
    assert_int_equal(s.query.tag_count, 1);
    check_tag(0, "a", "2");
}

static void tags_as_json(void **state)
{
    (void)state;
    assert_true(search_tags_json(&s, &arena, " {\"a\" : \"x\\u00e9\\\"\", \"b\":null} ", &e));
    assert_int_equal(s.query.tag_count, 2);
    check_tag(0, "a", "x\u00e9\"");
    check_tag(1, "b", "");
    assert_true(search_tags_json(&s, &arena, "{}", &e));
    assert_true(search_tags_json(&s, &arena, "null", &e));
    assert_int_equal(s.query.tag_count, 2);
}

static void bad_json_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "x",
        "{",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":\"b\",}",
        "[]",
        "\"a\"",
        "1",
        "{\"a\":1}",
        "{\"a\":true}",
        "{\"a\":{}}",
        "{a:\"b\"}",
        "{\"a\":\"b\"}x",
        "{\"a\":\"b\"",
        "{\"a\":\"\\ud8\"}",
        "nul",
        "{\"a\":[\"b\"]}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        e.text[0] = 0;
        assert_false(search_tags_json(&s, &arena, bad[i], &e));
        assert_true(e.text[0] != 0);
    }
    assert_false(search_tags_json(&s, &arena, "{\"a\":1}", &e));
    assert_string_equal(e.text, "json: cannot unmarshal number into Go value of type string");
}

static void tags_are_limited(void **state)
{
    (void)state;
    for (int i = 0; i < CALL_TAGS_MAX; i++) {
        char text[32];
        snprintf(text, sizeof text, "key%d:value", i);
        assert_true(search_tag_text(&s, &arena, arena_copy(&arena, text, strlen(text)), &e));
    }
    assert_false(search_tag_text(&s, &arena, "another:value", &e));
    assert_true(search_tag_text(&s, &arena, "key7:again", &e));
    check_tag(7, "key7", "again");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tags_as_text, begin, end),
        cmocka_unit_test_setup_teardown(a_later_tag_replaces_an_earlier, begin, end),
        cmocka_unit_test_setup_teardown(tags_as_json, begin, end),
        cmocka_unit_test_setup_teardown(bad_json_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(tags_are_limited, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
