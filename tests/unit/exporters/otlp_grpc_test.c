#include "grpc_backend.h"
#include "pki.h"

#include "exporters/exporters.h"

static struct surroundings around;
static struct grpc_backend backend;
static struct tally tally = {.lock = PTHREAD_MUTEX_INITIALIZER};
static struct component *exporter;

static int open_around(void **state)
{
    (void)state;
    surroundings_open(&around, &otlp_grpc_exporter, "otlp/jaeger");
    memset(tally.times, 0, sizeof tally.times);
    tally.requests = tally.spans = 0;
    backend = (struct grpc_backend){.tally = &tally};
    exporter = NULL;
    return 0;
}

static void close_exporter(void)
{
    if (!exporter)
        return;
    exporter->ops->stop(exporter);
    exporter->ops->destroy(exporter);
    exporter = NULL;
}

static int close_around(void **state)
{
    (void)state;
    close_exporter();
    surroundings_close(&around);
    return 0;
}

/* Starts an exporter to `port`, configured by up to seven more lines. */
static void open_exporter(int port, const char *const *more)
{
    char endpoint[64];
    const char *lines[10] = {endpoint, "retry_on_failure.initial_interval=1ms",
                             "retry_on_failure.max_interval=20ms"};
    size_t n = 3;
    snprintf(endpoint, sizeof endpoint, "endpoint=127.0.0.1:%d", port);
    while (more && *more)
        lines[n++] = *more++;
    struct error e;
    around.spec.config = config_of(lines);
    exporter = otlp_grpc_exporter.create(&around.spec, &e);
    if (!exporter || !exporter->ops->start(exporter, &e))
        fail_msg("%s", e.text);
}
#define MORE(...) ((const char *const[]){__VA_ARGS__, NULL})
#define PLAIN     "tls.insecure=true"

static enum verdict consume(uint64_t first, uint32_t count)
{
    return component_consume(exporter, spans_from(first, count), NULL).verdict;
}

static void drain(void)
{
    exporter->ops->drain(exporter, seconds_from_now(60));
}

static uint64_t sent(void)
{
    return count_of(&around, "otelcol_exporter_sent_spans");
}

/* ---- delivery ---- */

static void spans_arrive_once(void **state)
{
    (void)state;
    backend_start(&backend, 0, NULL);
    open_exporter(backend.port, MORE(PLAIN, "compression=none", "headers.X-Tenant=blue",
                                     "authority=shop.example"));
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(consume(i * 10ull, 10), VERDICT_ACCEPTED);
    drain();
    assert_each_once(&tally, 0, 1000);
    assert_int_equal(tally.requests, 100);
    assert_int_equal(sent(), 1000);
    assert_false(backend.compressed);
    assert_string_equal(backend.header, "blue");
    assert_string_equal(backend.authority, "shop.example");
    backend_stop(&backend);
}

static void gzip_is_the_default_and_inflates(void **state)
{
    (void)state;
    backend_start(&backend, 0, NULL);
    open_exporter(backend.port, MORE(PLAIN));
    for (uint32_t i = 0; i < 20; i++)
        consume(i * 500ull, 500);
    drain();
    assert_each_once(&tally, 0, 10000);
    assert_true(backend.compressed);
    backend_stop(&backend);
}

static void many_small_batches_go_out_merged(void **state)
{
    (void)state;
    backend_start(&backend, 0, NULL);
    around.spec.batch =
        (struct batch_settings){.present = true, .timeout_ns = 3600000000000u, .min_spans = 8192};
    open_exporter(backend.port, MORE(PLAIN, "compression=none"));
    for (uint32_t i = 0; i < 3000; i++)
        assert_int_equal(consume(i, 1), VERDICT_ACCEPTED);
    drain();
    assert_each_once(&tally, 0, 3000);
    assert_true(tally.requests <= 4);
    backend_stop(&backend);
}

