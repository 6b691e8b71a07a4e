/* Which spans an erasure is about: the language, and what it is held against. */
#include "fixture.h"

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
        "*=\"GET /alice\"",
        "*~\"/alice\"", /* in the span's name */
        "*~\"av\"",
        "quoted=\"a \\\"b\\\" \\\\c\"",
    };
    static const char *const not_found[] = {
        "enduser.id=\"alic\"", "enduser.id=\"Alice\"",
        "name=\"alice\"",      "enduser.id=\"alice\" and service.name=\"cart\"",
        "http.url=\"alice\"",  "*~\"bob\"",
        "customer~\"48\"",     "service.name~\"xshop\""};
    for (size_t i = 0; i < sizeof found / sizeof found[0]; i++) {
        if (!matches(found[i]))
            fail_msg("not found: %s", found[i]);
    }
    for (size_t i = 0; i < sizeof not_found / sizeof not_found[0]; i++) {
        if (matches(not_found[i]))
            fail_msg("found: %s", not_found[i]);
    }
}

/* Messages of OTLP, by hand: a field of bytes, a field of a number. */

static void put(struct buffer *out, unsigned field, const void *data, size_t len)
{
    buffer_append_byte(out, (uint8_t)(field << 3 | 2));
    buffer_append_byte(out, (uint8_t)len);
    buffer_append(out, data, len);
}

static void put_message(struct buffer *out, unsigned field, struct buffer *message)
{
    put(out, field, message->data, message->len);
    buffer_free(message);
}

static void put_integer(struct buffer *out, uint8_t n)
{
    buffer_append_byte(out, 3 << 3);
    buffer_append_byte(out, n);
}

/* ["erin", [["frank"]], {"inner": {"who": "grace", "number": 47}}, bytes "heidi\xff"] */
static struct buffer array_of_everything(void)
{
    struct buffer array = {0}, element = {0}, inner = {0}, map = {0}, pair = {0};
    put(&element, 1, "erin", 4);
    put_message(&array, 1, &element);

    put(&element, 1, "frank", 5);
    put_message(&inner, 1, &element);
    put_message(&element, 5, &inner);
    put_message(&inner, 1, &element);
    put_message(&element, 5, &inner);
    put_message(&array, 1, &element);

    put(&element, 1, "grace", 5);
    put(&pair, 1, "who", 3);
    put_message(&pair, 2, &element);
    put_message(&map, 1, &pair);
    put_integer(&element, 47);
    put(&pair, 1, "number", 6);
    put_message(&pair, 2, &element);
    put_message(&map, 1, &pair);
    put_message(&element, 6, &map);
    put(&pair, 1, "inner", 5);
    put_message(&pair, 2, &element);
    put_message(&map, 1, &pair);
    put_message(&element, 6, &map);
    put_message(&array, 1, &element);

    put(&element, 7, "heidi\xff", 6);
    put_message(&array, 1, &element);
    return array;
}

static void nested_values_are_found(void **state)
{
    (void)state;
    struct buffer body = array_of_everything();
    struct value array = {.type = VALUE_ARRAY, .bytes = buffer_bytes(&body)};
    struct value bytes = {.type = VALUE_BYTES, .bytes = bytes_of_string("judy")};
    struct batch *b = batch_of(&span, 1);
    assert_true(span_set_attribute(b, 0, bytes_of_string("users"), &array));
    assert_true(span_set_attribute(b, 0, bytes_of_string("raw"), &bytes));
    static const struct {
        const char *text;
        bool found;
    } cases[] = {
        {"users=\"erin\"", true},     {"users~\"eri\"", true},   {"users=\"eri\"", false},
        {"*=\"erin\"", true},         {"users=\"frank\"", true}, {"users=\"grace\"", true},
        {"*=\"grace\"", true},        {"users=\"47\"", true},    {"*~\"47\"", true},
        {"users~\"4\"", true},        {"users~\"48\"", false},   {"users=\"heidi\xff\"", true},
        {"users=\"aGVpZGn/\"", true}, {"users=\"who\"", false},  {"users~\"who\"", true},
        {"raw=\"judy\"", true},       {"raw~\"ud\"", true},      {"raw=\"anVkeQ==\"", true},
        {"raw=\"jud\"", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct erase_where where;
        struct error e;
        assert_true(erase_where_parse(cases[i].text, &where, &e));
        if (erase_where_matches(&where, b, 0) != cases[i].found)
            fail_msg("%s", cases[i].text);
        erase_where_free(&where);
    }
    batch_release(b);
    buffer_free(&body);
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
        cmocka_unit_test(nested_values_are_found),
        cmocka_unit_test(other_forms_of_a_value_are_found),
        cmocka_unit_test(mistakes_are_told_without_the_value),
        cmocka_unit_test(a_description_has_no_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
