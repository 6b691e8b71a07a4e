/* The receiver's configuration, and what it refuses to start with. */
#include "fixture.h"

#include "component/endpoint.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void assert_error(const char *yaml, const char *part)
{
    const char *text = fixture_error(yaml);
    if (!strstr(text, part))
        fail_msg("\"%s\" does not say \"%s\"", text, part);
}

static void test_a_protocol_that_is_not_listed_is_off(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, "{protocols: {http: {endpoint: \"127.0.0.1:0\"}}}");
    assert_int_equal(f.grpc_port, 0);
    assert_int_not_equal(f.http_port, 0);
    fixture_stop(&f, 1000);
    fixture_start(&f, "{protocols: {grpc: {endpoint: \"127.0.0.1:0\"}}}");
    assert_int_not_equal(f.grpc_port, 0);
    assert_int_equal(f.http_port, 0);
    fixture_stop(&f, 1000);
}

static void test_no_protocol_is_an_error(void **state)
{
    (void)state;
    assert_error("{}", "protocols");
    assert_error("{protocols: {}}", "grpc, http or both");
    assert_error("{protocols: {thrift: {}}}", "unknown key \"thrift\"");
}

static void test_what_cannot_be_honoured_is_an_error(void **state)
{
    (void)state;
    assert_error("{protocols: {grpc: {auth: {authenticator: basic}}}}", "not supported");
    assert_error("{protocols: {http: {auth: {authenticator: basic}}}}", "not supported");
    assert_error("{protocols: {grpc: {include_metadata: true}}}",
                 "protocols::grpc::include_metadata");
    assert_error("{protocols: {http: {include_metadata: true}}}",
                 "protocols::http::include_metadata");
    assert_error("{protocols: {grpc: {transport: unix}}}", "supported: tcp");
    assert_error("{protocols: {grpc: {max_recv_msg_size_mib: 0}}}", "out of range");
    assert_error("{protocols: {http: {max_request_body_size: 2GiB}}}", "1GiB");
    assert_error("{protocols: {http: {traces_url_path: traces}}}", "slash");
    assert_error("{protocols: {http: {metrics_url_path: /v1/metrics}}}", "metrics_url_path");
    assert_error("{protocols: {http: {compression_algorithms: [gzip, snappy]}}}",
                 "\"snappy\" is not supported");
    assert_error("{protocols: {grpc: {tls: {min_version: \"1.3\"}}}}", "1.3");
    assert_error("{protocols: {grpc: {endpoint: \"127.0.0.1:0\", tls: {}}}}", "cert_file");
    assert_error("{protocols: {http: {endpoint: \"127.0.0.1:0\", tls: {}}}}", "cert_file");
    assert_error("{protocols: {http: {endpoint: \"127.0.0.1:0\", tls: {cert_file: /nonexistent, "
                 "key_file: /nonexistent}}}}",
                 "/nonexistent");
}

static void test_include_metadata_false_is_accepted(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, "{protocols: {grpc: {endpoint: \"127.0.0.1:0\", include_metadata: false, "
                      "transport: tcp, max_concurrent_streams: 100, read_buffer_size: 524288, "
                      "write_buffer_size: 524288, keepalive: {server_parameters: "
                      "{max_connection_idle: 11s, max_connection_age: 30s, "
                      "max_connection_age_grace: 5s, time: 30s, timeout: 5s}, "
                      "enforcement_policy: {min_time: 10s, permit_without_stream: true}}}, "
                      "http: {endpoint: \"127.0.0.1:0\", include_metadata: false}}}");
    assert_int_not_equal(f.grpc_port, 0);
    assert_int_not_equal(f.http_port, 0);
    fixture_stop(&f, 1000);
}

static void test_a_port_in_use_is_an_error_that_names_it(void **state)
{
    (void)state;
    struct error e;
    uint16_t port;
    char endpoint[32], yaml[128];
    int fd = endpoint_listen("127.0.0.1:0", &port, &e);
    assert_true(fd >= 0);
    snprintf(endpoint, sizeof endpoint, "127.0.0.1:%u", port);
    snprintf(yaml, sizeof yaml, "{protocols: {grpc: {endpoint: \"%s\"}}}", endpoint);
    assert_error(yaml, endpoint);
    snprintf(yaml, sizeof yaml, "{protocols: {http: {endpoint: \"%s\"}}}", endpoint);
    assert_error(yaml, endpoint);
    /* the gRPC server that had already started is shut down again */
    snprintf(yaml, sizeof yaml,
             "{protocols: {grpc: {endpoint: \"127.0.0.1:0\"}, http: {endpoint: \"%s\"}}}",
             endpoint);
    assert_error(yaml, endpoint);
    /* a name with several addresses does not do with one of them */
    snprintf(yaml, sizeof yaml, "{protocols: {grpc: {endpoint: \"localhost:%u\"}}}", port);
    assert_error(yaml, "localhost");
    close(fd);
    assert_error("{protocols: {grpc: {endpoint: \"nonexistent.invalid:4317\"}}}",
                 "nonexistent.invalid");
    assert_error("{protocols: {grpc: {endpoint: \"4317\"}}}", "host:port");
}

static void test_both_families(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, "{protocols: {grpc: {endpoint: \"[::1]:0\"}, http: {endpoint: \":0\"}}}");
    assert_int_not_equal(f.grpc_port, 0);
    assert_int_not_equal(f.http_port, 0);
    fixture_stop(&f, 1000);
    fixture_start(&f, "{protocols: {grpc: {endpoint: \":0\"}, http: {endpoint: \"[::1]:0\"}}}");
    assert_int_not_equal(f.grpc_port, 0);
    fixture_stop(&f, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_protocol_that_is_not_listed_is_off),
        cmocka_unit_test(test_no_protocol_is_an_error),
        cmocka_unit_test(test_what_cannot_be_honoured_is_an_error),
        cmocka_unit_test(test_include_metadata_false_is_accepted),
        cmocka_unit_test(test_a_port_in_use_is_an_error_that_names_it),
        cmocka_unit_test(test_both_families),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
