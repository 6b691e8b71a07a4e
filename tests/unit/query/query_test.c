#include "server.h"

#include <pthread.h>

static void http_manners(void **state)
{
    (void)state;
    check("/api/nothing", 404, "404 page not found\n");
    check("/nothing", 404, "404 page not found\n");
    check_status("/", 200);
    struct answer a = ask("HEAD", "/api/services", "", NULL);
    assert_int_equal(a.status, 200);
    assert_int_equal(a.body_len, 0);
    free(a.head);
    a = ask("OPTIONS", "/api/services", "", NULL);
    assert_int_equal(a.status, 204);
    assert_true(has_header(&a, "Allow: GET, HEAD, OPTIONS"));
    free(a.head);
    a = ask("DELETE", "/api/traces/" SHOP, "", NULL);
    assert_int_equal(a.status, 405);
    free(a.head);
    a = ask("POST", "/api/services", "", "");
    assert_int_equal(a.status, 405);
    free(a.head);
}

/* Whatever comes, something is answered, and the next request too. */
static void strange_requests(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "/api/traces/%00",
        "/api/traces/%ff%fe",
        "/api/services/%/operations",
        "/api/services/////operations",
        "/api/traces?limit=99999999999999999999",
        "/api/traces?start=-9223372036854775808&end=9223372036854775807",
        "/api/traces?minDuration=-2562047h47m16.854775807s",
        "/api/traces?tags=%7B%22a%22:%22%5Cud800%22%7D",
        "/api/traces?tags=%5B%5B%5B%5B%5B%5B%5B%5B%5B%5B%5B%5B%5B%5B%5B",
        "/api/traces?&&&=&=a&service",
        "/api/v3/traces/abc?startTime=",
        "/api/dependencies?endTs=9223372036854775807&lookback=9223372036854775807",
        "/api/dependencies?endTs=-9223372036854775808",
        "/api/v1/search?start=99999999999999999&end=9223372036854775807",
        "/api/metrics/latencies?quantile=nan&service",
    };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct answer a = get(paths[i]);
        assert_true(a.status >= 200 && a.status < 500);
        free(a.head);
    }
    check_status("/api/v3/traces?query.startTimeMin=0000-01-01T00:00:00Z"
                 "&query.startTimeMax=9999-12-31T23:59:59.999999999Z",
                 200);
    struct buffer path = {0};
    buffer_append_string(&path, "/api/traces?");
    for (int i = 0; i < 65; i++)
        buffer_printf(&path, "tag=k%d:v&", i);
    buffer_append_byte(&path, 0);
    check_status((const char *)path.data, 400);
    path.len = 0;
    buffer_append_string(&path, "/api/traces/");
    for (int i = 0; i < 100000; i++)
        buffer_append_byte(&path, 'a');
    buffer_append_byte(&path, 0);
    struct answer a = get((const char *)path.data);
    assert_true(a.status == 414 || a.status == 431 || a.status == 404);
    free(a.head);
    buffer_free(&path);
    check_status("/api/services", 200);
}

struct asker {
    pthread_t thread;
    unsigned wrong;
};

static void *ask_again(void *context)
{
    struct asker *me = context;
    static const char *const paths[] = {"/api/traces?service=shop", "/api/v3/traces/4bfa",
                                        "/api/v1/search?limit=5", "/api/services"};
    for (int i = 0; i < 20; i++) {
        struct answer a = get(paths[i % 4]);
        me->wrong += a.status != 200;
        free(a.head);
    }
    return NULL;
}

static void many_at_once(void **state)
{
    (void)state;
    struct asker askers[8] = {0};
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&askers[i].thread, NULL, ask_again, &askers[i]), 0);
    for (size_t i = 0; i < 8; i++) {
        pthread_join(askers[i].thread, NULL);
        assert_int_equal(askers[i].wrong, 0);
    }
}

static void check_config_error(const struct setting *settings, size_t count, const char *text)
{
    struct error e = {0};
    struct component_spec spec = spec_of(&query_extension, "query", map_of(settings, count));
    assert_null(query_extension.create(&spec, &e));
    if (!strstr(e.text, text))
        fail_msg("%s", e.text);
}

static void wrong_configuration(void **state)
{
    (void)state;
    static const struct setting absent[] = {{"store", "sqlite/other"}};
    static const struct setting unknown[] = {{"stroe", "sqlite/test"}};
    static const struct setting never[] = {{"store", "sqlite/test"}, {"timeout", "0"}};
    check_config_error(absent, 1, "sqlite/other is no sqlite exporter");
    check_config_error(NULL, 0, "sqlite is no sqlite exporter");
    check_config_error(unknown, 1, "stroe");
    check_config_error(never, 2, "timeout");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_manners),
        cmocka_unit_test(strange_requests),
        cmocka_unit_test(many_at_once),
        cmocka_unit_test(wrong_configuration),
    };
    return cmocka_run_group_tests(tests, server_start, server_stop);
}
