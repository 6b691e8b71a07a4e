#include "fixture.h"

#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb-c.h"
#include "receivers/otlp_reply.h"

#include <string.h>

static struct reply reply_to(struct outcome o)
{
    struct reply r = {0};
    reply_from_outcome(&r, &o);
    return r;
}

static void test_statuses(void **state)
{
    (void)state;
    static const struct {
        enum verdict verdict;
        int grpc_status;
        int expected;
        unsigned http;
    } cases[] = {
        {VERDICT_ACCEPTED, 0, GRPC_STATUS_OK, 200},
        {VERDICT_BUSY, 0, GRPC_STATUS_UNAVAILABLE, 503},
        {VERDICT_BUSY, GRPC_STATUS_RESOURCE_EXHAUSTED, GRPC_STATUS_RESOURCE_EXHAUSTED, 429},
        {VERDICT_BUSY, GRPC_STATUS_ABORTED, GRPC_STATUS_ABORTED, 503},
        {VERDICT_BUSY, GRPC_STATUS_INTERNAL, GRPC_STATUS_UNAVAILABLE, 503},
        {VERDICT_REJECTED, 0, GRPC_STATUS_INTERNAL, 500},
        {VERDICT_REJECTED, GRPC_STATUS_INVALID_ARGUMENT, GRPC_STATUS_INVALID_ARGUMENT, 400},
        {VERDICT_REJECTED, GRPC_STATUS_UNAUTHENTICATED, GRPC_STATUS_UNAUTHENTICATED, 401},
        {VERDICT_REJECTED, GRPC_STATUS_PERMISSION_DENIED, GRPC_STATUS_PERMISSION_DENIED, 403},
        {VERDICT_REJECTED, GRPC_STATUS_UNIMPLEMENTED, GRPC_STATUS_UNIMPLEMENTED, 404},
        {VERDICT_REJECTED, GRPC_STATUS_RESOURCE_EXHAUSTED, GRPC_STATUS_RESOURCE_EXHAUSTED, 429},
        {VERDICT_REJECTED, GRPC_STATUS_DATA_LOSS, GRPC_STATUS_DATA_LOSS, 503},
        {VERDICT_REJECTED, GRPC_STATUS_NOT_FOUND, GRPC_STATUS_NOT_FOUND, 500},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct reply r = reply_to((struct outcome){
            .verdict = cases[i].verdict, .grpc_status = cases[i].grpc_status, .message = "why"});
        assert_int_equal(r.status, cases[i].expected);
        assert_int_equal(reply_http_status(&r), cases[i].http);
        assert_string_equal(r.message, cases[i].verdict == VERDICT_ACCEPTED ? "" : "why");
    }
}

/* Without RetryInfo, RESOURCE_EXHAUSTED would tell the client to drop its spans. */
static void test_exhausted_and_busy_always_has_advice(void **state)
{
    (void)state;
    struct reply r = reply_to(
        (struct outcome){.verdict = VERDICT_BUSY, .grpc_status = GRPC_STATUS_RESOURCE_EXHAUSTED});
    assert_int_equal(r.retry_after_ms, 1000);
    r = reply_to((struct outcome){.verdict = VERDICT_REJECTED,
                                  .grpc_status = GRPC_STATUS_RESOURCE_EXHAUSTED});
    assert_int_equal(r.retry_after_ms, 0);
}

static void test_retry_after_is_whole_seconds(void **state)
{
    (void)state;
    struct reply r = {0};
    assert_int_equal(reply_retry_after(&r), 0);
    r.retry_after_ms = 1;
    assert_int_equal(reply_retry_after(&r), 1);
    r.retry_after_ms = 1000;
    assert_int_equal(reply_retry_after(&r), 1);
    r.retry_after_ms = 1001;
    assert_int_equal(reply_retry_after(&r), 2);
}

static void test_status_carries_retry_info(void **state)
{
    (void)state;
    struct reply r = reply_to(outcome_busy(2500, "queue is full"));
    struct buffer body = {0};
    reply_body(&r, false, &body);
    Google__Rpc__Status *status = google__rpc__status__unpack(NULL, body.len, body.data);
    assert_non_null(status);
    assert_int_equal(status->code, GRPC_STATUS_UNAVAILABLE);
    assert_string_equal(status->message, "queue is full");
    assert_int_equal(status->n_details, 1);
    assert_string_equal(status->details[0]->type_url, "type.googleapis.com/google.rpc.RetryInfo");
    Google__Rpc__RetryInfo *info = google__rpc__retry_info__unpack(
        NULL, status->details[0]->value.len, status->details[0]->value.data);
    assert_non_null(info);
    assert_int_equal(info->retry_delay->seconds, 2);
    assert_int_equal(info->retry_delay->nanos, 500000000);
    google__rpc__retry_info__free_unpacked(info, NULL);
    google__rpc__status__free_unpacked(status, NULL);
    buffer_free(&body);
}

static void test_partial_success(void **state)
{
    (void)state;
    struct reply r = {.status = GRPC_STATUS_OK, .rejected_spans = 3, .message = "zero trace_id"};
    struct buffer body = {0};
    reply_body(&r, false, &body);
    Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceResponse *response =
        opentelemetry__proto__collector__trace__v1__export_trace_service_response__unpack(
            NULL, body.len, body.data);
    assert_non_null(response);
    assert_int_equal(response->partial_success->rejected_spans, 3);
    assert_string_equal(response->partial_success->error_message, "zero trace_id");
    opentelemetry__proto__collector__trace__v1__export_trace_service_response__free_unpacked(
        response, NULL);
    buffer_free(&body);
}

static void test_success_is_empty(void **state)
{
    (void)state;
    struct reply r = {.status = GRPC_STATUS_OK};
    struct buffer body = {0};
    reply_body(&r, false, &body);
    assert_int_equal(body.len, 0);
    buffer_free(&body);
}

static void assert_json(const struct reply *r, const char *expected)
{
    struct buffer body = {0};
    reply_body(r, true, &body);
    assert_true(bytes_equal_string(buffer_bytes(&body), expected));
    buffer_free(&body);
}

static void test_json(void **state)
{
    (void)state;
    assert_json(&(struct reply){.status = GRPC_STATUS_OK}, "{}");
    assert_json(&(struct reply){.status = GRPC_STATUS_OK, .rejected_spans = 2, .message = "x"},
                "{\"partialSuccess\":{\"rejectedSpans\":\"2\",\"errorMessage\":\"x\"}}");
    assert_json(&(struct reply){.status = GRPC_STATUS_INVALID_ARGUMENT, .message = "say \"no\""},
                "{\"code\":3,\"message\":\"say \\\"no\\\"\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_exhausted_and_busy_always_has_advice),
        cmocka_unit_test(test_retry_after_is_whole_seconds),
        cmocka_unit_test(test_status_carries_retry_info),
        cmocka_unit_test(test_partial_success),
        cmocka_unit_test(test_success_is_empty),
        cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
