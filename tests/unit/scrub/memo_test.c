/* What is remembered is told again only for the same bytes, rules and context. */
#include "processors/scrub/memo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct memo_key key_of(uint64_t rules, enum memo_kind kind, const char *context,
                              const char *text)
{
    return (struct memo_key){rules, kind, bytes_of_string(context), bytes_of_string(text)};
}

static void only_the_same_is_known(void **state)
{
    (void)state;
    struct memo *m = memo_of_thread();
    const struct memo_key k = key_of(1, MEMO_STATEMENT, "mysql", "some text of some length");
    assert_false(memo_has(m, &k));
    memo_add(m, &k);
    assert_true(memo_has(m, &k));
    const struct memo_key others[] = {
        key_of(2, MEMO_STATEMENT, "mysql", "some text of some length"),
        key_of(1, MEMO_ATTRIBUTE, "mysql", "some text of some length"),
        key_of(1, MEMO_STATEMENT, "redis", "some text of some length"),
        key_of(1, MEMO_STATEMENT, "", "mysqlsome text of some length"),
        key_of(1, MEMO_STATEMENT, "mysqlsome", " text of some length"),
        /* but for one letter in its middle */
        key_of(1, MEMO_STATEMENT, "mysql", "some texT of some length"),
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(memo_has(m, &others[i]));
}

static void what_is_used_outlives_what_passes(void **state)
{
    (void)state;
    struct memo *m = memo_of_thread();
    const struct memo_key kept = key_of(3, MEMO_TEXT, "", "what comes again and again");
    memo_add(m, &kept);
    char text[64];
    for (unsigned i = 0; i < 100000; i++) {
        assert_true(memo_has(m, &kept));
        snprintf(text, sizeof text, "what comes once, number %u", i);
        const struct memo_key once = key_of(3, MEMO_TEXT, "", text);
        assert_false(memo_has(m, &once));
        memo_add(m, &once);
        assert_true(memo_has(m, &once));
        assert_true(memo_has(m, &kept));
    }
}

static void short_and_long_texts_are_safe(void **state)
{
    (void)state;
    struct memo *m = memo_of_thread();
    static char text[400];
    for (size_t len = 0; len < sizeof text; len++) {
        struct memo_key k = key_of(4, MEMO_TEXT, "", "");
        k.text = bytes_of(text, len);
        memset(text, 'a', len);
        memo_add(m, &k);
        bool known = memo_has(m, &k);
        assert_true(known == (len > 0 && len <= 240));
        if (len > 0) {
            text[len / 2] = 'b';
            assert_false(memo_has(m, &k));
        }
    }
    const struct memo_key any = key_of(5, MEMO_TEXT, "", "x");
    memo_add(NULL, &any);
    assert_false(memo_has(NULL, &any));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_same_is_known),
        cmocka_unit_test(what_is_used_outlives_what_passes),
        cmocka_unit_test(short_and_long_texts_are_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
