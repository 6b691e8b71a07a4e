/* What health answers over HTTP, of a graph that runs. */
#include "surroundings.h"
#include "tests/unit/free_port.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

static struct surroundings around;
static uint16_t port;

/* False, with around.error set, when it could not start. */
static bool start_at_free_port(const char *more)
{
    char yaml[1024];
    port = free_port();
    snprintf(yaml, sizeof yaml,
             RECEIVER "exporters: {nop: , nop/two: , debug/otlp: }\n"
                      "connectors: {forward/otlp: }\n"
                      "extensions: {health_check: {endpoint: '127.0.0.1:%u'%s}}\n"
                      "service:\n  extensions: [health_check]\n  pipelines:\n"
                      "    traces: {receivers: [otlp], exporters: [nop, nop/two, forward/otlp]}\n"
                      "    traces/2: {receivers: [forward/otlp], exporters: [debug/otlp]}\n",
             port, more);
    surroundings_open(&around, yaml);
    if (around.graph && graph_start(around.graph, &around.error))
        return true;
    surroundings_close(&around);
    return false;
}

static void open_with(const char *more)
{
    for (int tries = 0; tries < PORT_TRIES; tries++) {
        if (start_at_free_port(more))
            return;
    }
    fail_msg("%s", around.error.text);
}

static int begin(void **state)
{
    (void)state;
    open_with("");
    return 0;
}

static int end(void **state)
{
    (void)state;
    graph_stop(around.graph, monotonic_ns() + 60000000000u);
    surroundings_close(&around);
    return 0;
}

struct answer {
    int status;
    char text[16384]; /* head and body */
};

static struct answer ask(const char *method, const char *path)
{
    struct answer a = {0};
    char request[256];
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    int len = snprintf(request, sizeof request,
                       "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", method, path);
    assert_int_equal(write(fd, request, (size_t)len), len);
    size_t used = 0;
    ssize_t n;
    while ((n = read(fd, a.text + used, sizeof a.text - 1 - used)) > 0)
        used += (size_t)n;
    close(fd);
    assert_int_equal(sscanf(a.text, "HTTP/1.1 %d", &a.status), 1);
    return a;
}

static void answers(const char *path, int status, const char *part)
{
    struct answer a = ask("GET", path);
    assert_int_equal(a.status, status);
    if (!strstr(a.text, part))
        fail_msg("%s: \"%s\" lacks \"%s\"", path, a.text, part);
}

struct search {
    const char *id;
    struct component *found;
};

static void look(void *context, struct component *c)
{
    struct search *s = context;
    if (strcmp(c->id, s->id) == 0)
        s->found = c;
}

static struct component *component(const char *id)
{
    struct search s = {.id = id};
    graph_each(around.graph, look, &s);
    assert_non_null(s.found);
    return s.found;
}

static void all_is_well(void **state)
{
    (void)state;
    answers("/health/live", 200, "\"live\"");
    answers("/health/ready", 200, "\"ready\"");
    answers("/health", 200, "\"ready\"");
    answers("/", 200, "\"status\":\"Server available\"");
    answers("/health/detailed", 200, "\"phase\": \"running\"");
    assert_int_equal(ask("HEAD", "/health/ready").status, 200);
}

static void one_that_is_degraded_makes_all_not_ready(void **state)
{
    (void)state;
    component_set_state(component("nop/two"), STATE_DEGRADED, "the \"disk\" is full");
    answers("/health/live", 200, "\"live\"");
    answers("/health/ready", 503, "\"not ready\"");
    answers("/", 503, "\"status\":\"Server not available\"");
    answers("/health/detailed", 503, "\"last_error\": \"the \\\"disk\\\" is full\"");
    answers("/health/component/nop/two", 503, "\"state\": \"degraded\"");
    answers("/health/component/nop", 200, "\"state\": \"ok\"");
    component_set_ok(component("nop/two"));
    answers("/health/ready", 200, "\"ready\"");
    answers("/health/component/nop/two", 200, "\"last_error\": \"the \\\"disk\\\" is full\"");
}

static void an_error_that_is_only_noted_leaves_it_ready(void **state)
{
    (void)state;
    component_note_error(component("nop"), "backend down");
    answers("/health/ready", 200, "\"ready\"");
    answers("/health/component/nop", 200, "\"last_error\": \"backend down\"");
}

static void components_are_found_by_class_and_name(void **state)
{
    (void)state;
    answers("/health/component/otlp", 200, "\"class\": \"receiver\"");
    answers("/health/component/receiver/otlp", 200, "\"name\": \"otlp\"");
    answers("/health/component/extension/health_check", 200, "\"type\": \"health_check\"");
    answers("/health/component/connector/forward/otlp", 200, "\"type\": \"forward\"");
    answers("/health/component/exporter/otlp", 404, "no component has this name");
    answers("/health/component/none", 404, "no component has this name");
    answers("/health/component/", 404, "no component has this name");
}

static void what_is_not_asked_for_is_refused(void **state)
{
    (void)state;
    answers("/nothing", 404, "not found");
    struct answer a = ask("POST", "/health/ready");
    assert_int_equal(a.status, 405);
    assert_non_null(strstr(a.text, "Allow: GET, HEAD"));
    assert_int_equal(ask("DELETE", "/").status, 405);
}

static void path_and_words_can_be_chosen(void **state)
{
    (void)state;
    open_with(", path: /up, response_body: {healthy: fine, unhealthy: broken}");
    answers("/up", 200, "\r\n\r\nfine");
    answers("/", 404, "not found");
    component_set_state(component("nop"), STATE_FAILED, "gone");
    answers("/up", 503, "\r\n\r\nbroken");
    answers("/health/ready", 503, "\"not ready\"");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_is_well),
        TEST(one_that_is_degraded_makes_all_not_ready),
        TEST(an_error_that_is_only_noted_leaves_it_ready),
        TEST(components_are_found_by_class_and_name),
        TEST(what_is_not_asked_for_is_refused),
        cmocka_unit_test_teardown(path_and_words_can_be_chosen, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
