/* What YAML's scalars, lists and maps are as values. */
#include "processors/attributes_value.h"

#include "proto/value_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct config_value scalar(const char *text, bool quoted)
{
    return (struct config_value){.type = CONFIG_SCALAR, .text = text, .quoted = quoted};
}

static void assert_typed(const struct config_value *v, enum value_type type, const char *wanted)
{
    struct value out;
    struct error e = {0};
    struct value_text t = {0};
    assert_true(config_typed_value(v, &out, &e));
    struct bytes text = value_text(&out, &t);
    if (out.type != type || !bytes_equal_string(text, wanted))
        fail_msg("%s: %d %.*s", v->text, out.type, (int)text.len, text.data);
    value_text_free(&t);
}

static void scalars_have_the_type_that_yaml_gives_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum value_type type;
        const char *wanted;
    } cases[] = {
        {"true", VALUE_BOOL, "true"},
        {"False", VALUE_BOOL, "false"},
        {"yes", VALUE_STRING, "yes"},
        {"12", VALUE_INT, "12"},
        {"-7", VALUE_INT, "-7"},
        {"+7", VALUE_INT, "7"},
        {"0x1f", VALUE_INT, "31"},
        {"0o17", VALUE_INT, "15"},
        {"017", VALUE_INT, "15"},
        {"0b101", VALUE_INT, "5"},
        {"1_000", VALUE_INT, "1000"},
        {"9223372036854775807", VALUE_INT, "9223372036854775807"},
        {"-9223372036854775808", VALUE_INT, "-9223372036854775808"},
        {"0", VALUE_INT, "0"},
        {"1.5", VALUE_DOUBLE, "1.5"},
        {".5", VALUE_DOUBLE, "0.5"},
        {"1e3", VALUE_DOUBLE, "1000"},
        {"-.inf", VALUE_DOUBLE, "-Infinity"},
        {".NaN", VALUE_DOUBLE, "NaN"},
        {"99999999999999999999", VALUE_DOUBLE, "100000000000000000000"},
        {"inf", VALUE_STRING, "inf"},
        {"-", VALUE_STRING, "-"},
        {"1.2.3", VALUE_STRING, "1.2.3"},
        {"12a", VALUE_STRING, "12a"},
        {"0x", VALUE_STRING, "0x"},
        {"", VALUE_STRING, ""},
        {"2001-01-01", VALUE_STRING, "2001-01-01"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config_value plain = scalar(cases[i].text, false);
        struct config_value quoted = scalar(cases[i].text, true);
        assert_typed(&plain, cases[i].type, cases[i].wanted);
        assert_typed(&quoted, VALUE_STRING, cases[i].text);
    }
    struct config_value nothing = {.type = CONFIG_NULL};
    assert_typed(&nothing, VALUE_EMPTY, "");
}

static void lists_and_maps_are_arrays_and_maps(void **state)
{
    (void)state;
    struct config_value last = scalar("x", false), one = scalar("1", false), empty = {0};
    struct config_value list = {.type = CONFIG_LIST, .children = &one};
    struct config_value map = {.type = CONFIG_MAP, .children = &list};
    one.next = &empty;
    list.key = "l";
    list.next = &last;
    last.key = "k";
    assert_typed(&map, VALUE_MAP, "{\"k\":\"x\",\"l\":[1,null]}");
    struct config_value none = {.type = CONFIG_LIST};
    assert_typed(&none, VALUE_ARRAY, "[]");
}

static void nesting_has_an_end(void **state)
{
    (void)state;
    struct config_value levels[40] = {0};
    struct value out;
    struct error e = {0};
    for (size_t i = 0; i < 40; i++)
        levels[i] =
            (struct config_value){.type = CONFIG_LIST, .children = i < 39 ? &levels[i + 1] : NULL};
    assert_false(config_typed_value(&levels[0], &out, &e));
    assert_non_null(strstr(e.text, "nested more than 32 levels"));
    assert_true(config_typed_value(&levels[10], &out, &e));
}

static int teardown(void **state)
{
    (void)state;
    config_release();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars_have_the_type_that_yaml_gives_them),
        cmocka_unit_test(lists_and_maps_are_arrays_and_maps),
        cmocka_unit_test(nesting_has_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
