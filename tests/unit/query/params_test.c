#include "query/params.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define SECOND 1000000000LL

static void go_durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ns;
    } good[] = {
        {"0", 0},
        {"1.5s", 1500000000},
        {"100ms", 100000000},
        {"500us", 500000},
        {"500\u00b5s", 500000},
        {"500\u03bcs", 500000},
        {"7ns", 7},
        {"1h30m", 5400 * SECOND},
        {"-1s", -SECOND},
        {"+.5s", SECOND / 2},
        {"1.s", SECOND},
        {"0.1234567899s", 123456789},
        {"2562047h47m16.854775807s", INT64_MAX},
    };
    struct error e;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t ns = 42;
        assert_true(param_duration(good[i].text, &ns, &e));
        assert_int_equal(ns, good[i].ns);
    }
    static const struct {
        const char *text;
        const char *error;
    } bad[] = {
        {"", "time: invalid duration \"\""},
        {"-", "time: invalid duration \"-\""},
        {"abc", "time: invalid duration \"abc\""},
        {".s", "time: invalid duration \".s\""},
        {"1", "time: missing unit in duration \"1\""},
        {"5y", "time: unknown unit \"y\" in duration \"5y\""},
        {"1s 2s", "time: unknown unit \"s \" in duration \"1s 2s\""},
        {"2562047h47m16.854775808s", "time: invalid duration \"2562047h47m16.854775808s\""},
        {"99999999999999999999s", "time: invalid duration \"99999999999999999999s\""},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t ns;
        assert_false(param_duration(bad[i].text, &ns, &e));
        assert_string_equal(e.text, bad[i].error);
    }
}

static void rfc3339_times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ns;
    } good[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2023-11-14T22:13:20.000001999Z", 1700000000000001999},
        {"2023-11-14T23:43:20.5+01:30", 1700000000500000000},
        {"2024-02-29T00:00:00Z", 1709164800 * SECOND},
        {"1969-12-31T23:59:59-00:00", -SECOND},
        {"9999-12-31T23:59:59Z", INT64_MAX},
        {"0001-01-01T00:00:00Z", INT64_MIN},
        {"2023-11-14T22:13:20.0000019999999999Z", 1700000000000001999},
    };
    struct error e;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t ns = 42;
        assert_true(param_rfc3339(good[i].text, &ns, &e));
        assert_int_equal(ns, good[i].ns);
    }
#define AS "\" as \"2006-01-02T15:04:05.999999999Z07:00\": cannot parse "
    static const struct {
        const char *text;
        const char *error;
    } bad[] = {
        {"a", "parsing time \"a" AS "\"a\" as \"2006\""},
        {"2020-01-01", "parsing time \"2020-01-01" AS "\"\" as \"T\""},
        {"2020-01-01T00:00:00", "parsing time \"2020-01-01T00:00:00" AS "\"\" as \"Z07:00\""},
        {"2020-13-01T00:00:00Z", "parsing time \"2020-13-01T00:00:00Z\": month out of range"},
        {"2023-02-29T00:00:00Z", "parsing time \"2023-02-29T00:00:00Z\": day out of range"},
        {"2020-01-01T24:00:00Z", "parsing time \"2020-01-01T24:00:00Z\": hour out of range"},
        {"2020-01-01T00:00:00Zx", "parsing time \"2020-01-01T00:00:00Zx\": extra text: \"x\""},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t ns;
        assert_false(param_rfc3339(bad[i].text, &ns, &e));
        assert_string_equal(e.text, bad[i].error);
    }
}

static void times_of_any_unit(void **state)
{
    (void)state;
    static const char *const same[] = {"1700000000", "1700000000000", "1700000000000000",
                                       "1700000000000000000", "2023-11-14T22:13:20Z"};
    struct error e;
    uint64_t ns;
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        assert_true(param_time(same[i], &ns, &e));
        assert_int_equal(ns, 1700000000000000000);
    }
    assert_true(param_time("0", &ns, &e));
    assert_int_equal(ns, 0);
    assert_true(param_time("9223372036854775807", &ns, &e));
    assert_int_equal(ns, INT64_MAX);
    assert_true(param_time("1901-01-01T00:00:00Z", &ns, &e));
    assert_int_equal(ns, 0);
    assert_false(param_time("9223372036854775808", &ns, &e));
    assert_false(param_time("", &ns, &e));
    assert_false(param_time("-5", &ns, &e));
    assert_false(param_time("yesterday", &ns, &e));
}

