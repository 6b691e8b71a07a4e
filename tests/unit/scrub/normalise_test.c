/* However something is written, it has one form to be hashed. */
#include "processors/scrub/detect.h"
#include "proto/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void one_form_for_all_spellings(void **state)
{
    (void)state;
    static const struct {
        enum scrub_class class;
        const char *written, *form;
    } cases[] = {
        {SCRUB_EMAIL, "Alice@Example.COM", "alice@example.com"},
        {SCRUB_EMAIL, "alice%40example.com", "alice@example.com"},
        {SCRUB_EMAIL, "alice%2540example.com", "alice@example.com"},
        {SCRUB_EMAIL, "alice%2Bx%40example%2Ecom", "alice+x@example.com"},
        {SCRUB_PAYMENT_CARD, "4111 1111-1111%201111", "4111111111111111"},
        {SCRUB_PHONE, "+1 (415) 555-2671", "+14155552671"},
        {SCRUB_PHONE, "%2B14155552671", "+14155552671"},
        {SCRUB_PHONE, "(030) 901820", "030901820"},
        {SCRUB_US_SSN, "123-45-6789", "123456789"},
        {SCRUB_IBAN, "de89 3704 0044 0532 0130 00", "DE89370400440532013000"},
        {SCRUB_DNI, "12345678-z", "12345678Z"},
        {SCRUB_CPF, "529.982.247-25", "52998224725"},
        {SCRUB_MAC, "00-1B-44-11-3A-B7", "00:1b:44:11:3a:b7"},
        {SCRUB_MAC, "001b.4411.3ab7", "00:1b:44:11:3a:b7"},
        {SCRUB_MAC, "001B44113AB7", "00:1b:44:11:3a:b7"},
        {SCRUB_MAC, "0:1b:44:11:a:7", "00:1b:44:11:0a:07"},
        {SCRUB_IPV6, "2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
        {SCRUB_MAC, "00%3A1B%3a44%3A11%3A3A%3AB7", "00:1b:44:11:3a:b7"},
        {SCRUB_IPV6, "2001%3ADB8%253A%3A1", "2001:db8::1"},
        {SCRUB_EMAIL, "alice\\u0040example.com", "alice@example.com"},
        {SCRUB_IPV4, "203.0.113.7", "203.0.113.7"},
        {SCRUB_JWT, "aBc.DeF.", "aBc.DeF."},
        {SCRUB_SENSITIVE_KEY, "Hunter 2%40", "Hunter 2%40"},
        {SCRUB_SQL_LITERAL, "alice", "alice"},
        {SCRUB_SQL_LITERAL, "'alice'", "alice"},
        {SCRUB_SQL_LITERAL, "\"alice\"", "alice"},
        {SCRUB_SQL_LITERAL, "N'alice'", "alice"},
        {SCRUB_SQL_LITERAL, "_utf8mb4'alice'", "alice"},
        {SCRUB_SQL_LITERAL, "U&'alice'", "alice"},
        {SCRUB_SQL_LITERAL, "$$alice$$", "alice"},
        {SCRUB_SQL_LITERAL, "$q$alice$q$", "alice"},
        {SCRUB_SQL_LITERAL, "'O''Brien'", "O'Brien"},
        {SCRUB_SQL_LITERAL, "''''", "'"},
        {SCRUB_SQL_LITERAL, "''", ""},
        {SCRUB_SQL_LITERAL, "'", "'"},
        {SCRUB_SQL_LITERAL, "'alice", "'alice"},
        {SCRUB_SQL_LITERAL, "$q$", "$q$"},
        {SCRUB_SQL_LITERAL, "$q$alice", "$q$alice"},
        {SCRUB_SQL_LITERAL, "-5", "-5"},
        {SCRUB_SQL_LITERAL, "0x1F", "0x1F"},
        {SCRUB_COMMAND_ARGUMENT, "\"alice\"", "alice"},
        {SCRUB_COMMAND_ARGUMENT, "by'alice'", "by'alice'"},
        {SCRUB_EMAIL, "a%", "a%"},
        {SCRUB_EMAIL, "a%4", "a%4"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer out = {0};
        scrub_normalise(cases[i].class, bytes_of_string(cases[i].written), &out);
        buffer_append_byte(&out, 0);
        assert_false(out.failed);
        assert_string_equal((const char *)out.data, cases[i].form);
        buffer_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_form_for_all_spellings)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