static void several_lanes_and_other_threads_send(void **state)
{
    (void)state;
    struct lane *second = lane_create("second");
    assert_true(lane_start(second));
    struct lane *both[] = {around.lane, second};
    around.spec.lanes = both;
    around.spec.lane_count = 2;
    backend_start(&backend, 0, NULL);
    open_exporter(backend.port, MORE(PLAIN));
    for (uint32_t i = 0; i < 100; i++)
        consume(i, 1);
    drain();
    assert_each_once(&tally, 0, 100);
    close_exporter();
    backend_stop(&backend);
    lane_destroy(second);
}

static void proxies_are_not_for_this_host(void **state)
{
    (void)state;
    backend_start(&backend, 0, NULL);
    setenv("http_proxy", "http://127.0.0.1:9", 1);
    open_exporter(backend.port, MORE(PLAIN));
    consume(0, 1);
    eventually(sent() == 1);
    unsetenv("http_proxy");
    backend_stop(&backend);
}

/* ---- trouble ---- */

static void a_backend_that_comes_back_gets_everything(void **state)
{
    (void)state;
    backend_start(&backend, 0, NULL);
    int port = backend.port;
    open_exporter(port, MORE(PLAIN));
    for (uint32_t i = 0; i < 20; i++)
        consume(i, 1);
    eventually(sent() == 20);
    backend_stop(&backend);

    for (uint32_t i = 20; i < 100; i++)
        assert_int_equal(consume(i, 1), VERDICT_ACCEPTED);
    eventually(component_report(exporter).error_ns != 0);
    assert_non_null(strstr(component_report(exporter).error, "UNAVAILABLE"));

    backend_start(&backend, port, NULL);
    eventually(sent() == 100);
    assert_each_once(&tally, 0, 100);
    assert_int_equal(component_report(exporter).state, STATE_OK);
    assert_int_equal(count_of(&around, "otelcol_exporter_send_failed_spans"), 0);
    backend_stop(&backend);
}

static struct backend_reply slow_at_first(uint32_t request)
{
    return (struct backend_reply){.status = GRPC_STATUS_OK, .never = request < 2};
}

static void a_slow_backend_meets_the_timeout(void **state)
{
    (void)state;
    backend.reply = slow_at_first;
    backend_start(&backend, 0, NULL);
    open_exporter(backend.port, MORE(PLAIN, "timeout=3s"));
    consume(0, 5);
    eventually(sent() == 5);
    assert_each_once(&tally, 0, 5);
    assert_int_equal(backend.requests, 3);
    assert_non_null(strstr(component_report(exporter).error, "DEADLINE_EXCEEDED"));
    backend_stop(&backend);
}

static struct backend_reply throttle_once(uint32_t request)
{
    if (request > 0)
        return (struct backend_reply){.status = GRPC_STATUS_OK};
    /* google.rpc.Status with a RetryInfo of 30 ms */
    static const uint8_t details[] = "\x08\x08\x1a\x33\x0a\x28type.googleapis.com/google.rpc."
                                     "RetryInfo\x12\x07\x0a\x05\x10\x80\x87\xa7\x0e";
    return (struct backend_reply){.status = GRPC_STATUS_RESOURCE_EXHAUSTED,
                                  .message = "slower",
                                  .details = bytes_of(details, sizeof details - 1)};
}

static void throttling_with_advice_is_followed(void **state)
{
    (void)state;
    backend.reply = throttle_once;
    backend_start(&backend, 0, NULL);
    open_exporter(backend.port, MORE(PLAIN));
    uint64_t begun = monotonic_ns();
    consume(0, 5);
    eventually(sent() == 5);
    assert_true(monotonic_ns() - begun >= 30000000);
    assert_each_once(&tally, 0, 5);
    backend_stop(&backend);
}

static grpc_status_code scripted_status;
static struct backend_reply fail_once(uint32_t request)
{
    return (struct backend_reply){.status = request == 0 ? scripted_status : GRPC_STATUS_OK,
                                  .message = "not this one"};
}

