#include "server.h"

#define WINDOW "query.startTimeMin=2020-01-01T00:00:00Z&query.startTimeMax=2100-01-01T00:00:00Z"

static void v3_answers(void **state)
{
    (void)state;
    check("/api/v3/services", 200,
          "{\"services\":[\"db\",\"shop\",\"zback\",\"zfront\",\"missing-service-name\"]}");
    check("/api/v3/operations?service=shop&spanKind=client", 200,
          "{\"operations\":[{\"name\":\"orphan\",\"spanKind\":\"client\"}]}");
    check("/api/v3/operations?service=nobody", 200, "{\"operations\":[]}");
    check("/api/v3/traces/123456", 404,
          "{\"error\":{\"httpCode\":404,\"message\":\"No traces found\"}}\n");
    check("/api/v3/traces?" WINDOW "&query.serviceName=nobody", 404,
          "{\"error\":{\"httpCode\":404,\"message\":\"No traces found\"}}\n");
    check(
        "/api/v3/traces", 400,
        "{\"error\":{\"httpCode\":400,\"message\":\"query.startTimeMin and query.startTimeMax are "
        "required\"}}\n");
    json_t *j = get_json("/api/v3/traces/" SHOP);
    json_t *spans = json_object_get(json_object_get(j, "result"), "resourceSpans");
    assert_int_equal(json_array_size(spans), 3);
    json_decref(j);
    j = get_json("/api/v3/traces?" WINDOW "&query.service_name=zback&query.num_traces=1");
    spans = json_object_get(json_object_get(j, "result"), "resourceSpans");
    assert_int_equal(json_array_size(spans), 4);
    json_decref(j);
}

static void v3_summaries(void **state)
{
    (void)state;
    char expected[1024];
    snprintf(expected, sizeof expected,
             "{\"summaries\":[{\"traceId\":\"" SHOP "\",\"rootServiceName\":\"shop\","
             "\"rootOperationName\":\"GET /\",\"minStartTimeUnixNano\":\"%jd990000000\","
             "\"maxEndTimeUnixNano\":\"%jd100001000\",\"spanCount\":7,\"errorSpanCount\":1,"
             "\"orphanSpanCount\":1,\"services\":[{\"name\":\"db\",\"spanCount\":2},"
             "{\"name\":\"missing-service-name\",\"spanCount\":1},"
             "{\"name\":\"shop\",\"spanCount\":4,\"errorSpanCount\":1}]}]}",
             (intmax_t)world.second - 1, (intmax_t)world.second);
    check("/api/v3/trace-summaries?" WINDOW "&query.serviceName=shop", 200, expected);
    check("/api/v3/trace-summaries?" WINDOW "&query.serviceName=nobody", 200, "{\"summaries\":[]}");
    check_status("/api/v3/trace-summaries?" WINDOW "&query.searchDepth=51", 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v3_answers),
        cmocka_unit_test(v3_summaries),
    };
    return cmocka_run_group_tests(tests, server_start, server_stop);
}
