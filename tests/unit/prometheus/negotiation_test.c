#include "source.h"

#include "metrics/prometheus/negotiation.h"

static const struct exposition_format *format(const char *accept)
{
    return negotiate_format(accept, true).format;
}

#define PROTOBUF                                                                                   \
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"

static void the_best_that_is_accepted_is_given(void **state)
{
    (void)state;
    assert_ptr_equal(format(NULL), &exposition_text);
    assert_ptr_equal(format(""), &exposition_text);
    assert_ptr_equal(format("*/*"), &exposition_text);
    assert_ptr_equal(format("image/png"), &exposition_text);
    assert_ptr_equal(format("application/openmetrics-text; version=1.0.0; charset=utf-8"),
                     &exposition_open_metrics);
    assert_ptr_equal(format("application/openmetrics-text;version=2.0.0,text/plain;q=0.1"),
                     &exposition_text);
    assert_ptr_equal(
        format("text/plain;q=0.5,application/openmetrics-text;version=\"1.0.0\";q=0.6"),
        &exposition_open_metrics);
    assert_ptr_equal(format("application/openmetrics-text;q=0, text/plain;q=0.1"),
                     &exposition_text);
    assert_ptr_equal(format(PROTOBUF ";q=0.7, application/openmetrics-text;q=0.6, */*;q=0.1"),
                     &exposition_protobuf);
    assert_ptr_equal(format("application/vnd.google.protobuf;proto=x.Y;encoding=delimited"),
                     &exposition_text);
    assert_ptr_equal(
        negotiate_format("application/openmetrics-text,text/plain;q=0.1", false).format,
        &exposition_text);
}

/* What Prometheus 2.42 and 3 send. */
static void prometheus_is_understood(void **state)
{
    (void)state;
    assert_ptr_equal(format(PROTOBUF ",application/openmetrics-text;version=1.0.0;q=0.8,"
                                     "application/openmetrics-text;version=0.0.1;q=0.75,"
                                     "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"),
                     &exposition_protobuf);
    struct negotiated n =
        negotiate_format("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
                         "application/openmetrics-text;version=0.0.1;q=0.5,"
                         "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
                         "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                         true);
    assert_ptr_equal(n.format, &exposition_open_metrics);
    assert_true(n.utf8);
    assert_false(negotiate_format("text/plain;version=0.0.4;escaping=underscores", true).utf8);
}

static void nonsense_is_passed_over(void **state)
{
    (void)state;
    assert_ptr_equal(format(",;,;;=\",q=,text/plain;q=abc"), &exposition_text);
    char *many = calloc(1, 200001);
    memset(many, ',', 200000);
    assert_ptr_equal(format(many), &exposition_text);
    free(many);
}

static void gzip_is_used_when_accepted(void **state)
{
    (void)state;
    assert_false(negotiate_gzip(NULL));
    assert_true(negotiate_gzip("gzip"));
    assert_true(negotiate_gzip("deflate, GZIP;q=0.5"));
    assert_true(negotiate_gzip("*"));
    assert_false(negotiate_gzip("gzip;q=0, *"));
    assert_false(negotiate_gzip("identity"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_that_is_accepted_is_given),
        cmocka_unit_test(prometheus_is_understood),
        cmocka_unit_test(nonsense_is_passed_over),
        cmocka_unit_test(gzip_is_used_when_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