static void statuses_are_retried_as_the_specification_says(void **state)
{
    (void)state;
    static const grpc_status_code retried[] = {
        GRPC_STATUS_CANCELLED,    GRPC_STATUS_DEADLINE_EXCEEDED, GRPC_STATUS_ABORTED,
        GRPC_STATUS_OUT_OF_RANGE, GRPC_STATUS_UNAVAILABLE,       GRPC_STATUS_DATA_LOSS};
    uint64_t delivered = 0, failed = 0;
    for (scripted_status = 1; scripted_status <= GRPC_STATUS_UNAUTHENTICATED; scripted_status++) {
        bool retry = false;
        for (size_t i = 0; i < sizeof retried / sizeof retried[0]; i++)
            retry = retry || retried[i] == scripted_status;
        backend = (struct grpc_backend){.tally = &tally, .reply = fail_once};
        backend_start(&backend, 0, NULL);
        open_exporter(backend.port, MORE(PLAIN));
        consume((uint64_t)scripted_status, 1);
        drain();
        delivered += retry;
        failed += !retry;
        assert_int_equal(backend.requests, retry ? 2 : 1);
        assert_int_equal(sent(), delivered);
        assert_int_equal(dropped(&around, "refused"), failed);
        assert_int_equal(count_of(&around, "otelcol_exporter_send_failed_spans"), failed);
        assert_non_null(strstr(component_report(exporter).error, "not this one"));
        close_exporter();
        backend_stop(&backend);
    }
}

static struct backend_reply partly(uint32_t request)
{
    static const uint8_t some[] = "\x0a\x0b\x08\x02\x12\x07too old";
    static const uint8_t warning[] = "\x0a\x04\x12\x02hm";
    return (struct backend_reply){.status = GRPC_STATUS_OK,
                                  .response = request == 0 ? bytes_of(some, sizeof some - 1)
                                                           : bytes_of(warning, sizeof warning - 1)};
}

static void partial_success_is_counted_and_not_retried(void **state)
{
    (void)state;
    backend.reply = partly;
    backend_start(&backend, 0, NULL);
    open_exporter(backend.port, MORE(PLAIN));
    consume(0, 5);
    eventually(sent() == 3);
    consume(5, 5);
    drain();
    assert_int_equal(sent(), 8);
    assert_int_equal(dropped(&around, "partial_success"), 2);
    assert_int_equal(backend.requests, 2);
    backend_stop(&backend);
}

static void at_the_deadline_calls_are_cancelled(void **state)
{
    (void)state;
    backend.reply = slow_at_first;
    backend_start(&backend, 0, NULL);
    open_exporter(backend.port, MORE(PLAIN, "timeout=0s", "sending_queue.num_consumers=2"));
    for (uint32_t i = 0; i < 10; i++)
        consume(i, 1);
    eventually(backend.requests == 2);
    exporter->ops->drain(exporter, 0);
    assert_int_equal(dropped(&around, "shutdown"), 10);
    close_exporter();
    backend_stop(&backend);
}

static void the_sender_hears_the_backends_status(void **state)
{
    (void)state;
    scripted_status = GRPC_STATUS_PERMISSION_DENIED;
    backend.reply = fail_once;
    backend_start(&backend, 0, NULL);
    open_exporter(backend.port, MORE(PLAIN, "sending_queue.enabled=false"));
    struct waiting_sender senders[2];
    for (uint32_t i = 0; i < 2; i++) {
        sender_begin(&senders[i]);
        sender_close(&senders[i],
                     component_consume(exporter, spans_from(i, 1), &senders[i].receipt));
        eventually(senders[i].answered);
    }
    assert_int_equal(senders[0].outcome.verdict, VERDICT_REJECTED);
    assert_int_equal(senders[0].outcome.grpc_status, GRPC_STATUS_PERMISSION_DENIED);
    assert_int_equal(senders[1].outcome.verdict, VERDICT_ACCEPTED);
    drain();
    backend_stop(&backend);
}

/* ---- TLS ---- */

static void start_tls_backend(bool ask_for_certificate)
{
    grpc_ssl_pem_key_cert_pair pair = {.private_key = test_key, .cert_chain = test_cert};
    backend_start(&backend, 0,
                  grpc_ssl_server_credentials_create_ex(
                      test_cert, &pair, 1,
                      ask_for_certificate
                          ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                          : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
                      NULL));
}

