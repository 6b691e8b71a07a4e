/* The command against a receiver of the test's own: exit status, and that what it sends arrives. */
#include "collector/demo/demo.h"

#include "collector/demo/shop.h"
#include "component/http_server.h"
#include "proto/batch.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct receiver {
    struct http_server *server;
    char url[64];
    unsigned status;
    bool rejects_all;
    atomic_uint requests;
    atomic_uint spans;
    atomic_uint wrong;
};

/* partial_success {rejected_spans: 100000}: more than any request has. */
static const uint8_t all_rejected[] = {0x0a, 0x04, 0x08, 0xa0, 0x8d, 0x06};

static void handle(void *context, const struct http_request *rq, struct http_reply *reply)
{
    struct receiver *r = context;
    struct batch_report report = {0};
    const char *type = http_header(rq, "Content-Type");
    atomic_fetch_add(&r->requests, 1);
    reply->status = r->status;
    if (strcmp(rq->method, "POST") != 0 || strcmp(rq->path, "/v1/traces") != 0 || !type ||
        strcmp(type, "application/x-protobuf") != 0)
        atomic_fetch_add(&r->wrong, 1);
    struct batch *b = batch_from_request(rq->body, &report);
    if (b) {
        atomic_fetch_add(&r->spans, b->span_count);
        batch_release(b);
    } else {
        atomic_fetch_add(&r->wrong, 1);
    }
    reply->content_type = "application/x-protobuf";
    if (r->rejects_all)
        buffer_append(&reply->body, all_rejected, sizeof all_rejected);
}

static void open_receiver(struct receiver *r)
{
    struct error e;
    struct http_server_options o = {.endpoint = "127.0.0.1:0",
                                    .name = "test",
                                    .threads = 1,
                                    .body_limit = 1 << 20,
                                    .handle = handle,
                                    .context = r};
    r->server = http_server_start(&o, &e);
    assert_non_null(r->server);
    snprintf(r->url, sizeof r->url, "http://127.0.0.1:%u/", http_server_port(r->server));
}

#define DEMO(...)                                                                                  \
    demo_main(sizeof((char *[]){"demo", __VA_ARGS__}) / sizeof(char *),                            \
              (char *[]){"demo", __VA_ARGS__, NULL})

static void once_sends_every_scene(void **state)
{
    struct receiver r = {.status = 200};
    (void)state;
    open_receiver(&r);
    assert_int_equal(DEMO("--endpoint", r.url, "--once", "--seed", "3"), 0);
    http_server_stop(r.server);
    assert_int_equal(r.requests, shop_scene_count);
    assert_true(r.spans > shop_scene_count);
    assert_int_equal(r.wrong, 0);
}

static void a_duration_ends_it(void **state)
{
    struct receiver r = {.status = 200};
    (void)state;
    open_receiver(&r);
    assert_int_equal(DEMO("--endpoint", r.url, "--duration=200ms", "--rate", "200"), 0);
    http_server_stop(r.server);
    assert_true(r.requests > 0);
    assert_int_equal(r.wrong, 0);
}

static void nothing_delivered_is_failure(void **state)
{
    struct receiver refusing = {.status = 503}, rejecting = {.status = 200, .rejects_all = true};
    (void)state;
    open_receiver(&refusing);
    open_receiver(&rejecting);
    assert_int_equal(DEMO("--endpoint", refusing.url, "--once"), 1);
    assert_int_equal(DEMO("--endpoint", rejecting.url, "--once"), 1);
    http_server_stop(refusing.server);
    http_server_stop(rejecting.server);
    assert_int_equal(refusing.requests, shop_scene_count);
    assert_int_equal(rejecting.requests, shop_scene_count);
}

/* A port that is bound and not listened on answers nobody. */
static void nobody_there_is_failure(void **state)
{
    (void)state;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    char endpoint[64];
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    snprintf(endpoint, sizeof endpoint, "127.0.0.1:%u", ntohs(address.sin_port));
    assert_int_equal(DEMO("--endpoint", endpoint), 1);
    assert_int_equal(DEMO("--endpoint", endpoint, "--protocol", "grpc"), 1);
    close(fd);
}

static void wrong_arguments_are_told(void **state)
{
    (void)state;
    assert_int_equal(DEMO("--frobnicate"), 2);
    assert_int_equal(DEMO("--endpoint"), 2);
    assert_int_equal(DEMO("--protocol", "carrier-pigeon"), 2);
    assert_int_equal(DEMO("--rate", "0"), 2);
    assert_int_equal(DEMO("--rate", "nan"), 2);
    assert_int_equal(DEMO("--rate", "5x"), 2);
    assert_int_equal(DEMO("--duration", "soon"), 2);
    assert_int_equal(DEMO("--duration", "-5s"), 2);
    assert_int_equal(DEMO("--seed", "abc"), 2);
    assert_int_equal(DEMO("now"), 2);
    assert_int_equal(DEMO("--help"), 0);
    assert_int_equal(DEMO("--list"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(once_sends_every_scene),       cmocka_unit_test(a_duration_ends_it),
        cmocka_unit_test(nothing_delivered_is_failure), cmocka_unit_test(nobody_there_is_failure),
        cmocka_unit_test(wrong_arguments_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
