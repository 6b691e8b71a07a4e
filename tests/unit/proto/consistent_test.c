/* Consistent probability sampling's tracestate: what is read, and what is written. */
#include "proto/consistent.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void members_are_read(void **state)
{
    (void)state;
    struct ot_state s = ot_parse(bytes_of_string("x=1, ot=th:8;rv:6e6d1a75832a2f;k:v ,y=2"));
    assert_true(s.has_threshold && s.has_randomness);
    assert_int_equal(s.threshold, 0x80000000000000U);
    assert_int_equal(s.randomness, 0x6e6d1a75832a2fU);
    assert_false(ot_parse(bytes_of_string("")).has_threshold);
    assert_false(ot_parse(bytes_of_string("ot=th:8G")).has_threshold);
    assert_false(ot_parse(bytes_of_string("ot=th:123456789012345")).has_threshold);
    assert_false(ot_parse(bytes_of_string("ot=th:")).has_threshold);
    assert_false(ot_parse(bytes_of_string("ot=rv:6e6d1a75832a2")).has_randomness);
    assert_false(ot_parse(bytes_of_string("ot=rv:6E6D1A75832A2F")).has_randomness);
    assert_false(ot_parse(bytes_of_string("not=th:8")).has_threshold);
}

static void ids_have_56_bits_of_randomness(void **state)
{
    (void)state;
    const uint8_t id[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 0xa, 0xb, 0xc, 0xd, 0xe, 0xf, 0x10};
    assert_int_equal(trace_id_randomness(id), 0x0a0b0c0d0e0f10U);
}

static void counts_follow_from_thresholds(void **state)
{
    (void)state;
    assert_true(adjusted_count(0) == 1);
    assert_true(adjusted_count(0xc0000000000000U) == 4);
    assert_true(fabs(adjusted_count(0xe6666666666666U) - 10) < 1e-9);
}

static void rewrites(const char *from, uint64_t randomness, uint64_t threshold, bool known,
                     const char *to)
{
    char out[TRACE_STATE_MAX + OT_ENTRY_MAX];
    int len = ot_rewrite(bytes_of_string(from), randomness, threshold, known, out);
    if (!to) {
        assert_int_equal(len, -1);
        return;
    }
    assert_int_equal(len, strlen(to));
    assert_memory_equal(out, to, strlen(to));
}

static void thresholds_are_written_or_erased(void **state)
{
    (void)state;
    const uint64_t high = 0xffffffffffffffU, quarter = 0xc0000000000000U;
    rewrites("", high, quarter, true, "ot=th:c");
    rewrites("", high, 0, true, "ot=th:0");
    rewrites("", high, 0xe6666666666666U, true, "ot=th:e6666666666666");
    rewrites("a=b", high, quarter, true, "ot=th:c,a=b");
    /* it only rises */
    rewrites("ot=th:8", high, quarter, true, "ot=th:c");
    rewrites("ot=th:e", high, quarter, true, NULL);
    rewrites("ot=th:c", high, quarter, true, NULL);
    /* everything else stays */
    rewrites("a=b,ot=rv:6e6d1a75832a2f;th:8;k:v,c=d", high, quarter, true,
             "ot=th:c;rv:6e6d1a75832a2f;k:v,a=b,c=d");
    /* unknown probability */
    rewrites("ot=th:8", high, quarter, false, "");
    rewrites("a=b,ot=th:8;k:v", high, quarter, false, "ot=k:v,a=b");
    rewrites("a=b", high, quarter, false, NULL);
    rewrites("", high, quarter, false, NULL);
    /* a threshold above the randomness is nobody's */
    rewrites("ot=th:c", 0x80000000000000U, 0, true, "");
}

static void what_is_too_long_stays(void **state)
{
    (void)state;
    static char text[TRACE_STATE_MAX + 2];
    memset(text, 'a', TRACE_STATE_MAX + 1);
    rewrites(text, 1, 0, true, NULL);
    memcpy(text, "ot=k:", 5);
    text[400] = 0;
    rewrites(text, 1, 0, true, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_read),
        cmocka_unit_test(ids_have_56_bits_of_randomness),
        cmocka_unit_test(counts_follow_from_thresholds),
        cmocka_unit_test(thresholds_are_written_or_erased),
        cmocka_unit_test(what_is_too_long_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
