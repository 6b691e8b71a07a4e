/* One key and one value at a time: text that is not UTF-8, long text, each hash. */
#include "processors/redaction_rules.h"
#include "tests/unit/sampling/policy_support.h"

static struct redaction_rules *rules_of(const char *config)
{
    struct error e = {0};
    struct redaction_rules *r = redaction_rules_create(config_of(config), &e);
    if (!r)
        fail_msg("%s", e.text);
    return r;
}

static void assert_becomes(const char *config, struct bytes text, struct bytes wanted)
{
    struct redaction_rules *r = rules_of(config);
    struct redaction_work w = {0};
    struct bytes out;
    size_t rule;
    bool changed = redaction_replace(r, &w, text, &out, &rule);
    assert_int_equal(changed, !bytes_equal(text, wanted));
    if (changed && !bytes_equal(out, wanted))
        fail_msg("%s: %.*s", config, (int)out.len, out.data);
    redaction_work_free(&w);
    redaction_rules_destroy(r);
}

#define BECOMES(config, text, wanted)                                                              \
    assert_becomes("{" config "}", bytes_of(text, sizeof(text) - 1),                               \
                   bytes_of(wanted, sizeof(wanted) - 1))

static void a_broken_byte_ends_no_match(void **state)
{
    (void)state;
    BECOMES("'blocked_values':['secret=.*']",
            "a secret=b\xff"
            "c",
            "a ****");
    BECOMES("'blocked_values':['[^ ]+@x']", "jo\xc3@x y", "**** y");
    BECOMES("'blocked_values':['[0-9]+']",
            "\xff"
            "12\xe2\x82",
            "\xff****\xe2\x82");
    BECOMES("'blocked_values':['1','.$']", "1\xff", "********");
    BECOMES("'blocked_values':['z']", "\xff\xfe", "\xff\xfe");
}

static void the_bytes_themselves_are_hashed(void **state)
{
    (void)state;
    BECOMES("'blocked_values':['=.*'],'hash_function':'md5'", "k=\xff",
            "k098cf986776fe7b22efbe557bebb8366");
}

static void patterns_work_on_what_the_ones_before_left(void **state)
{
    (void)state;
    BECOMES("'blocked_values':['a','[*]+','x']", "bab", "b****b");
    BECOMES("'blocked_values':['q*']", "aq", "****a****");
    BECOMES("'blocked_values':['']", "", "****");
    BECOMES("'blocked_values':['^z']", "a", "a");
}

static void lines_are_masked_one_by_one(void **state)
{
    (void)state;
    struct redaction_rules *r = rules_of("{}");
    struct buffer out = {0};
    redaction_mask_lines(r, bytes_of_string("a\n\nb\n"), &out);
    redaction_mask_lines(r, bytes_of(NULL, 0), &out);
    assert_true(bytes_equal_string(buffer_bytes(&out), "****\n****\n****\n********"));
    buffer_free(&out);
    redaction_rules_destroy(r);
}

/* A megabyte that takes PCRE2 a second and a half is masked long before. */
static void long_values_that_take_too_long_are_masked(void **state)
{
    (void)state;
    size_t len = 1 << 20;
    char *text = malloc(len);
    memset(text, 'a', len);
    memcpy(text, "@.m", 3); /* or a glance would do */
    assert_becomes("{'blocked_values':['[a-z]+@[a-z]+[.]com']}", bytes_of(text, len),
                   bytes_of_string("****"));
    free(text);
}

static void each_hash_is_what_it_says(void **state)
{
    (void)state;
    static const struct {
        enum hash_function function;
        const char *wanted; /* of "abc", as the standards have it; with the key "Jefe" for HMAC */
    } cases[] = {
        {HASH_MD5, "900150983cd24fb0d6963f7d28e17f72"},
        {HASH_SHA1, "a9993e364706816aba3e25717850c26c9cd0d89d"},
        {HASH_SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {HASH_SHA3, "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"},
    };
    char hex[HASH_HEX_MAX];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t len = hash_hex(cases[i].function, bytes_of(NULL, 0), bytes_of_string("abc"), hex);
        assert_true(bytes_equal_string(bytes_of(hex, len), cases[i].wanted));
    }
    /* RFC 4231, test case 2 */
    struct bytes key = bytes_of_string("Jefe");
    struct bytes data = bytes_of_string("what do ya want for nothing?");
    size_t len = hash_hex(HASH_HMAC_SHA256, key, data, hex);
    assert_true(bytes_equal_string(
        bytes_of(hex, len), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"));
    len = hash_hex(HASH_HMAC_SHA512, key, data, hex);
    assert_int_equal(len, 128);
    assert_memory_equal(hex, "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554",
                        64);
}

static void keys_have_a_standing(void **state)
{
    (void)state;
    struct redaction_rules *r =
        rules_of("{'allowed_keys':['a','p1'],'ignored_keys':['i'],'ignored_key_patterns':['^x'],"
                 "'blocked_key_patterns':['^p']}");
    assert_int_equal(redaction_key(r, bytes_of_string("a")), 0);
    assert_int_equal(redaction_key(r, bytes_of_string("i")), KEY_IGNORED);
    assert_int_equal(redaction_key(r, bytes_of_string("xp")), KEY_IGNORED);
    assert_int_equal(redaction_key(r, bytes_of_string("p1")), KEY_BLOCKED);
    assert_int_equal(redaction_key(r, bytes_of_string("p2")), KEY_BLOCKED | KEY_NOT_ALLOWED);
    assert_int_equal(redaction_key(r, bytes_of_string("")), KEY_NOT_ALLOWED);
    assert_int_equal(redaction_key(r, bytes_of_string("redaction.masked.keys")), 0);
    assert_int_equal(redaction_key(r, bytes_of_string("redaction.allowed.keys")), KEY_NOT_ALLOWED);
    redaction_rules_destroy(r);
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
        cmocka_unit_test(a_broken_byte_ends_no_match),
        cmocka_unit_test(the_bytes_themselves_are_hashed),
        cmocka_unit_test(patterns_work_on_what_the_ones_before_left),
        cmocka_unit_test(lines_are_masked_one_by_one),
        cmocka_unit_test(long_values_that_take_too_long_are_masked),
        cmocka_unit_test(each_hash_is_what_it_says),
        cmocka_unit_test(keys_have_a_standing),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
