/* Which spans an erasure is about: the language, and what it is held against. */
#include "fixture.h"

#include "proto/attribute_writer.h"
#include "proto/edit.h"
#include "storage/erase_where.h"

#include <string.h>

static const struct span_spec span = {
    .trace = 1,
    .id = 1,
    .start = SEC,
    .duration = MS,
    .service = "shop",
    .name = "GET /alice",
    .kind = 2,
    .keys = {"enduser.id", "http.url", "quoted"},
    .values = {"alice", "https://shop/?mail=alice@example.com", "a \"b\" \\c"},
    .number_key = "customer",
    .number = 4711,
    .event_key = "who",
    .event_value = "carol",
    .resource_key = "owner",
    .resource_value = "dave",
};

static bool matches(const char *text)
{
    struct erase_where w;
    struct error e = {{0}};
    struct batch *b = batch_of(&span, 1);
    if (!erase_where_parse(text, &w, &e))
        fail_msg("%s", e.text);
    bool found = erase_where_matches(&w, b, 0);
    erase_where_free(&w);
    batch_release(b);
    return found;
}

static void attributes_are_found_wherever_they_are(void **state)
{
    (void)state;
    static const char *const found[] = {
        "enduser.id=\"alice\"",
        "  enduser.id = \"alice\" and service.name=\"shop\"  ",
        "http.url~\"alice@example.com\"",
        "customer=\"4711\"",
        "who=\"carol\"",
        "owner=\"dave\"",
        "*=\"carol\"",
        "*~\"/alice\"", /* in the span's name */
        "*~\"av\"",
        "quoted=\"a \\\"b\\\" \\\\c\"",
    };
    static const char *const not_found[] = {"enduser.id=\"alic\"",
                                            "enduser.id=\"Alice\"",
                                            "name=\"alice\"",
                                            "enduser.id=\"alice\" and service.name=\"cart\"",
                                            "http.url=\"alice\"",
                                            "*=\"GET /alice\"",
                                            "*~\"bob\"",
                                            "customer~\"48\"",
                                            "service.name~\"xshop\""};
    for (size_t i = 0; i < sizeof found / sizeof found[0]; i++) {
        if (!matches(found[i]))
            fail_msg("not found: %s", found[i]);
    }
    for (size_t i = 0; i < sizeof not_found / sizeof not_found[0]; i++) {
        if (matches(not_found[i]))
            fail_msg("found: %s", not_found[i]);
    }
}

static void elements_and_nested_text_are_found(void **state)
{
    (void)state;
    uint8_t element[32], body[64];
    struct value text = {.type = VALUE_STRING, .bytes = bytes_of_string("erin")};
    struct wire_writer w = wire_writer(element, sizeof element);
    value_put(&w, &text);
    struct bytes value = bytes_of(element, (size_t)(w.at - element));
    w = wire_writer(body, sizeof body);
    wire_put_bytes(&w, 1, value);
    struct value array = {.type = VALUE_ARRAY, .bytes = bytes_of(body, (size_t)(w.at - body))};
    struct batch *b = batch_of(&span, 1);
    assert_true(span_set_attribute(b, 0, bytes_of_string("users"), &array));
    static const struct {
        const char *text;
        bool found;
    } cases[] = {{"users=\"erin\"", true},
                 {"users~\"eri\"", true},
                 {"users=\"eri\"", false},
                 {"*=\"erin\"", true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct erase_where where;
        struct error e;
        assert_true(erase_where_parse(cases[i].text, &where, &e));
        assert_int_equal(erase_where_matches(&where, b, 0), cases[i].found);
        erase_where_free(&where);
    }
    batch_release(b);
}

static void other_forms_of_a_value_are_found(void **state)
{
    (void)state;
    struct erase_where w;
    struct error e;
    struct batch *b = batch_of(&span, 1);
    assert_true(erase_where_parse("enduser.id=\"the person\"", &w, &e));
    assert_false(erase_where_matches(&w, b, 0));
    assert_true(erase_where_add_form(&w, 0, bytes_of_string("alice")));
    assert_true(erase_where_matches(&w, b, 0));
    for (int i = 0; i < 1000; i++)
        assert_true(erase_where_add_form(&w, 0, bytes_of_string("x")));
    assert_true(erase_where_matches(&w, b, 0));
    erase_where_free(&w);
    batch_release(b);
}

static void mistakes_are_told_without_the_value(void **state)
{
    (void)state;
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"", "where is empty: it has to say what to erase"},
        {"  ", "where is empty: it has to say what to erase"},
        {"secretive", "where, at character 10: = (equals) or ~ (contains) is expected"},
        {"=\"secret\"", "where, at character 1: an attribute's name, or *, is expected"},
        {"a=secret", "where, at character 3: a value in double quotes is expected"},
        {"a=\"secret", "where, at character 3: the value's closing quote is missing"},
        {"a=\"\"", "where, at character 3: the value is empty"},
        {"a=\"secret\" or b=\"c\"", "where, at character 12: \"and\" or the end is expected"},
        {"a=\"secret\" and", "where, at character 15: a space is expected"},
        {"a=\"secret\" and ", "where, at character 16: an attribute's name, or *, is expected"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct erase_where w;
        struct error e = {{0}};
        assert_false(erase_where_parse(cases[i].text, &w, &e));
        assert_string_equal(e.text, cases[i].error);
        erase_where_free(&w);
    }
    char many[1024] = "a=\"b\"";
    for (int i = 0; i < ERASE_TERMS_MAX; i++)
        strcat(many, " and a=\"b\"");
    struct erase_where w;
    struct error e;
    assert_false(erase_where_parse(many, &w, &e));
    erase_where_free(&w);
}

static void a_description_has_no_values(void **state)
{
    (void)state;
    struct erase_where w;
    struct error e;
    char text[100];
    assert_true(erase_where_parse("enduser.id=\"secret\" and *~\"other\"", &w, &e));
    erase_where_describe(&w, text, sizeof text);
    assert_string_equal(text, "enduser.id= and *~");
    erase_where_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attributes_are_found_wherever_they_are),
        cmocka_unit_test(elements_and_nested_text_are_found),
        cmocka_unit_test(other_forms_of_a_value_are_found),
        cmocka_unit_test(mistakes_are_told_without_the_value),
        cmocka_unit_test(a_description_has_no_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
