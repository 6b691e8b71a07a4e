/* What a configuration may say, and what it is told when it says something else. */
#include "processors/scrub/rules.h"

#include "tests/unit/scrub/config_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct config_value *config;

static struct scrub_rules *rules(void)
{
    struct error e = {{0}};
    struct scrub_rules *r = scrub_rules_create(config, &e);
    if (!r)
        fail_msg("%s", e.text);
    return r;
}

static void refused(const char *why)
{
    struct error e = {{0}};
    assert_null(scrub_rules_create(config, &e));
    if (!strstr(e.text, why))
        fail_msg("%s\nshould say %s", e.text, why);
}

static struct config_value *set_class(const char *class, const char *key, const char *value)
{
    struct config_value *classes = node(config, CONFIG_MAP, "classes", NULL);
    return node(node(classes, CONFIG_MAP, class, NULL), CONFIG_SCALAR, key, value);
}

static void set_hash(const char *key, const char *value)
{
    node(node(config, CONFIG_MAP, "hash", NULL), CONFIG_SCALAR, key, value);
}

static void set_pattern(const char *name, const char *regex)
{
    struct config_value *p =
        node(node(config, CONFIG_LIST, "patterns", NULL), CONFIG_MAP, NULL, NULL);
    node(p, CONFIG_SCALAR, "name", name);
    node(p, CONFIG_SCALAR, "regex", regex);
}

static int begin(void **state)
{
    (void)state;
    config_release();
    config = node(NULL, CONFIG_MAP, "scrub", NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    config_release();
    return 0;
}

static bool finds(struct scrub_rules *r, const char *key, const char *value)
{
    struct finding found[FINDINGS_MAX];
    size_t count;
    const struct detect_context where = {.key = bytes_of_string(key)};
    return detector_find(r->detector, &where, bytes_of_string(value), found, &count) ==
               DETECT_WHOLE ||
           count > 0;
}

static void secrets_alone_by_default(void **state)
{
    (void)state;
    struct scrub_rules *r = rules();
    assert_true(finds(r, "note", "AKIAIOSFODNN7EXAMPLE"));
    assert_false(finds(r, "note", "mail a@b.com"));
    assert_false(finds(r, "note", "cpf 529.982.247-25"));
    assert_int_equal(r->summary, SUMMARY_SILENT);
    scrub_rules_destroy(r);
}

static void naming_a_class_switches_it_on(void **state)
{
    (void)state;
    set_class("cpf", "action", "mask");
    struct scrub_rules *r = rules();
    assert_true(finds(r, "note", "cpf 529.982.247-25"));
    assert_int_equal(r->actions[SCRUB_CPF], ACTION_MASK);
    assert_int_equal(r->actions[SCRUB_JWT], ACTION_REPLACE);
    scrub_rules_destroy(r);
}

static void a_class_can_be_switched_off(void **state)
{
    (void)state;
    set_class("aws_key_id", "enabled", "false");
    struct scrub_rules *r = rules();
    assert_false(finds(r, "note", "AKIAIOSFODNN7EXAMPLE"));
    scrub_rules_destroy(r);
}

static void only_addresses_are_truncated(void **state)
{
    (void)state;
    node(config, CONFIG_SCALAR, "action", "truncate");
    struct scrub_rules *r = rules();
    assert_int_equal(r->actions[SCRUB_IPV6], ACTION_TRUNCATE);
    assert_int_equal(r->actions[SCRUB_EMAIL], ACTION_REPLACE);
    scrub_rules_destroy(r);
    set_class("email", "action", "truncate");
    refused("only ipv4 and ipv6 can be truncated");
}

static void a_hash_needs_a_key(void **state)
{
    (void)state;
    set_class("email", "action", "hash");
    refused("action hash needs hash::key or hash::key_file");
}

/* Without a class that is on: blocked keys are hashed as well. */
static void blocked_keys_are_not_hashed_without_a_key(void **state)
{
    (void)state;
    node(config, CONFIG_LIST, "profiles", NULL);
    node(config, CONFIG_SCALAR, "action", "hash");
    struct scrub_rules *r = rules();
    assert_false(r->hashes);
    scrub_rules_destroy(r);
    node(node(config, CONFIG_LIST, "blocked_keys", NULL), CONFIG_SCALAR, NULL, "^x");
    refused("action hash needs hash::key or hash::key_file");
}

static void keys_and_their_ids_have_bounds(void **state)
{
    (void)state;
    struct config_value *hash = node(config, CONFIG_MAP, "hash", NULL);
    struct config_value *key = node(hash, CONFIG_SCALAR, "key", "short");
    struct config_value *id = node(hash, CONFIG_SCALAR, "key_id", "2026-11");
    node(config, CONFIG_SCALAR, "action", "hash");
    refused("the key has to be of 16 to 4096 bytes");
    key->text = "0123456789abcdef";
    struct scrub_rules *r = rules();
    assert_string_equal(r->hash_key_id, "2026-11");
    assert_int_equal(r->hash_key_len, 16);
    scrub_rules_destroy(r);
    id->text = "a]b";
    refused("key_id has to be of 1 to 16");
    id->text = "12345678901234567";
    refused("key_id has to be of 1 to 16");
}

static void a_key_file_that_is_not_there_is_named(void **state)
{
    (void)state;
    node(config, CONFIG_SCALAR, "action", "hash");
    set_hash("key_file", "/nowhere/key");
    refused("/nowhere/key");
}

static void a_wrong_pattern_is_told_with_its_place(void **state)
{
    (void)state;
    set_pattern("order", "ORD-(");
    refused("t:1: patterns");
    refused("wrong at its column 6");
}

static void patterns_have_names_of_their_own(void **state)
{
    (void)state;
    set_pattern("email", "x");
    refused("\"email\" is the name of a class");
}

static void each_has_a_number_of_its_own(void **state)
{
    (void)state;
    struct scrub_rules *a = rules(), *b = rules();
    assert_int_not_equal(a->id, 0);
    assert_int_not_equal(a->id, b->id);
    scrub_rules_destroy(a);
    scrub_rules_destroy(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(secrets_alone_by_default, begin),
        cmocka_unit_test_setup(naming_a_class_switches_it_on, begin),
        cmocka_unit_test_setup(a_class_can_be_switched_off, begin),
        cmocka_unit_test_setup(only_addresses_are_truncated, begin),
        cmocka_unit_test_setup(a_hash_needs_a_key, begin),
        cmocka_unit_test_setup(blocked_keys_are_not_hashed_without_a_key, begin),
        cmocka_unit_test_setup(keys_and_their_ids_have_bounds, begin),
        cmocka_unit_test_setup(a_key_file_that_is_not_there_is_named, begin),
        cmocka_unit_test_setup(a_wrong_pattern_is_told_with_its_place, begin),
        cmocka_unit_test_setup(patterns_have_names_of_their_own, begin),
        cmocka_unit_test_setup(each_has_a_number_of_its_own, begin),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