static char ca_line[64], cert_line[64], key_line[64];

static void write_pem(const char *name, const char *key, const char *text, char *line)
{
    char path[40];
    snprintf(path, sizeof path, "/tmp/tailspan-%s-XXXXXX", name);
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    snprintf(line, 64, "tls.%s=%s", key, path);
}

static int write_pems(void **state)
{
    (void)state;
    write_pem("ca", "ca_file", test_cert, ca_line);
    write_pem("cert", "cert_file", test_cert, cert_line);
    write_pem("key", "key_file", test_key, key_line);
    return 0;
}

static int remove_pems(void **state)
{
    (void)state;
    unlink(strchr(ca_line, '=') + 1);
    unlink(strchr(cert_line, '=') + 1);
    unlink(strchr(key_line, '=') + 1);
    return 0;
}

static void deliver_one(const char *const *more)
{
    open_exporter(backend.port, more);
    consume(0, 1);
    eventually(sent() == 1);
    assert_each_once(&tally, 0, 1);
    drain();
    close_exporter();
    backend_stop(&backend);
}

static void a_known_authority_is_trusted(void **state)
{
    (void)state;
    start_tls_backend(false);
    deliver_one(MORE(ca_line));
}

static void a_client_certificate_is_shown(void **state)
{
    (void)state;
    start_tls_backend(true);
    deliver_one(MORE(ca_line, cert_line, key_line));
}

static void verification_can_be_skipped(void **state)
{
    (void)state;
    start_tls_backend(false);
    deliver_one(MORE("tls.insecure_skip_verify=true"));
}

static void verification_can_be_skipped_with_a_client_certificate(void **state)
{
    (void)state;
    start_tls_backend(true);
    deliver_one(MORE("tls.insecure_skip_verify=true", cert_line, key_line));
}

static void an_unknown_authority_is_not_trusted(void **state)
{
    (void)state;
    start_tls_backend(false);
    open_exporter(backend.port, MORE("tls.insecure=false"));
    consume(0, 1);
    eventually(component_report(exporter).error_ns != 0);
    const struct component_report report = component_report(exporter);
    if (!strstr(report.error, "certificate verify failed"))
        fail_msg("\"%s\" lacks the reason", report.error);
    exporter->ops->drain(exporter, 0);
    assert_int_equal(tally.requests, 0);
    assert_int_equal(dropped(&around, "shutdown"), 1);
    backend_stop(&backend);
}

static void another_name_is_trusted_only_when_told(void **state)
{
    (void)state;
    start_tls_backend(false);
    deliver_one(MORE(ca_line, "tls.server_name_override=localhost"));
}

static void a_scheme_decides_as_in_the_collector(void **state)
{
    (void)state;
    char endpoint[64];
    start_tls_backend(false);
    snprintf(endpoint, sizeof endpoint, "endpoint=https://127.0.0.1:%d", backend.port);
    deliver_one(MORE(endpoint, PLAIN, ca_line));
    memset(tally.times, 0, sizeof tally.times);

    start_tls_backend(false);
    snprintf(endpoint, sizeof endpoint, "endpoint=http://127.0.0.1:%d", backend.port);
    open_exporter(backend.port, MORE(endpoint, ca_line)); /* http:// does not turn TLS off */
    consume(0, 1);
    eventually(sent() == 2);
    close_exporter();
    backend_stop(&backend);

    backend_start(&backend, 0, NULL);
    snprintf(endpoint, sizeof endpoint, "endpoint=http://127.0.0.1:%d", backend.port);
    open_exporter(backend.port, MORE(endpoint, PLAIN));
    consume(1, 1);
    eventually(sent() == 3);
    close_exporter();
    backend_stop(&backend);
}

/* ---- configuration ---- */

static void wrong_configuration_is_refused(const char *const *lines, const char *says)
{
    struct error e = {""};
    around.spec.config = config_of(lines);
    struct component *c = otlp_grpc_exporter.create(&around.spec, &e);
    if (c && !c->ops->start(c, &e)) {
        c->ops->destroy(c);
        c = NULL;
    }
    assert_null(c);
    if (!strstr(e.text, says))
        fail_msg("\"%s\" does not say \"%s\"", e.text, says);
}

