#include "fixture.h"
#include "pki.h"

#include "exporters/exporters.h"
#include "proto/otlp_json.h"

#include <libdeflate.h>
#include <microhttpd.h>
#include <zstd.h>

/* A scripted OTLP/HTTP backend on libmicrohttpd. `reply` decides about each request; what is
 * answered with 200 is tallied. */

struct http_reply {
    unsigned status;
    const char *type;
    const void *body;
    size_t len;
    const char *retry_after;
    bool never;
};

static struct {
    struct MHD_Daemon *daemon;
    struct http_reply (*reply)(uint32_t request);
    atomic_uint requests;
    atomic_uint connections;
    atomic_bool release; /* lets `never` end */
    char path[128];
    char type[64];
    char encoding[32];
    char tenant[64];
    char host[64];
} backend;

static pthread_mutex_t noting = PTHREAD_MUTEX_INITIALIZER; /* guards the strings above */

static struct surroundings around;
static struct component *exporter;
static struct tally tally = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void keep(struct MHD_Connection *c, const char *name, char *out, size_t len)
{
    const char *value = MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
    snprintf(out, len, "%s", value ? value : "");
}

/* The headers noted last are this request's: `noting` is held. */
static void tally_body(const struct buffer *body)
{
    static uint8_t inflated[8 << 20];
    struct bytes wire = buffer_bytes(body);
    if (strcmp(backend.encoding, "gzip") == 0) {
        struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
        if (libdeflate_gzip_decompress(d, wire.data, wire.len, inflated, sizeof inflated,
                                       &wire.len) != LIBDEFLATE_SUCCESS)
            abort();
        libdeflate_free_decompressor(d);
        wire.data = inflated;
    } else if (strcmp(backend.encoding, "zstd") == 0) {
        wire.len = ZSTD_decompress(inflated, sizeof inflated, wire.data, wire.len);
        wire.data = inflated;
    }
    struct buffer parsed = {0};
    if (strcmp(backend.type, "application/json") == 0) {
        char where[256];
        if (!otlp_json_parse(wire, OTLP_TRACE_REQUEST, &parsed, where, sizeof where))
            abort();
        wire = buffer_bytes(&parsed);
    }
    tally_request(&tally, wire);
    buffer_free(&parsed);
}

static enum MHD_Result respond(struct MHD_Connection *c, const struct http_reply *r)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(r->len, (void *)r->body, MHD_RESPMEM_MUST_COPY);
    if (r->type)
        MHD_add_response_header(response, "Content-Type", r->type);
    if (r->retry_after)
        MHD_add_response_header(response, "Retry-After", r->retry_after);
    if (r->status / 100 == 3)
        MHD_add_response_header(response, "Location", "/elsewhere");
    enum MHD_Result result = MHD_queue_response(c, r->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *c, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *len, void **state)
{
    (void)cls;
    (void)method;
    (void)version;
    struct buffer *body = *state;
    if (!body) {
        *state = calloc(1, sizeof *body);
        return MHD_YES;
    }
    if (*len > 0) {
        buffer_append(body, data, *len);
        *len = 0;
        return MHD_YES;
    }
    pthread_mutex_lock(&noting);
    snprintf(backend.path, sizeof backend.path, "%s", url);
    keep(c, "Content-Type", backend.type, sizeof backend.type);
    keep(c, "Content-Encoding", backend.encoding, sizeof backend.encoding);
    keep(c, "X-Tenant", backend.tenant, sizeof backend.tenant);
    keep(c, "Host", backend.host, sizeof backend.host);
    struct http_reply r = {.status = 200};
    uint32_t number = atomic_fetch_add(&backend.requests, 1);
    if (backend.reply)
        r = backend.reply(number);
    if (r.status == 200 && !r.never)
        tally_body(body);
    pthread_mutex_unlock(&noting);
    if (r.never) {
        eventually(atomic_load(&backend.release));
        return MHD_NO;
    }
    return respond(c, &r);
}

static void completed(void *cls, struct MHD_Connection *c, void **state,
                      enum MHD_RequestTerminationCode code)
{
    (void)cls;
    (void)c;
    (void)code;
    if (*state)
        buffer_free(*state);
    free(*state);
}

static void connected(void *cls, struct MHD_Connection *c, void **state,
                      enum MHD_ConnectionNotificationCode code)
{
    (void)cls;
    (void)c;
    (void)state;
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        atomic_fetch_add(&backend.connections, 1);
}

