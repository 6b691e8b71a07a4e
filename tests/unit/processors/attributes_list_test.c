/* A message's attributes as a list: what is changed is written, once, and nothing else. */
#include "processors/attributes_list.h"
#include "tests/unit/processors/attributes_text.h"
#include "tests/unit/sampling/policy_support.h"

#define S(key, value) "{'key':'" key "','value':{'stringValue':'" value "'}}"
#define SPAN(list)    "{'name':'n','attributes':[" list "]}"

static struct attribute_list list;

static struct batch *load(const char *spans)
{
    struct batch *b = trace_of(S("r", "1"), spans);
    attribute_list_load(&list, span_bytes(&b->spans[0]), SPAN_ATTRIBUTES);
    return b;
}

static struct value text(const char *s)
{
    return (struct value){.type = VALUE_STRING, .bytes = bytes_of_string(s)};
}

static struct attribute_entry *find(const char *key)
{
    return attribute_list_find(&list, bytes_of_string(key));
}

static void put(const char *key, struct value v)
{
    attribute_list_put(&list, bytes_of_string(key), v);
}

static void written(struct batch *b, const char *wanted)
{
    assert_true(attribute_list_write_span(&list, b, 0));
    assert_string_equal(text_of_span(b, 0), wanted);
    batch_release(b);
}

static void changes_are_seen_by_those_that_follow(void **state)
{
    (void)state;
    struct batch *b = load(SPAN(S("a", "x") "," S("b", "y")));
    put("c", text("new"));
    assert_true(bytes_equal_string(find("c")->value.bytes, "new"));
    attribute_list_set(&list, find("c"), text("newer"));
    attribute_list_remove(&list, find("a"));
    assert_null(find("a"));
    put("a", text("again"));
    put("d", text("gone"));
    attribute_list_remove(&list, find("d"));
    assert_true(list.changed);
    written(b, "resource(r='1')span(b='y' c='newer' a='again')");
}

static void of_a_key_that_is_there_twice_the_first_counts(void **state)
{
    (void)state;
    static const char twice[] = SPAN(S("a", "x") "," S("b", "y") "," S("a", "z"));
    struct batch *b = load(twice);
    assert_true(bytes_equal_string(find("a")->value.bytes, "x"));
    attribute_list_settle(&list, find("a"));
    written(b, "resource(r='1')span(a='x' b='y')");
    b = load(twice);
    put("a", text("w"));
    written(b, "resource(r='1')span(a='w' b='y')");
    b = load(twice);
    attribute_list_remove(&list, find("a"));
    assert_true(bytes_equal_string(find("a")->value.bytes, "z"));
    written(b, "resource(r='1')span(b='y' a='z')");
}

static void the_same_value_is_no_change(void **state)
{
    (void)state;
    static const char values[] =
        SPAN(S("s", "x") ",{'key':'i','value':{'intValue':'7'}}"
                         ",{'key':'b','value':{'boolValue':true}}"
                         ",{'key':'d','value':{'doubleValue':0}}"
                         ",{'key':'n','value':{'doubleValue':'NaN'}}"
                         ",{'key':'e','value':{}}"
                         ",{'key':'l','value':{'arrayValue':{'values':[{'intValue':'1'}]}}}");
    struct batch *b = load(values);
    assert_int_equal(list.count, 7);
    for (size_t i = 0; i < list.count; i++)
        attribute_list_set(&list, &list.entries[i], list.entries[i].value);
    assert_false(list.changed);
    attribute_list_set(&list, find("i"), (struct value){.type = VALUE_BOOL, .boolean = true});
    assert_true(list.changed);
    list.changed = false;
    attribute_list_set(&list, find("d"), (struct value){.type = VALUE_DOUBLE, .real = -0.0});
    assert_true(list.changed);
    batch_release(b);
}

/* Each message begins anew. */
static void resources_are_written_as_well(void **state)
{
    (void)state;
    struct batch *b = load(SPAN(S("a", "x")));
    put("a", text("never written"));
    attribute_list_load(&list, span_resource(b, &b->spans[0])->message, RESOURCE_ATTRIBUTES);
    assert_false(list.changed);
    assert_int_equal(list.count, 1);
    put("r", text("2"));
    put("q", text("3"));
    assert_true(attribute_list_write_resource(&list, b, 0));
    assert_string_equal(text_of_span(b, 0), "resource(r='2' q='3')span(a='x')");
    batch_release(b);
}

static int end(void **state)
{
    (void)state;
    attribute_list_free(&list);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_are_seen_by_those_that_follow),
        cmocka_unit_test(of_a_key_that_is_there_twice_the_first_counts),
        cmocka_unit_test(the_same_value_is_no_change),
        cmocka_unit_test(resources_are_written_as_well),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