static void mistakes_are_told(void **state)
{
    (void)state;
    static const char at[] = "endpoint=localhost:4317";
    wrong_configuration_is_refused(MORE("timeout=1s"), "endpoint is required");
    wrong_configuration_is_refused(MORE("endpoint=localhost"), "endpoint");
    wrong_configuration_is_refused(MORE("endpoint=ftp://x:1"), "supported: http, https");
    wrong_configuration_is_refused(MORE("endpoint=:4317"), "no host");
    wrong_configuration_is_refused(MORE(at, "compression=snappy"), "supported: gzip, none");
    wrong_configuration_is_refused(MORE(at, "compression=zstd"), "supported: gzip, none");
    wrong_configuration_is_refused(MORE(at, "balancer_name=maglev"), "round_robin");
    wrong_configuration_is_refused(MORE(at, "auth.authenticator=x"), "auth is not supported");
    wrong_configuration_is_refused(MORE(at, "sending_queue.storage=x"), "not supported");
    wrong_configuration_is_refused(MORE(at, "tls.min_version=1.3"), "TLS 1.3");
    wrong_configuration_is_refused(MORE(at, "tls.cert_file=/dev/null"),
                                   "both cert_file and key_file");
    wrong_configuration_is_refused(MORE(at, "tls.ca_file=/nonexistent"), "/nonexistent");
    wrong_configuration_is_refused(MORE(at, "headers.grpc-timeout=1"), "cannot be a gRPC header");
    wrong_configuration_is_refused(MORE(at, "headers.x-bin=1"), "cannot be a gRPC header");
    wrong_configuration_is_refused(MORE(at, "headers.a b=1"), "cannot be a gRPC header");
    wrong_configuration_is_refused(MORE(at, "headers.a=\x01"), "characters");
    wrong_configuration_is_refused(MORE(at, "shiny=1"), "unknown key");
}

static void every_way_to_write_an_endpoint_is_understood(void **state)
{
    (void)state;
    static const char *const good[] = {
        "endpoint=jaeger:4317",      "endpoint=http://jaeger:4317", "endpoint=https://jaeger:4317/",
        "endpoint=[::1]:4317",       "endpoint=127.0.0.1:4317",     "endpoint=dns:///jaeger:4317",
        "endpoint=unix:///run/sock",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct error e = {""};
        around.spec.config = CONFIG(good[i], "keepalive.time=10s", "keepalive.timeout=3s",
                                    "wait_for_ready=true", "read_buffer_size=524288");
        exporter = otlp_grpc_exporter.create(&around.spec, &e);
        if (!exporter || !exporter->ops->start(exporter, &e))
            fail_msg("%s: %s", good[i], e.text);
        close_exporter();
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_around, close_around)
    const struct CMUnitTest tests[] = {
        CASE(spans_arrive_once),
        CASE(gzip_is_the_default_and_inflates),
        CASE(many_small_batches_go_out_merged),
        CASE(several_lanes_and_other_threads_send),
        CASE(proxies_are_not_for_this_host),
        CASE(a_backend_that_comes_back_gets_everything),
        CASE(a_slow_backend_meets_the_timeout),
        CASE(throttling_with_advice_is_followed),
        CASE(statuses_are_retried_as_the_specification_says),
        CASE(partial_success_is_counted_and_not_retried),
        CASE(at_the_deadline_calls_are_cancelled),
        CASE(the_sender_hears_the_backends_status),
        CASE(a_known_authority_is_trusted),
        CASE(a_client_certificate_is_shown),
        CASE(verification_can_be_skipped),
        CASE(verification_can_be_skipped_with_a_client_certificate),
        CASE(an_unknown_authority_is_not_trusted),
        CASE(another_name_is_trusted_only_when_told),
        CASE(a_scheme_decides_as_in_the_collector),
        CASE(mistakes_are_told),
        CASE(every_way_to_write_an_endpoint_is_understood),
    };
    return cmocka_run_group_tests(tests, write_pems, remove_pems);
}
