/* Reading keys by a table: values, defaults, ranges, and errors that name the place. */
#include "component/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct inner {
    bool on;
    int64_t count;
};

struct sample {
    bool flag;
    bool inner_written;
    int64_t number;
    int64_t wait_ns;
    int64_t size;
    double ratio;
    int colour;
    const char *text;
    const char *file;
    struct config_strings list;
    struct config_pairs pairs;
    struct inner inner;
    const struct config_value *raw;
};

static const char *const colours[] = {"red", "green", NULL};

static const struct config_field inner_fields[] = {
    {.key = "on", .type = FIELD_BOOL, .offset = offsetof(struct inner, on), .fallback = "true"},
    {.key = "count", .type = FIELD_INT, .offset = offsetof(struct inner, count), .fallback = "7"},
    CONFIG_END,
};

#define F(key_, type_, member_, ...)                                                               \
    {                                                                                              \
        .key = key_, .type = type_, .offset = offsetof(struct sample, member_), __VA_ARGS__        \
    }
static const struct config_field fields[] = {
    F("flag", FIELD_BOOL, flag),
    F("number", FIELD_INT, number, .min = 1, .max = 10, .fallback = "5"),
    F("wait", FIELD_DURATION, wait_ns, .fallback = "1.5s"),
    F("size", FIELD_SIZE, size, .fallback = "2KiB"),
    F("ratio", FIELD_DOUBLE, ratio),
    F("colour", FIELD_CHOICE, colour, .choices = colours),
    F("text", FIELD_STRING, text),
    F("file", FIELD_FILE, file),
    F("list", FIELD_STRINGS, list),
    F("pairs", FIELD_PAIRS, pairs),
    F("inner", FIELD_SECTION, inner, .section = inner_fields,
      .present = offsetof(struct sample, inner_written)),
    F("raw", FIELD_VALUE, raw),
    CONFIG_END,
};

static struct config_value root = {.type = CONFIG_MAP, .file = "f.yaml", .line = 1};

static struct config_value *child(struct config_value *parent, enum config_type type,
                                  const char *key, const char *text)
{
    struct config_value *v = config_keep(1, sizeof *v);
    *v = (struct config_value){
        .type = type, .key = key, .text = text, .file = "f.yaml", .line = 9, .parent = parent};
    v->next = parent->children;
    parent->children = v;
    return v;
}

static struct config_value *map(void)
{
    root.children = NULL;
    return child(&root, CONFIG_MAP, "thing", NULL);
}

static void expect_error(const struct config_value *v, const char *part)
{
    struct sample s = {0};
    struct error e = {0};
    assert_false(config_read(v, fields, &s, &e));
    if (!strstr(e.text, part))
        fail_msg("\"%s\" lacks \"%s\"", e.text, part);
    assert_non_null(strstr(e.text, "f.yaml:9: thing"));
}

static void defaults_are_filled(void **state)
{
    (void)state;
    struct config_value null = {.type = CONFIG_NULL};
    struct sample s = {0};
    struct error e = {0};
    assert_true(config_read(&null, fields, &s, &e));
    assert_int_equal(s.number, 5);
    assert_int_equal(s.wait_ns, 1500000000);
    assert_int_equal(s.size, 2048);
    assert_true(s.inner.on);
    assert_int_equal(s.inner.count, 7);
    assert_false(s.inner_written);
    assert_null(s.text);
}

static void values_are_read(void **state)
{
    (void)state;
    struct config_value *m = map();
    child(m, CONFIG_SCALAR, "flag", "true");
    child(m, CONFIG_SCALAR, "number", "10");
    child(m, CONFIG_SCALAR, "ratio", "0.25");
    child(m, CONFIG_SCALAR, "colour", "green");
    child(m, CONFIG_SCALAR, "text", "hello");
    child(m, CONFIG_SCALAR, "list", "only");
    struct config_value *pairs = child(m, CONFIG_MAP, "pairs", NULL);
    child(pairs, CONFIG_SCALAR, "a", "1");
    struct config_value *inner = child(m, CONFIG_MAP, "inner", NULL);
    child(inner, CONFIG_SCALAR, "on", "false");
    struct sample s = {0};
    struct error e = {0};
    assert_true(config_read(m, fields, &s, &e));
    assert_true(s.flag);
    assert_int_equal(s.number, 10);
    assert_true(s.ratio == 0.25);
    assert_int_equal(s.colour, 1);
    assert_string_equal(s.text, "hello");
    assert_int_equal(s.list.count, 1);
    assert_string_equal(s.list.items[0], "only");
    assert_int_equal(s.pairs.count, 1);
    assert_string_equal(s.pairs.items[0].value, "1");
    assert_true(s.inner_written);
    assert_false(s.inner.on);
    assert_int_equal(s.inner.count, 7);
}

