#include "server.h"

#define ENVELOPE(total) ",\"total\":" total ",\"limit\":0,\"offset\":0,\"errors\":null}"
#define ERROR(code, text)                                                                          \
    "{\"data\":null,\"total\":0,\"limit\":0,\"offset\":0,\"errors\":[{\"code\":" code              \
    ",\"msg\":\"" text "\"}]}\n"

static void v1_lists(void **state)
{
    (void)state;
    check(
        "/api/services", 200,
        "{\"data\":[\"db\",\"shop\",\"zback\",\"zfront\",\"missing-service-name\"]" ENVELOPE("5"));
    check("/api/services/db/operations", 200, "{\"data\":[\"query\",\"query2\"]" ENVELOPE("2"));
    check("/api/services/nobody%2Fat%20all/operations", 200, "{\"data\":[]" ENVELOPE("0"));
    check("/api/operations?service=zfront&spanKind=client", 200,
          "{\"data\":[{\"name\":\"call\",\"spanKind\":\"client\"}]" ENVELOPE("1"));
    check("/api/operations?service=zfront&spanKind=nonsense", 200, "{\"data\":[]" ENVELOPE("0"));
    check("/api/operations", 400, ERROR("400", "parameter 'service' is required"));
}

static void v1_trace_by_id(void **state)
{
    (void)state;
    json_t *j = get_json("/api/traces/" ZIPKIN);
    json_t *trace = json_array_get(json_object_get(j, "data"), 0);
    assert_string_equal(json_string_value(json_object_get(trace, "traceID")), "0000000000004bfa");
    assert_int_equal(json_array_size(json_object_get(trace, "spans")), 8);
    json_decref(j);
    j = get_json("/api/traces/" ZIPKIN "?raw=true");
    trace = json_array_get(json_object_get(j, "data"), 0);
    assert_int_equal(json_array_size(json_object_get(trace, "spans")), 9);
    json_decref(j);
    /* Grafana sends milliseconds where microseconds are meant */
    char path[128];
    snprintf(path, sizeof path, "/api/traces/" SHOP "?start=%jd000&end=%jd000",
             (intmax_t)world.second - 60, (intmax_t)world.second + 60);
    check_status(path, 200);
    check("/api/traces/123456", 404, ERROR("404", "trace not found"));
    check("/api/traces/xyz", 400, ERROR("400", "invalid length for TraceID"));
}

static size_t found_v1(const char *parameters)
{
    char path[512];
    snprintf(path, sizeof path, "/api/traces?%s", parameters);
    json_t *j = get_json(path);
    size_t n = json_array_size(json_object_get(j, "data"));
    json_decref(j);
    return n;
}

static void v1_search(void **state)
{
    (void)state;
    assert_int_equal(found_v1("service=shop"), 1);
    assert_int_equal(found_v1(""), 2);
    assert_int_equal(found_v1("limit=1"), 1);
    assert_int_equal(found_v1("service=nobody"), 0);
    assert_int_equal(found_v1("service=shop&operation=child"), 1);
    assert_int_equal(found_v1("service=shop&tags=%7B%22z%22:%22zz%22,%22b%22:%22true%22%7D"), 1);
    assert_int_equal(found_v1("tag=z:zz&tag=b:false"), 0);
    assert_int_equal(found_v1("tag=error:true"), 1);
    assert_int_equal(found_v1("service=missing-service-name&operation=noservice"), 1);
    assert_int_equal(found_v1("operation=empty-span-name"), 1);
    assert_int_equal(found_v1("service=shop&minDuration=99ms&maxDuration=0.1s"), 1);
    assert_int_equal(found_v1("service=shop&minDuration=200ms"), 0);
    assert_int_equal(found_v1("start=1000000&end=2000000"), 0);
    assert_int_equal(found_v1("traceID=" SHOP "&traceID=" ZIPKIN), 2);
    json_t *j = get_json("/api/traces?traceID=" SHOP "&traceID=123456");
    json_t *error = json_array_get(json_object_get(j, "errors"), 0);
    assert_int_equal(json_array_size(json_object_get(j, "data")), 1);
    assert_string_equal(json_string_value(json_object_get(error, "msg")), "trace not found");
    assert_string_equal(json_string_value(json_object_get(error, "traceID")), "0000000000123456");
    assert_null(json_object_get(error, "code"));
    json_decref(j);
}

static void v1_refusals(void **state)
{
    (void)state;
    check("/api/traces?limit=51", 400,
          ERROR("400", "parameter 'limit' has to be between 1 and 50"));
    check("/api/traces?limit=0", 400, ERROR("400", "parameter 'limit' has to be between 1 and 50"));
    check("/api/traces?minDuration=2s&maxDuration=1s", 400,
          ERROR("400", "'maxDuration' should be greater than 'minDuration'"));
    check("/api/traces?tag=x", 400,
          ERROR("400", "malformed 'tag' parameter, expecting key:value, received: x"));
    check_status("/api/traces?tags=%7B%22a%22:1%7D", 400);
    check_status("/api/traces?traceID=zz", 400);
    check_status("/api/traces?start=yesterday", 400);
    check("/api/dependencies?lookback=-5", 500,
          ERROR("500", "end time must be greater than start time"));
    check("/api/metrics/calls?service=a", 501,
          ERROR("501", "trace metrics are currently disabled - no metrics backend configured"));
    check_status("/api/metrics/latencies?service=a", 400);
    check_status("/api/metrics/calls", 400);
}

static void v1_dependencies(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "/api/dependencies?endTs=%jd000&lookback=600000&service=zfront",
             (intmax_t)world.second + 60);
    check(path, 200,
          "{\"data\":[{\"parent\":\"zfront\",\"child\":\"zback\",\"callCount\":2},"
          "{\"parent\":\"zfront\",\"child\":\"zfront\",\"callCount\":3}]" ENVELOPE("0"));
    check("/api/dependencies?endTs=2000&lookback=1000", 200, "{\"data\":[]" ENVELOPE("0"));
}

static void v1_posts(void **state)
{
    (void)state;
    struct answer a = ask("POST", "/api/archive/" SHOP, "", "");
    assert_int_equal(a.status, 500);
    assert_string_equal(a.body, ERROR("500", "archive span storage was not configured"));
    free(a.head);

    char *json = fixture_text("shop.otlp.json");
    a = ask("POST", "/api/transform", "", json);
    assert_int_equal(a.status, 200);
    json_t *j = parse(&a);
    json_t *trace = json_array_get(json_object_get(j, "data"), 0);
    assert_int_equal(json_array_size(json_object_get(trace, "spans")), 7);
    json_decref(j);
    free(a.head);
    free(json);

    a = ask("POST", "/api/transform", "", "{\"resourceSpans\":[");
    assert_int_equal(a.status, 400);
    assert_non_null(strstr(a.body, "cannot unmarshal OTLP"));
    free(a.head);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v1_lists),        cmocka_unit_test(v1_trace_by_id),
        cmocka_unit_test(v1_search),       cmocka_unit_test(v1_refusals),
        cmocka_unit_test(v1_dependencies), cmocka_unit_test(v1_posts),
    };
    return cmocka_run_group_tests(tests, server_start, server_stop);
}