static void trace_ids(void **state)
{
    (void)state;
    static const uint8_t id[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    static const uint8_t cut[16] = {[14] = 0x0a, [15] = 0xbc};
    static const uint8_t all_ones[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    static const struct {
        const char *text;
        const uint8_t *id;
    } good[] = {
        {"0102030405060708090a0b0c0d0e0f10", id},
        {"102030405060708090a0b0c0d0e0f10", id},
        {"0102030405060708090A0B0C0D0E0F10", id},
        {"abc", cut},
        {"0000000000000abc", cut},
        {"AQIDBAUGBwgJCgsMDQ4PEA==", id},
        {"AQIDBAUGBwgJCgsMDQ4PEA", id},
        {"/////////////////////w==", all_ones},
        {"_____________________w", all_ones},
        {"AAAAAAAACrw=", cut},
    };
    struct error e;
    uint8_t out[16];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(param_trace_id(good[i].text, out, &e));
        assert_memory_equal(out, good[i].id, sizeof out);
    }
    static const char *const bad[] = {"",
                                      "xyz",
                                      "0102030405060708090a0b0c0d0e0f1011",
                                      "0x12",
                                      "AQID",
                                      "=",
                                      "====",
                                      "AQIDBAUGBwg=====",
                                      "a b",
                                      "AQIDBAUGBwgJCgsMDQ4PEBESEw=="};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(param_trace_id(bad[i], out, &e));
    assert_false(param_trace_id("xyz", out, &e));
    assert_string_equal(e.text, "invalid length for TraceID");
}

static void numbers_and_booleans(void **state)
{
    (void)state;
    struct error e;
    int64_t n;
    bool b;
    double d;
    assert_true(param_int("-12", "ParseInt", &n, &e));
    assert_int_equal(n, -12);
    assert_true(param_int("+9223372036854775807", "ParseInt", &n, &e));
    assert_int_equal(n, INT64_MAX);
    assert_false(param_int("9223372036854775808", "Atoi", &n, &e));
    assert_string_equal(e.text,
                        "strconv.Atoi: parsing \"9223372036854775808\": value out of range");
    static const char *const bad[] = {"", "-", "1.5", " 1", "1 ", "0x1", "x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(param_int(bad[i], "ParseInt", &n, &e));
    assert_string_equal(e.text, "strconv.ParseInt: parsing \"x\": invalid syntax");
    assert_true(param_bool("True", &b, &e) && b);
    assert_true(param_bool("f", &b, &e) && !b);
    assert_false(param_bool("maybe", &b, &e));
    assert_true(param_double("0.95", &d, &e));
    assert_false(param_double("", &d, &e));
    assert_false(param_double("1x", &d, &e));
}

static void formatting(void **state)
{
    (void)state;
    static const struct {
        int64_t ns;
        const char *text;
    } durations[] = {
        {0, "0s"},
        {7, "7ns"},
        {1500, "1.5\u00b5s"},
        {-3000, "-3\u00b5s"},
        {52501499, "52.501499ms"},
        {SECOND, "1s"},
        {60 * SECOND + SECOND / 2, "1m0.5s"},
        {3600 * SECOND, "1h0m0s"},
        {INT64_MIN, "-2562047h47m16.854775808s"},
    };
    char text[64];
    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++) {
        format_duration(durations[i].ns, text);
        assert_string_equal(text, durations[i].text);
    }
    format_go_time(1700000000010000000, text);
    assert_string_equal(text, "2023-11-14 22:13:20.01 +0000 UTC");
    format_go_time(1700000000000000000, text);
    assert_string_equal(text, "2023-11-14 22:13:20 +0000 UTC");
    format_rfc3339(1700000000000001999, text);
    assert_string_equal(text, "2023-11-14T22:13:20.000001999Z");
    format_rfc3339(UINT64_MAX, text);
    assert_string_equal(text, "2554-07-21T23:34:33.709551615Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(go_durations),         cmocka_unit_test(rfc3339_times),
        cmocka_unit_test(times_of_any_unit),    cmocka_unit_test(trace_ids),
        cmocka_unit_test(numbers_and_booleans), cmocka_unit_test(formatting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