static void wrong_values_are_refused_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *key, *text, *part;
    } cases[] = {
        {"flag", "yes", "not true or false"},
        {"number", "11", "from 1 to 10"},
        {"number", "3x", "not a whole number"},
        {"number", "99999999999999999999", "not a whole number"},
        {"wait", "5", "not a duration"},
        {"wait", "-1s", "not a duration"},
        {"size", "2 elephants", "not a size"},
        {"ratio", "half", "not a number"},
        {"colour", "blue", "supported: red, green"},
        {"inner", "x", "a map was expected"},
        {"file", "/nowhere.pem", "cannot read /nowhere.pem: No such file or directory"},
        {"nonsense", "x", "unknown key \"nonsense\"; supported: flag, number, wait"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config_value *m = map();
        child(m, CONFIG_SCALAR, cases[i].key, cases[i].text);
        expect_error(m, cases[i].part);
    }
    struct config_value *m = map();
    child(m, CONFIG_LIST, "number", NULL);
    expect_error(m, "a single value was expected");
}

static void integers_are_those_of_gos_yaml(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t n; /* 0: refused */
    } cases[] = {
        {"100_000", 100000},
        {"0x1F4", 500},
        {"0X_1f4", 500},
        {"0o17", 15},
        {"017", 15},
        {"0b101", 5},
        {"+12", 12},
        {"-0x10", -16},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
        {"9223372036854775808", 0},
        {"-9223372036854775809", 0},
        {"0x", 0},
        {"0x-1", 0},
        {"08", 0},
        {"0b2", 0},
        {"_", 0},
        {" 1", 0},
        {"--1", 0},
        {"", 0},
        {"1000000000000000000000000000000000000000000000000000000000000000000000", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config_value *m = map();
        child(child(m, CONFIG_MAP, "inner", NULL), CONFIG_SCALAR, "count", cases[i].text);
        struct sample s = {0};
        struct error e = {0};
        assert_int_equal(config_read(m, fields, &s, &e), cases[i].n != 0);
        if (cases[i].n)
            assert_int_equal(s.inner.count, cases[i].n);
        else
            assert_non_null(strstr(e.text, "not a whole number"));
    }
}

static void other_numbers_may_have_underscores_too(void **state)
{
    (void)state;
    struct config_value *m = map();
    child(m, CONFIG_SCALAR, "size", "4_096");
    child(m, CONFIG_SCALAR, "ratio", "1_000.5");
    struct sample s = {0};
    struct error e = {0};
    assert_true(config_read(m, fields, &s, &e));
    assert_int_equal(s.size, 4096);
    assert_true(s.ratio == 1000.5);
}

static void files_have_to_be_readable(void **state)
{
    (void)state;
    struct config_value *m = map();
    child(m, CONFIG_SCALAR, "file", "/dev/null");
    struct sample s = {0};
    struct error e = {0};
    assert_true(config_read(m, fields, &s, &e));
    assert_string_equal(s.file, "/dev/null");
    m = map();
    child(m, CONFIG_SCALAR, "file", "");
    assert_true(config_read(m, fields, &s, &e));
    assert_null(s.file);
}

static unsigned missing;

static void count_missing(const char *why)
{
    assert_non_null(strstr(why, "cannot read /nowhere.pem"));
    missing++;
}

static void files_may_be_elsewhere(void **state)
{
    (void)state;
    struct config_value *m = map();
    child(m, CONFIG_SCALAR, "file", "/nowhere.pem");
    struct sample s = {0};
    struct error e = {0};
    config_let_files_miss(count_missing);
    assert_true(config_read(m, fields, &s, &e));
    assert_string_equal(s.file, "/nowhere.pem");
    assert_int_equal(missing, 1);
    config_let_files_miss(NULL);
    assert_false(config_read(m, fields, &s, &e));
}

static void durations_are_gos(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ns; /* -1: refused */
    } cases[] = {
        {"0", 0},
        {"1ns", 1},
        {"1.5h", 5400000000000},
        {"1h30m", 5400000000000},
        {"2µs", 2000},
        {"200ms", 200000000},
        {".5s", 500000000},
        {"", -1},
        {"s", -1},
        {"1", -1},
        {"1d", -1},
        {"1s ", -1},
        {"1e3s", -1},
        {"999999999h", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t ns = -2;
        bool ok = config_parse_duration(cases[i].text, &ns);
        assert_int_equal(ok, cases[i].ns >= 0);
        if (ok)
            assert_int_equal(ns, cases[i].ns);
    }
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
        cmocka_unit_test(defaults_are_filled),
        cmocka_unit_test(values_are_read),
        cmocka_unit_test(wrong_values_are_refused_with_their_place),
        cmocka_unit_test(integers_are_those_of_gos_yaml),
        cmocka_unit_test(other_numbers_may_have_underscores_too),
        cmocka_unit_test(files_have_to_be_readable),
        cmocka_unit_test(files_may_be_elsewhere),
        cmocka_unit_test(durations_are_gos),
    };
    return cmocka_run_group_tests(tests, NULL, free_all);
}
