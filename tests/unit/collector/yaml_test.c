/* YAML to values: types, places, merging, the environment, and bounds. */
#include "collector/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct config_value *parse(const char *text)
{
    struct error e = {0};
    struct config_value *v = yaml_parse(text, "t.yaml", &e);
    if (!v)
        fail_msg("%s", e.text);
    return v;
}

static const char *text_at(const struct config_value *v, const char *key)
{
    const struct config_value *c = config_child(v, key);
    assert_non_null(c);
    assert_int_equal(c->type, CONFIG_SCALAR);
    return c->text;
}

static void expect_error(const char *yaml, const char *part)
{
    struct error e = {0};
    assert_null(yaml_parse(yaml, "t.yaml", &e));
    if (!strstr(e.text, part))
        fail_msg("\"%s\" lacks \"%s\"", e.text, part);
}

static void values_know_their_lines(void **state)
{
    (void)state;
    struct config_value *v = parse("a: 1\nb:\n  c: [x, 'y']\n  d:\n");
    const struct config_value *b = config_child(v, "b");
    const struct config_value *c = config_child(b, "c");
    assert_int_equal(config_child(v, "a")->line, 1);
    assert_int_equal(b->line, 2);
    assert_int_equal(c->line, 3);
    assert_string_equal(c->children->text, "x");
    assert_false(c->children->quoted);
    assert_true(c->children->next->quoted);
    assert_int_equal(config_child(b, "d")->type, CONFIG_NULL);
    char path[64];
    config_path(c, path, sizeof path);
    assert_string_equal(path, "b::c");
}

static void the_environment_is_expanded(void **state)
{
    (void)state;
    setenv("T_HOST", "db", 1);
    setenv("T_LIST", "[a, b]", 1);
    setenv("T_NULL", "", 1);
    unsetenv("T_UNSET");
    struct config_value *v = parse("host: ${env:T_HOST}:5432\n"
                                   "old: ${T_HOST}\n"
                                   "list: ${env:T_LIST}\n"
                                   "quoted: \"${env:T_LIST}\"\n"
                                   "fallback: ${env:T_UNSET:-x:y}\n"
                                   "dollars: $$5 and $HOME\n"
                                   "null: ${env:T_NULL}\n");
    assert_string_equal(text_at(v, "host"), "db:5432");
    assert_string_equal(text_at(v, "old"), "db");
    assert_int_equal(config_child(v, "list")->type, CONFIG_LIST);
    assert_string_equal(text_at(v, "quoted"), "[a, b]");
    assert_string_equal(text_at(v, "fallback"), "x:y");
    assert_string_equal(text_at(v, "dollars"), "$5 and $HOME");
    assert_int_equal(config_child(v, "null")->type, CONFIG_NULL);
    expect_error("a: ${file:/etc/passwd}", "t.yaml:1: ${file:/etc/passwd} is not supported");
    expect_error("\na: ${env:1X}", "t.yaml:2: ${env:1X} does not name");
}

static void later_files_win(void **state)
{
    (void)state;
    struct config_value *v =
        yaml_merge(parse("a: {x: 1, y: 2}\nl: [1, 2]\n"), parse("a: {y: 3, z: 4}\nl: [5]\nn: 1\n"));
    const struct config_value *a = config_child(v, "a");
    assert_string_equal(text_at(a, "x"), "1");
    assert_string_equal(text_at(a, "y"), "3");
    assert_string_equal(text_at(a, "z"), "4");
    assert_string_equal(config_child(v, "l")->children->text, "5");
    assert_null(config_child(v, "l")->children->next);
    assert_string_equal(text_at(v, "n"), "1");
    assert_ptr_equal(yaml_merge(v, parse("# nothing\n")), v);
}

static void aliases_and_merge_keys_are_resolved(void **state)
{
    (void)state;
    struct config_value *v = parse("base: &b {x: 1, y: 2}\nuse: {<<: *b, y: 3}\nsame: *b\n");
    assert_string_equal(text_at(config_child(v, "use"), "x"), "1");
    assert_string_equal(text_at(config_child(v, "use"), "y"), "3");
    assert_string_equal(text_at(config_child(v, "same"), "y"), "2");
}

static void what_is_wrong_is_said_with_its_place(void **state)
{
    (void)state;
    expect_error("a: [1, 2\nb: 3\n", "t.yaml:");
    expect_error("a: 1\na: 2\n", "t.yaml:2");
    expect_error("a: \"x\n", "t.yaml:");
    expect_error("a: *nowhere\n", "t.yaml:1");
}

static void hostile_documents_are_bounded(void **state)
{
    (void)state;
    expect_error("a: &a [x,x,x,x,x,x,x,x,x,x]\n"
                 "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
                 "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
                 "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
                 "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"
                 "f: [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n",
                 "too many values");
    char deep[2001];
    memset(deep, '[', 1000);
    memset(deep + 1000, ']', 1000);
    deep[2000] = 0;
    struct error e = {0};
    assert_null(yaml_parse(deep, "t.yaml", &e));

    /* The first of these keeps libfyaml 0.7.12 busy for ever. */
    expect_error("receivers:\n  a:b    c:\n%      grp\xff\xff\xff\x0coireceivg0r", "t.yaml:3: ");
    expect_error("a: 1\n%YAML 1.2\n", "t.yaml:2: YAML directives are not supported");
    expect_error("a: \x01\n", "t.yaml:1: a control character, 0x01");
    expect_error("\na: \xff\n", "t.yaml:2: not valid UTF-8");

    enum { LONG = 100000, ALIASES = 1000 };
    static char repeated[LONG + ALIASES * 3 + 100];
    int at = snprintf(repeated, sizeof repeated, "a: &a %0*d\nb: [", LONG, 1);
    for (int i = 0; i < ALIASES; i++)
        at += snprintf(repeated + at, sizeof repeated - (size_t)at, "*a,");
    snprintf(repeated + at, sizeof repeated - (size_t)at, "]\n");
    expect_error(repeated, "over 16 MiB of text");
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
        cmocka_unit_test(values_know_their_lines),
        cmocka_unit_test(the_environment_is_expanded),
        cmocka_unit_test(later_files_win),
        cmocka_unit_test(aliases_and_merge_keys_are_resolved),
        cmocka_unit_test(what_is_wrong_is_said_with_its_place),
        cmocka_unit_test(hostile_documents_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, free_all);
}