static uint16_t backend_start(uint16_t port, bool tls)
{
    unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
                     MHD_USE_POLL | (tls ? MHD_USE_TLS : 0);
    struct MHD_OptionItem items[] = {
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)completed, NULL},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)connected, NULL},
        {MHD_OPTION_LISTENING_ADDRESS_REUSE, 1, NULL},
        {tls ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0, (void *)test_cert},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)test_key},
        {MHD_OPTION_END, 0, NULL},
    };
    backend.daemon = MHD_start_daemon(flags, port, NULL, NULL, handle, NULL, MHD_OPTION_ARRAY,
                                      items, MHD_OPTION_END);
    assert_non_null(backend.daemon);
    return MHD_get_daemon_info(backend.daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

static void backend_stop(void)
{
    atomic_store(&backend.release, true);
    MHD_stop_daemon(backend.daemon);
}

static void assert_noted(const char *noted, const char *expected)
{
    pthread_mutex_lock(&noting);
    assert_string_equal(noted, expected);
    pthread_mutex_unlock(&noting);
}

/* ---- the exporter ---- */

static int open_around(void **state)
{
    (void)state;
    surroundings_open(&around, &otlp_http_exporter, "otlphttp/jaeger");
    memset(tally.times, 0, sizeof tally.times);
    tally.requests = tally.spans = 0;
    memset(&backend, 0, sizeof backend);
    exporter = NULL;
    return 0;
}

static void close_exporter(void)
{
    exporter->ops->stop(exporter);
    exporter->ops->destroy(exporter);
    exporter = NULL;
}

static int close_around(void **state)
{
    (void)state;
    if (exporter)
        close_exporter();
    surroundings_close(&around);
    assert_int_equal(batch_live_bytes(), 0);
    return 0;
}

static void open_exporter(const char *scheme, uint16_t port, const char *const *more)
{
    char endpoint[64];
    const char *lines[10] = {endpoint, "retry_on_failure.initial_interval=1ms",
                             "retry_on_failure.max_interval=20ms"};
    size_t n = 3;
    snprintf(endpoint, sizeof endpoint, "endpoint=%s://127.0.0.1:%u/", scheme, port);
    while (more && *more)
        lines[n++] = *more++;
    struct error e;
    around.spec.config = config_of(lines);
    exporter = otlp_http_exporter.create(&around.spec, &e);
    if (!exporter || !exporter->ops->start(exporter, &e))
        fail_msg("%s", e.text);
}
#define MORE(...) ((const char *const[]){__VA_ARGS__, NULL})

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

static void every_encoding_and_compression_arrives(void **state)
{
    (void)state;
    static const char *const encodings[] = {"proto", "json"};
    static const char *const compressions[] = {"gzip", "zstd", "none"};
    uint16_t port = backend_start(0, false);
    uint64_t first = 0;
    for (size_t e = 0; e < 2; e++) {
        for (size_t c = 0; c < 3; c++) {
            char encoding[32], compression[32];
            snprintf(encoding, sizeof encoding, "encoding=%s", encodings[e]);
            snprintf(compression, sizeof compression, "compression=%s", compressions[c]);
            open_exporter("http", port, MORE(encoding, compression));
            for (int i = 0; i < 3; i++, first += 700)
                assert_int_equal(consume(first, 700), VERDICT_ACCEPTED);
            drain();
            close_exporter();
            assert_noted(backend.type, e ? "application/json" : "application/x-protobuf");
            assert_noted(backend.encoding, c == 2 ? "" : compressions[c]);
            assert_noted(backend.path, "/v1/traces");
        }
    }
    assert_each_once(&tally, 0, (uint32_t)first);
    assert_int_equal(sent(), first);
    backend_stop();
}

static void a_body_of_many_slices_arrives(void **state)
{
    (void)state;
    uint16_t port = backend_start(0, false);
    around.spec.batch =
        (struct batch_settings){.present = true, .timeout_ns = 3600000000000u, .min_spans = 8192};
    open_exporter("http", port, MORE("compression=none"));
    for (uint32_t i = 0; i < 3000; i++)
        assert_int_equal(consume(i, 1), VERDICT_ACCEPTED);
    drain();
    assert_each_once(&tally, 0, 3000);
    assert_true(tally.requests <= 4);
    backend_stop();
}

static void connections_are_kept(void **state)
{
    (void)state;
    uint16_t port = backend_start(0, false);
    open_exporter("http", port, MORE("headers.X-Tenant=blue"));
    for (uint32_t i = 0; i < 10; i++) {
        consume(i, 1);
        eventually(sent() == i + 1);
    }
    assert_int_equal(backend.connections, 1);
    assert_noted(backend.tenant, "blue");
    drain();
    close_exporter();
    open_exporter("http", port, MORE("disable_keep_alives=true"));
    for (uint32_t i = 10; i < 15; i++) {
        consume(i, 1);
        eventually(sent() == i + 1);
    }
    assert_int_equal(backend.connections, 6);
    drain();
    backend_stop();
}

static void a_traces_endpoint_is_used_as_it_is(void **state)
{
    (void)state;
    uint16_t port = backend_start(0, false);
    char line[80];
    snprintf(line, sizeof line, "traces_endpoint=http://127.0.0.1:%u/some/where?a=b", port);
    open_exporter("http", port, MORE(line));
    consume(0, 1);
    drain();
    assert_noted(backend.path, "/some/where");
    backend_stop();
}

static void a_proxy_is_used_when_told_and_not_for_this_host(void **state)
{
    (void)state;
    uint16_t port = backend_start(0, false); /* which plays the proxy: it sees the whole URL */
    char line[96], proxy[64];
    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%u", port);
    snprintf(line, sizeof line, "proxy_url=%s", proxy);
    open_exporter("http", port, MORE("traces_endpoint=http://far.example/x", line));
    consume(0, 1);
    drain();
    close_exporter();
    assert_noted(backend.path, "http://far.example/x");

    setenv("http_proxy", "http://127.0.0.1:9", 1);
    open_exporter("http", port, NULL);
    consume(1, 1);
    eventually(sent() == 2);
    unsetenv("http_proxy");
    backend_stop();
}

/* ---- trouble ---- */

static void a_backend_that_comes_back_gets_everything(void **state)
{
    (void)state;
    uint16_t port = backend_start(0, false);
    open_exporter("http", port, NULL);
    for (uint32_t i = 0; i < 20; i++)
        consume(i, 1);
    eventually(sent() == 20);
    backend_stop();
    for (uint32_t i = 20; i < 100; i++)
        assert_int_equal(consume(i, 1), VERDICT_ACCEPTED);
    eventually(component_report(exporter).error_ns != 0);
    backend_start(port, false);
    eventually(sent() == 100);
    assert_each_once(&tally, 0, 100);
    assert_int_equal(component_report(exporter).state, STATE_OK);
    assert_int_equal(count_of(&around, "otelcol_exporter_send_failed_spans"), 0);
    backend_stop();
}

static struct http_reply slow_once(uint32_t request)
{
    return (struct http_reply){.status = 200, .never = request == 0};
}

static void a_slow_backend_meets_the_timeout(void **state)
{
    (void)state;
    backend.reply = slow_once;
    uint16_t port = backend_start(0, false);
    open_exporter("http", port, MORE("timeout=3s"));
    consume(0, 5);
    eventually(sent() == 5);
    assert_each_once(&tally, 0, 5);
    assert_int_equal(backend.requests, 2);
    backend_stop();
}

static struct http_reply throttle_once(uint32_t request)
{
    struct http_reply good = {.status = 200};
    struct http_reply throttled = {.status = 429, .retry_after = "1"};
    return request ? good : throttled;
}

static void retry_after_is_followed(void **state)
{
    (void)state;
    backend.reply = throttle_once;
    uint16_t port = backend_start(0, false);
    open_exporter("http", port, NULL);
    uint64_t begun = monotonic_ns();
    consume(0, 5);
    eventually(sent() == 5);
    assert_true(monotonic_ns() - begun >= 1000000000);
    assert_each_once(&tally, 0, 5);
    backend_stop();
}

static char retry_date[64];
static struct http_reply throttle_until_date(uint32_t request)
{
    struct http_reply good = {.status = 200};
    struct http_reply throttled = {.status = 503, .retry_after = retry_date};
    return request ? good : throttled;
}

static void retry_after_may_be_a_date(void **state)
{
    (void)state;
    time_t then = time(NULL) + 3;
    struct tm tm;
    gmtime_r(&then, &tm);
    strftime(retry_date, sizeof retry_date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    backend.reply = throttle_until_date;
    uint16_t port = backend_start(0, false);
    open_exporter("http", port, NULL);
    consume(0, 1);
    eventually(sent() == 1);
    assert_true(time(NULL) >= then - 1); /* dates have whole seconds */
    backend_stop();
}

static unsigned scripted_status;
static struct http_reply fail_once(uint32_t request)
{
    static const char status[] = "\x08\x03\x12\x0cnot this one";
    struct http_reply good = {.status = 200};
    struct http_reply failed = {.status = scripted_status,
                                .type = "application/x-protobuf",
                                .body = status,
                                .len = sizeof status - 1};
    return request ? good : failed;
}

static void statuses_are_retried_as_the_specification_says(void **state)
{
    (void)state;
    static const unsigned statuses[] = {302, 307, 400, 401, 403, 404, 408, 413,
                                        429, 500, 501, 502, 503, 504, 505};
    uint64_t delivered = 0, failed = 0;
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        scripted_status = statuses[i];
        bool retry = scripted_status == 429 || scripted_status == 502 || scripted_status == 503 ||
                     scripted_status == 504;
        memset(&backend, 0, sizeof backend);
        backend.reply = fail_once;
        uint16_t port = backend_start(0, false);
        open_exporter("http", port, NULL);
        consume(i, 1);
        drain();
        delivered += retry;
        failed += !retry;
        assert_int_equal(backend.requests, retry ? 2 : 1);
        assert_int_equal(sent(), delivered);
        assert_int_equal(dropped(&around, "refused"), failed);
        assert_non_null(strstr(component_report(exporter).error, "not this one"));
        close_exporter();
        backend_stop();
    }
}

static struct http_reply partly(uint32_t request)
{
    static const char proto[] = "\x0a\x0b\x08\x02\x12\x07too old";
    static const char json[] =
        "{\"partialSuccess\":{\"rejectedSpans\":\"1\",\"errorMessage\":\"too new\"}}";
    static const char page[] = "<html>thank you</html>";
    struct http_reply replies[] = {
        {.status = 200, .type = "application/x-protobuf", .body = proto, .len = sizeof proto - 1},
        {.status = 200,
         .type = "application/json; charset=utf-8",
         .body = json,
         .len = sizeof json - 1},
        {.status = 200, .type = "text/html", .body = page, .len = sizeof page - 1},
    };
    return replies[request % 3];
}

static void partial_success_is_counted_and_not_retried(void **state)
{
    (void)state;
    backend.reply = partly;
    uint16_t port = backend_start(0, false);
    open_exporter("http", port, MORE("sending_queue.num_consumers=1"));
    for (uint32_t i = 0; i < 3; i++)
        consume(i * 5ull, 5);
    drain();
    assert_int_equal(sent(), 3 + 4 + 5);
    assert_int_equal(dropped(&around, "partial_success"), 3);
    assert_int_equal(backend.requests, 3);
    backend_stop();
}

#define HUGE_LEN (9 << 20)
static char *huge_body;
static struct http_reply huge(uint32_t request)
{
    return (struct http_reply){
        .status = request ? 400 : 200, .type = "text/plain", .body = huge_body, .len = HUGE_LEN};
}

static void a_huge_response_is_cut_off(void **state)
{
    (void)state;
    huge_body = malloc(HUGE_LEN);
    memset(huge_body, 'x', HUGE_LEN);
    backend.reply = huge;
    uint16_t port = backend_start(0, false);
    open_exporter("http", port, MORE("sending_queue.num_consumers=1"));
    consume(0, 5);
    consume(5, 5);
    drain();
    assert_int_equal(sent(), 5);
    assert_int_equal(dropped(&around, "refused"), 5);
    assert_int_equal(backend.requests, 2);
    backend_stop();
    free(huge_body);
}

static void at_the_deadline_requests_are_cancelled(void **state)
{
    (void)state;
    backend.reply = slow_once;
    uint16_t port = backend_start(0, false);
    open_exporter("http", port, MORE("timeout=0s", "sending_queue.num_consumers=1"));
    for (uint32_t i = 0; i < 10; i++)
        consume(i, 1);
    eventually(backend.requests == 1);
    exporter->ops->drain(exporter, 0);
    assert_int_equal(dropped(&around, "shutdown"), 10);
    close_exporter();
    backend_stop();
}

static void the_sender_hears_the_backends_status(void **state)
{
    (void)state;
    scripted_status = 403;
    backend.reply = fail_once;
    uint16_t port = backend_start(0, false);
    open_exporter("http", port, MORE("sending_queue.enabled=false"));
    struct waiting_sender senders[2];
    for (uint32_t i = 0; i < 2; i++) {
        sender_begin(&senders[i]);
        sender_close(&senders[i],
                     component_consume(exporter, spans_from(i, 1), &senders[i].receipt));
        eventually(senders[i].answered);
    }
    assert_int_equal(senders[0].outcome.verdict, VERDICT_REJECTED);
    assert_int_equal(senders[0].outcome.grpc_status, 7);
    assert_int_equal(senders[1].outcome.verdict, VERDICT_ACCEPTED);
    drain();
    backend_stop();
}

/* ---- TLS ---- */

static void tls_trusts_what_it_is_told_to(void **state)
{
    (void)state;
    char ca[1200];
    snprintf(ca, sizeof ca, "/tmp/tailspan-ca-XXXXXX");
    int fd = mkstemp(ca);
    assert_true(write(fd, test_cert, sizeof test_cert - 1) == sizeof test_cert - 1);
    close(fd);
    char ca_line[1220];
    snprintf(ca_line, sizeof ca_line, "tls.ca_file=%s", ca);

    uint16_t port = backend_start(0, true);
    open_exporter("https", port, MORE(ca_line));
    consume(0, 1);
    eventually(sent() == 1);
    drain();
    close_exporter();

    open_exporter("https", port, MORE(ca_line, "tls.server_name_override=localhost"));
    consume(1, 1);
    eventually(sent() == 2);
    char host[64];
    snprintf(host, sizeof host, "127.0.0.1:%u", port);
    assert_noted(backend.host, host);
    drain();
    close_exporter();

    open_exporter("https", port, MORE("tls.insecure_skip_verify=true", "tls.min_version=1.3"));
    consume(2, 1);
    eventually(sent() == 3);
    drain();
    close_exporter();
    assert_each_once(&tally, 0, 3);

    open_exporter("https", port, MORE("timeout=30s"));
    consume(3, 1);
    eventually(component_report(exporter).error_ns != 0);
    assert_non_null(strstr(component_report(exporter).error, "certificate"));
    exporter->ops->drain(exporter, 0);
    close_exporter();

    open_exporter("https", port, MORE(ca_line, "tls.server_name_override=elsewhere"));
    consume(4, 1);
    eventually(component_report(exporter).error_ns != 0);
    exporter->ops->drain(exporter, 0);
    assert_int_equal(tally.spans, 3);
    backend_stop();
    unlink(ca);
}

/* ---- configuration ---- */

static void wrong_configuration_is_refused(const char *const *lines, const char *says)
{
    struct error e = {""};
    around.spec.config = config_of(lines);
    struct component *c = otlp_http_exporter.create(&around.spec, &e);
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
    static const char at[] = "endpoint=http://localhost:4318";
    wrong_configuration_is_refused(MORE("timeout=1s"), "endpoint or traces_endpoint is required");
    wrong_configuration_is_refused(MORE("endpoint=localhost:4318"), "not a URL");
    wrong_configuration_is_refused(MORE("endpoint=ftp://localhost"), "not a URL");
    wrong_configuration_is_refused(MORE("endpoint=http://"), "not a URL");
    wrong_configuration_is_refused(MORE(at, "compression=snappy"), "supported: gzip, zstd, none");
    wrong_configuration_is_refused(MORE(at, "encoding=xml"), "supported: proto, json");
    wrong_configuration_is_refused(MORE(at, "compression_params.level=9"), "1 to 3");
    wrong_configuration_is_refused(MORE(at, "compression=none", "compression_params.level=1"),
                                   "no compression");
    wrong_configuration_is_refused(MORE(at, "auth.authenticator=x"), "auth is not supported");
    wrong_configuration_is_refused(MORE(at, "sending_queue.storage=x"), "not supported");
    wrong_configuration_is_refused(MORE(at, "headers.Content-Type=x"), "cannot be an HTTP header");
    wrong_configuration_is_refused(MORE(at, "headers.a b=x"), "cannot be an HTTP header");
    wrong_configuration_is_refused(MORE(at, "headers.a=x\r\nb: c"), "characters");
    wrong_configuration_is_refused(MORE(at, "tls.key_file=/dev/null"),
                                   "both cert_file and key_file");
    wrong_configuration_is_refused(MORE(at, "tls.ca_file=/nonexistent"), "/nonexistent");
    wrong_configuration_is_refused(MORE(at, "shiny=1"), "unknown key");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_around, close_around)
    const struct CMUnitTest tests[] = {
        CASE(every_encoding_and_compression_arrives),
        CASE(a_body_of_many_slices_arrives),
        CASE(connections_are_kept),
        CASE(a_traces_endpoint_is_used_as_it_is),
        CASE(a_proxy_is_used_when_told_and_not_for_this_host),
        CASE(a_backend_that_comes_back_gets_everything),
        CASE(a_slow_backend_meets_the_timeout),
        CASE(retry_after_is_followed),
        CASE(retry_after_may_be_a_date),
        CASE(statuses_are_retried_as_the_specification_says),
        CASE(partial_success_is_counted_and_not_retried),
        CASE(a_huge_response_is_cut_off),
        CASE(at_the_deadline_requests_are_cancelled),
        CASE(the_sender_hears_the_backends_status),
        CASE(tls_trusts_what_it_is_told_to),
        CASE(mistakes_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
