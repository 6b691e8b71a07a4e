#include "fixture.h"

#include "exporters/reply.h"

/* Wire bytes written by hand, so that reader and writer cannot agree on a mistake. */
#define BYTES(s) bytes_of(s, sizeof(s) - 1)

static void partial_success_is_read(void **state)
{
    (void)state;
    struct send_answer a = {0};
    reply_read_response(BYTES("\x0a\x0b\x08\x05\x12\x07too old"), &a);
    assert_int_equal(a.rejected_spans, 5);
    assert_string_equal(a.message, "too old");
}

static void a_warning_rejects_nothing(void **state)
{
    (void)state;
    struct send_answer a = {0};
    reply_read_response(BYTES("\x0a\x04\x12\x02hm"), &a);
    assert_int_equal(a.rejected_spans, 0);
    assert_string_equal(a.message, "hm");
}

static void negative_counts_and_garbage_reject_nothing(void **state)
{
    (void)state;
    struct send_answer a = {0};
    reply_read_response(BYTES("\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), &a);
    assert_int_equal(a.rejected_spans, 0);
    reply_read_response(BYTES("\x0a\x7f\x08\x05"), &a);
    assert_int_equal(a.rejected_spans, 0);
    reply_read_response(BYTES("<html>"), &a);
    assert_int_equal(a.rejected_spans, 0);
    assert_string_equal(a.message, "");
}

static void retry_info_is_found_among_details(void **state)
{
    (void)state;
    struct reply_status s;
    reply_read_status(BYTES("\x08\x08\x12\x04"
                            "slow"
                            "\x1a\x06\x0a\x01x\x12\x01y"
                            "\x1a\x33\x0a\x28type.googleapis.com/google.rpc.RetryInfo\x12\x07"
                            "\x0a\x05\x08\x02\x10\xf4\x03"),
                      &s);
    assert_true(s.has_retry_info);
    assert_int_equal(s.retry_after_ns, 2000000500);
    assert_true(bytes_equal_string(s.message, "slow"));
}

static void other_details_are_no_retry_info(void **state)
{
    (void)state;
    struct reply_status s;
    reply_read_status(BYTES("\x08\x08\x1a\x06\x0a\x01x\x12\x01y"), &s);
    assert_false(s.has_retry_info);
    reply_read_status(BYTES("\x1a\x50\x0a"), &s);
    assert_false(s.has_retry_info);
}

static void absurd_delays_are_cut(void **state)
{
    (void)state;
    struct reply_status s;
    reply_read_status(BYTES("\x1a\x3a\x0a\x28type.googleapis.com/google.rpc.RetryInfo\x12\x0e"
                            "\x0a\x0c\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x10\x01"),
                      &s);
    assert_true(s.has_retry_info);
    assert_int_equal(s.retry_after_ns, 1000000000000000001u);
}

static void messages_are_made_fit_for_logs(void **state)
{
    (void)state;
    struct send_answer a;
    reply_message(&a, "HTTP 500", BYTES("one\ntwo\x1b[31m\xff"));
    assert_string_equal(a.message, "HTTP 500: one two?[31m?");
    reply_message(&a, "HTTP 500", BYTES(""));
    assert_string_equal(a.message, "HTTP 500");
    char text[1000];
    memset(text, 'x', sizeof text);
    reply_message(&a, "p", bytes_of(text, sizeof text));
    assert_int_equal(strlen(a.message), sizeof a.message - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partial_success_is_read),
        cmocka_unit_test(a_warning_rejects_nothing),
        cmocka_unit_test(negative_counts_and_garbage_reject_nothing),
        cmocka_unit_test(retry_info_is_found_among_details),
        cmocka_unit_test(other_details_are_no_retry_info),
        cmocka_unit_test(absurd_delays_are_cut),
        cmocka_unit_test(messages_are_made_fit_for_logs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
