/* The exporter over HTTP: configuration, paths, coding, many scrapes at once. */
#include "tests/unit/exporters/fixture.h"
#include "tests/unit/exporters/local.h"
#include "tests/unit/free_port.h"
#include "text_reader.h"

#include "metrics/prometheus/prometheus.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>

static struct surroundings around;
static uint16_t port;

static int open_around(void **state)
{
    (void)state;
    local_open(&around, &prometheus_exporter, "prometheus");
    return 0;
}

static int close_around(void **state)
{
    (void)state;
    local_close(&around);
    return 0;
}

/* NULL with `e` set when it could not start. */
static struct component *start_at_free_port(struct test_source *source, const char *const *more,
                                            struct error *e)
{
    char endpoint[64];
    const char *lines[8] = {endpoint};
    port = free_port();
    snprintf(endpoint, sizeof endpoint, "endpoint=127.0.0.1:%u", port);
    for (size_t n = 1; more && *more; more++)
        lines[n++] = *more;
    around.spec.config = config_of(lines);
    struct component *c = prometheus_exporter.create(&around.spec, e);
    if (!c)
        fail_msg("%s", e->text);
    assert_null(c->ops->consume);
    assert_true(c->ops->take_metrics(c, &source->source));
    if (c->ops->start(c, e))
        return c;
    c->ops->destroy(c);
    return NULL;
}

static struct component *started(struct test_source *source, const char *const *more)
{
    struct error e;
    struct component *c = NULL;
    for (int tries = 0; !c && tries < PORT_TRIES; tries++)
        c = start_at_free_port(source, more, &e);
    if (!c)
        fail_msg("%s", e.text);
    return c;
}
#define MORE(...) ((const char *const[]){__VA_ARGS__, NULL})

static void stopped(struct component *c)
{
    c->ops->stop(c);
    c->ops->destroy(c);
}

/* The whole answer, as text. */
static char *ask(const char *method, const char *path, const char *headers)
{
    char request[1024];
    int n =
        snprintf(request, sizeof request,
                 "%s %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n%s\r\n", method, path, headers);
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(send(fd, request, (size_t)n, MSG_NOSIGNAL), n);
    struct buffer answer = {0};
    for (;;) {
        uint8_t *room = buffer_reserve(&answer, 65536);
        ssize_t got = recv(fd, room, 65536, 0);
        if (got <= 0)
            break;
        answer.len += (size_t)got;
    }
    close(fd);
    return buffer_take(&answer, NULL);
}

static void assert_answer(const char *method, const char *path, const char *headers,
                          const char *expected)
{
    char *answer = ask(method, path, headers);
    if (!strstr(answer, expected))
        fail_msg("no \"%s\" in:\n%s", expected, answer);
    free(answer);
}

#define ACCEPT_OPEN_METRICS "Accept: application/openmetrics-text;version=1.0.0,*/*;q=0.1\r\n"

static void formats_are_negotiated(void **state)
{
    (void)state;
    struct test_source shop = shop_source();
    struct component *c = started(&shop, MORE("metric_expiration=0s", "enable_open_metrics=true",
                                              "response_headers.X-From=here"));
    assert_answer("GET", "/metrics", "", "\r\nContent-Type: text/plain; version=0.0.4");
    assert_answer("GET", "/metrics", "", "\r\nX-From: here\r\n");
    assert_answer("GET", "/metrics", "", "traces_span_metrics_calls_total{");
    assert_answer("GET", "/metrics", ACCEPT_OPEN_METRICS, "# EOF\n");
    assert_answer("GET", "/metrics", "Accept-Encoding: gzip\r\n", "Content-Encoding: gzip");
    assert_answer("HEAD", "/metrics", "", "200 OK");
    assert_answer("GET", "/", "", "404 Not Found");
    assert_answer("POST", "/metrics", "Content-Length: 0\r\n", "405 Method Not Allowed");
    stopped(c);
    assert_int_equal(count_of(&around, "tailspan_exporter_scrapes"), 6);
    assert_int_equal(count_of(&around, "otelcol_exporter_sent_metric_points"), 24);
}

