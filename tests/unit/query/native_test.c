#include "server.h"

static void native_traces(void **state)
{
    (void)state;
    struct answer a =
        ask("GET", "/api/v1/traces/" SHOP, "Accept: application/x-protobuf\r\n", NULL);
    assert_int_equal(a.status, 200);
    assert_true(has_header(&a, "Content-Type: application/x-protobuf"));
    struct batch_report report;
    struct batch *b = batch_from_request(bytes_of(a.body, a.body_len), &report);
    assert_non_null(b);
    assert_int_equal(b->span_count, 7);
    batch_release(b);
    free(a.head);

    /* as they came: nothing renamed, lengthened or left out */
    a = get("/api/v1/traces/" ZIPKIN);
    assert_int_equal(a.status, 200);
    b = fixture_parse(a.body);
    assert_int_equal(b->span_count, 9);
    free(a.head);
    uint32_t backwards = 0;
    for (uint32_t i = 0; i < b->span_count; i++)
        backwards += b->spans[i].end_ns < b->spans[i].start_ns;
    assert_int_equal(backwards, 1);
    batch_release(b);
    a = ask("GET", "/api/v1/traces/" SHOP, "Accept: text/html\r\n", NULL);
    assert_int_equal(a.status, 406);
    free(a.head);
}

static size_t found_native(const char *parameters, bool *more)
{
    char path[512];
    snprintf(path, sizeof path, "/api/v1/search?%s", parameters);
    json_t *j = get_json(path);
    size_t n = json_array_size(json_object_get(j, "traces"));
    *more = json_is_true(json_object_get(j, "more"));
    json_decref(j);
    return n;
}

static void native_searches(void **state)
{
    (void)state;
    bool more;
    char path[128];
    assert_int_equal(found_native("", &more), 2);
    assert_false(more);
    assert_int_equal(found_native("limit=1", &more), 1);
    assert_true(more);
    assert_int_equal(found_native("error=true", &more), 1);
    assert_int_equal(found_native("service=shop&operation=child&tag=otel.status_code:OK", &more),
                     1);
    assert_int_equal(found_native("min_duration=90ms&max_duration=110ms", &more), 1);
    snprintf(path, sizeof path, "start=%jd&end=%jd000000", (intmax_t)world.second - 5,
             (intmax_t)world.second + 5);
    assert_int_equal(found_native(path, &more), 2);
    assert_int_equal(found_native("end=2020-01-01T00:00:00Z", &more), 0);
    static const char *const bad[] = {"limit=51",
                                      "limit=0",
                                      "limit=x",
                                      "start=x",
                                      "end=-1",
                                      "min_duration=5",
                                      "max_duration=-1s",
                                      "error=maybe",
                                      "tag=x",
                                      "serivce=a",
                                      "start=20&end=10",
                                      "lookback=1h",
                                      "min_duration=2s&max_duration=1s"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(path, sizeof path, "/api/v1/search?%s", bad[i]);
        struct answer a = get(path);
        assert_int_equal(a.status, 400);
        assert_true(has_header(&a, "Content-Type: application/problem+json"));
        free(a.head);
    }
}

/* No typing error makes an erasure of a dry run, or a larger one. */
static void erasing_takes_nothing_for_granted(void **state)
{
    (void)state;
    static const char everything[] = "/api/v1/traces?where=*~%22e%22";
    static const char *const more[][2] = {
        {"&dryrun=true", "unknown parameter dryrun; there are where, scope and dry_run"},
        {"&dry-run", "unknown parameter dry-run"},
        {"&dry_run", "dry_run has no value"},
        {"&dry_run=", "dry_run has no value"},
        {"&dry_run=1", "dry_run is true or false"},
        {"&dry_run=false&dry_run=true", "dry_run is there twice"},
        {"&where=a%3D%22b%22", "where is there twice"},
        {"&scope=span", "scope is spans or traces"},
    };
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s%s", everything, more[i][0]);
        struct answer a = ask("DELETE", path, "", NULL);
        assert_int_equal(a.status, 400);
        assert_non_null(strstr(a.body, more[i][1]));
        free(a.head);
    }
    check_status("/api/v1/traces/" SHOP, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(native_traces),
        cmocka_unit_test(native_searches),
        cmocka_unit_test(erasing_takes_nothing_for_granted),
    };
    return cmocka_run_group_tests(tests, server_start, server_stop);
}
