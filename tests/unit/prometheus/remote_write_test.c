/* The exporter of remote write: its configuration, and what it does when nobody listens. What
 * arrives at a real Prometheus is for tests/interop/prometheus_formats.py. */
#include "source.h"
#include "tests/unit/exporters/local.h"

#include "metrics/prometheus/prometheus.h"

static struct surroundings around;

static int open_around(void **state)
{
    (void)state;
    local_open(&around, &prometheus_remote_write_exporter, "prometheusremotewrite");
    return 0;
}

static int close_around(void **state)
{
    (void)state;
    local_close(&around);
    return 0;
}

static void wrong_configuration_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *error;
    } cases[] = {
        {"auth.authenticator=x", "auth is not supported yet"},
        {"endpoint=prometheus", "endpoint is required"},
        {"protobuf_message=io.prometheus.write.v2.Request", "is not supported"},
        {"remote_write_queue.enabled=false", "queue of their own"},
        {"remote_write_queue.num_consumers=5", "one after the other"},
        {"max_batch_size_bytes=10", "must lie between"},
        {"headers.content-type=x", "cannot be an HTTP header"},
        {"wal.directory=x", "wal"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error e = {0};
        bool own = strncmp(cases[i].line, "endpoint=", 9) == 0;
        around.spec.config = CONFIG(own ? "" : "endpoint=http://127.0.0.1:1/", cases[i].line);
        assert_null(prometheus_remote_write_exporter.create(&around.spec, &e));
        if (!strstr(e.text, cases[i].error))
            fail_msg("%s: %s", cases[i].line, e.text);
    }
}

/* Nobody listens at port 1. */
static void what_cannot_be_sent_is_counted(void **state)
{
    (void)state;
    struct error e;
    struct test_source shop = shop_source();
    around.spec.config =
        CONFIG("endpoint=http://127.0.0.1:1/api/v1/write", "retry_on_failure.enabled=false");
    struct component *c = prometheus_remote_write_exporter.create(&around.spec, &e);
    assert_non_null(c);
    assert_true(c->ops->take_metrics(c, &shop.source));
    assert_true(c->ops->start(c, &e));
    c->ops->drain(c, seconds_from_now(60));
    assert_int_equal(count_of(&around, "otelcol_exporter_send_failed_metric_points"), 4);
    assert_int_equal(count_of(&around, "otelcol_exporter_sent_metric_points"), 0);
    c->ops->stop(c);
    c->ops->destroy(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(wrong_configuration_is_told, open_around, close_around),
        cmocka_unit_test_setup_teardown(what_cannot_be_sent_is_counted, open_around, close_around),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
