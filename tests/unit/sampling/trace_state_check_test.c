/* Which tracestates are as the W3C and OpenTelemetry write them. */
#include "sampling/trace_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static bool valid(const char *text)
{
    /* in memory of its own size, so that a sanitizer sees a read past the end */
    size_t len = strlen(text);
    uint8_t *copy = malloc(len + (len == 0));
    memcpy(copy, text, len);
    bool ok = trace_state_is_valid(bytes_of(copy, len));
    free(copy);
    return ok;
}

static void what_is_well_formed(void **state)
{
    (void)state;
    static const char *const good[] = {
        "",
        "a=b",
        " a=b\t,\t c=d ",
        ",a=b,,c=d,",
        "a_-*/0=!~ x",
        "0tenant@system=1",
        "ot=th:0",
        "ot=rv:0123456789abcd;th:fedcba98765432;x1:A.z_-9",
        "ot=x:",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (!valid(good[i]))
            fail_msg("\"%s\" is refused", good[i]);
    }
}

static void what_is_not(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "=",        "a",          "a=",         "=b",       "A=b",      "0a=b",
        "a=b=c",    "a=\x7f",     "a=\xc3\xa4", "a b=c",    "@a=b",     "a@=b",
        "a@0=b",    "a@b@c=d",    "ot=x",       "ot=x:y;",  "ot=;x:y",  "ot=X:y",
        "ot=x:y/z", "ot=rv:1234", "ot=th:",     "ot=th:xy", "ot=th:AB", "ot=th:0123456789abcde",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (valid(bad[i]))
            fail_msg("\"%s\" is taken", bad[i]);
    }
}

static void limits(void **state)
{
    (void)state;
    char text[2000], *at = text;
    memset(text, 'k', 257);
    strcpy(text + 256, "=v");
    assert_true(valid(text));
    text[256] = 'k';
    strcpy(text + 257, "=v");
    assert_false(valid(text));
    memcpy(text, "k=", 2);
    memset(text + 2, 'v', 257);
    text[2 + 256] = 0;
    assert_true(valid(text));
    text[2 + 256] = 'v';
    text[2 + 257] = 0;
    assert_false(valid(text));
    for (int i = 0; i < TRACE_STATE_MEMBERS; i++)
        at += sprintf(at, "%sk%d=v", i ? "," : "", i);
    assert_true(valid(text));
    strcpy(at, ",z=v");
    assert_false(valid(text));
    memset(text, ' ', TRACE_STATE_VALID_MAX);
    text[TRACE_STATE_VALID_MAX] = 0;
    assert_true(valid(text));
    strcpy(text + TRACE_STATE_VALID_MAX, " ");
    assert_false(valid(text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_well_formed),
        cmocka_unit_test(what_is_not),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