static void open_metrics_is_off_by_default(void **state)
{
    (void)state;
    struct test_source shop = shop_source();
    struct component *c = started(&shop, MORE("metric_expiration=0s", "namespace=ns",
                                              "const_labels.zone=a", "add_metric_suffixes=false"));
    assert_answer("GET", "/metrics", ACCEPT_OPEN_METRICS, "text/plain; version=0.0.4");
    assert_answer("GET", "/metrics", "",
                  "ns_traces_span_metrics_calls{instance=\"i-1\",job=\"shop/cart\","
                  "otel_scope_name=\"test\",span_kind=\"SPAN_KIND_SERVER\",span_name=\"GET /\","
                  "zone=\"a\"} 7\n");
    stopped(c);
}

static void names_are_kept_for_who_takes_them(void **state)
{
    (void)state;
    struct test_source shop = shop_source();
    struct component *c =
        started(&shop, MORE("metric_expiration=0s", "translation_strategy=NoTranslation",
                            "without_scope_info=true"));
    assert_answer("GET", "/metrics", "", "traces_span_metrics_calls{");
    assert_answer("GET", "/metrics", "Accept: text/plain;version=1.0.0;escaping=allow-utf-8\r\n",
                  "{\"traces.span.metrics.calls\",instance=\"i-1\",job=\"shop/cart\","
                  "\"span.kind\"=\"SPAN_KIND_SERVER\",\"span.name\"=\"GET /\"} 7\n");
    stopped(c);
}

static void names_of_constants_are_spelled_like_those_of_attributes(void **state)
{
    (void)state;
    struct test_source shop = shop_source();
    struct component *c =
        started(&shop, MORE("metric_expiration=0s", "translation_strategy=NoTranslation",
                            "const_labels.another label=spaced value", "const_labels.__x=y",
                            "const_labels.7th=z"));
    assert_answer("GET", "/metrics", "", "another_label=\"spaced value\"");
    assert_answer("GET", "/metrics", "", "key__x=\"y\"");
    assert_answer("GET", "/metrics", "", "key_7th=\"z\"");
    assert_answer("GET", "/metrics", "Accept: text/plain;version=1.0.0;escaping=allow-utf-8\r\n",
                  "\"another label\"=\"spaced value\"");
    stopped(c);
}

static void *scrape_often(void *arg)
{
    (void)arg;
    for (int i = 0; i < 20; i++) {
        char *answer = ask("GET", "/metrics", i % 2 ? ACCEPT_OPEN_METRICS : "");
        assert_non_null(strstr(answer, "200 OK"));
        assert_non_null(strstr(answer, "target_info{"));
        free(answer);
    }
    return NULL;
}

static void scrapes_may_come_at_once(void **state)
{
    (void)state;
    struct test_source shop = shop_source();
    struct component *c = started(&shop, MORE("metric_expiration=0s", "enable_open_metrics=true"));
    pthread_t threads[8];
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, scrape_often, NULL), 0);
    for (size_t i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    stopped(c);
    assert_int_equal(count_of(&around, "tailspan_exporter_scrapes"), 160);
}

static void wrong_configuration_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *error;
    } cases[] = {
        {"auth.authenticator=x", "auth is not supported"},
        {"sending_queue.enabled=true", "there is no queue"},
        {"translation_strategy=x", "translation_strategy"},
        {"unknown=x", "unknown"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error e = {0};
        around.spec.config = CONFIG(cases[i].line);
        assert_null(prometheus_exporter.create(&around.spec, &e));
        assert_non_null(strstr(e.text, cases[i].error));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(formats_are_negotiated, open_around, close_around),
        cmocka_unit_test_setup_teardown(open_metrics_is_off_by_default, open_around, close_around),
        cmocka_unit_test_setup_teardown(names_are_kept_for_who_takes_them, open_around,
                                        close_around),
        cmocka_unit_test_setup_teardown(names_of_constants_are_spelled_like_those_of_attributes,
                                        open_around, close_around),
        cmocka_unit_test_setup_teardown(scrapes_may_come_at_once, open_around, close_around),
        cmocka_unit_test_setup_teardown(wrong_configuration_is_told, open_around, close_around),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
