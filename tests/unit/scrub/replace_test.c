/* Values by the rules of users: expressions on any bytes, what is allowed, what had been
 * hidden before, and bounded work. */
#include "processors/scrub/replace.h"

#include "tests/unit/scrub/config_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* `allowed` may be NULL. */
static struct scrub_rules *with_pattern(const char *regex, const char *action, const char *allowed)
{
    struct error e = {{0}};
    struct config_value *config = node(NULL, CONFIG_MAP, "scrub", NULL);
    struct config_value *p =
        node(node(config, CONFIG_LIST, "patterns", NULL), CONFIG_MAP, NULL, NULL);
    node(p, CONFIG_SCALAR, "name", "p");
    node(p, CONFIG_SCALAR, "regex", regex);
    node(p, CONFIG_SCALAR, "action", action);
    if (allowed)
        node(node(config, CONFIG_LIST, "allowed_values", NULL), CONFIG_SCALAR, NULL, allowed);
    struct scrub_rules *r = scrub_rules_create(config, &e);
    if (!r)
        fail_msg("%s", e.text);
    return r;
}

static void becomes(struct scrub_rules *r, struct bytes value, const char *wanted, size_t len)
{
    struct scrub_hits hits;
    struct buffer out = {0};
    const struct detect_context where = {.place = PLACE_SPAN_ATTRIBUTE};
    if (scrub_find(r, &where, value, &hits))
        scrub_replace(r, value, &hits, &out);
    else
        buffer_append(&out, value.data, value.len);
    if (out.len != len || memcmp(out.data, wanted, len) != 0)
        fail_msg("%.*s\nshould be %s", (int)out.len, (const char *)out.data, wanted);
    buffer_free(&out);
}

#define BECOMES(r, value, wanted)                                                                  \
    becomes((r), bytes_of((value), sizeof(value) - 1), (wanted), sizeof(wanted) - 1)

static void patterns_match_between_bytes_that_are_no_text(void **state)
{
    (void)state;
    struct scrub_rules *r = with_pattern("ORD-[0-9]+", "replace", NULL);
    BECOMES(r, "\xff\xfeORD-12\x80 and ORD-3\xe2\x82", "\xff\xfe[p]\x80 and [p]\xe2\x82");
    BECOMES(r, "ORD-\x80ORD-1", "ORD-\x80[p]");
    BECOMES(r, "ORD-1", "[p]");
    BECOMES(r, "\xf0\x9f\x98", "\xf0\x9f\x98");
    BECOMES(r, "caf\xc3\xa9 ORD-1", "caf\xc3\xa9 [p]");
    scrub_rules_destroy(r);
}

static void an_allowed_value_exempts_itself_alone(void **state)
{
    (void)state;
    struct scrub_rules *r = with_pattern("u-[0-9]+", "mask", "u-1[0-9]");
    BECOMES(r, "u-10 u-20 u-19", "u-10 **** u-19");
    BECOMES(r, "u-100", "****"); /* more than what is allowed */
    BECOMES(r, "AKIAIOSFODNN7EXAMPLE u-11", "[aws_key_id] u-11");
    scrub_rules_destroy(r);
}

static void overlaps_go_as_one(void **state)
{
    (void)state;
    struct scrub_rules *r = with_pattern("key AKIA[A-Z]{4}", "replace", NULL);
    BECOMES(r, "a key AKIAIOSFODNN7EXAMPLE b", "a [p] b");
    scrub_rules_destroy(r);
}

static void what_takes_too_long_is_hidden_as_a_whole(void **state)
{
    (void)state;
    struct scrub_rules *r = with_pattern("(a+)+$", "replace", NULL);
    BECOMES(r, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "[p]");
    scrub_rules_destroy(r);
}

static void hits_without_number_are_hidden_as_a_whole(void **state)
{
    (void)state;
    struct scrub_rules *r = with_pattern("x", "replace", NULL);
    static char many[1000];
    memset(many, '.', sizeof many);
    for (size_t i = 0; i < sizeof many; i += 2)
        many[i] = 'x';
    becomes(r, bytes_of(many, sizeof many), "[p]", 3);
    scrub_rules_destroy(r);
}

static void allowed_parts_without_number_end_somewhere(void **state)
{
    (void)state;
    struct scrub_rules *r = with_pattern("x", "replace", "x");
    static char many[100000];
    memset(many, 'x', sizeof many);
    becomes(r, bytes_of(many, 60), many, 60);
    becomes(r, bytes_of(many, sizeof many), "[p]", 3);
    scrub_rules_destroy(r);
}

static void marks_stay(void **state)
{
    (void)state;
    struct scrub_rules *r = with_pattern("[0-9a-f]{16}|AKIA", "replace", NULL);
#define HASH "00112233445566778899aabbccddeeff"
    BECOMES(r, "[email:1:" HASH "] [p] [p:k-2:" HASH "]",
            "[email:1:" HASH "] [p] [p:k-2:" HASH "]");
    BECOMES(r, "password=[sensitive_key:1:" HASH "]", "password=[sensitive_key:1:" HASH "]");
    /* what only looks like one does not */
    BECOMES(r, "[e:1:" HASH "]", "[e:1:[p][p]]");
    BECOMES(r, "[email:1:" HASH, "[email:1:[p][p]");
    BECOMES(r, "[email:1:" HASH "0]", "[email:1:[p][p]0]");
    BECOMES(r, "[email:AKIAIOSFODNN7EXAMPLE:" HASH "]", "[email:[aws_key_id]:[p][p]]");
    BECOMES(r, "[email", "[email");
    scrub_rules_destroy(r);
}

static int end(void **state)
{
    (void)state;
    config_release();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match_between_bytes_that_are_no_text),
        cmocka_unit_test(an_allowed_value_exempts_itself_alone),
        cmocka_unit_test(overlaps_go_as_one),
        cmocka_unit_test(what_takes_too_long_is_hidden_as_a_whole),
        cmocka_unit_test(hits_without_number_are_hidden_as_a_whole),
        cmocka_unit_test(allowed_parts_without_number_end_somewhere),
        cmocka_unit_test(marks_stay),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
