/* The receiver's HTTP side, spoken to in plain text over a socket: what is sent and what comes back
 * is what stands here. */
#include "fixture.h"

#include "receivers/otlp_http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char any_port[] = "{protocols: {http: {endpoint: \"127.0.0.1:0\"}}}";

struct answer {
    int status;
    char head[4096];
    char body[8192];
    size_t body_len;
    bool closed; /* the server closed the connection behind it */
};

static int dial(const struct fixture *f)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(f->http_port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static void put(int fd, const void *data, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n <= 0)
            return; /* the answer will tell why */
        data = (const char *)data + n;
        len -= (size_t)n;
    }
}

static const char *header_value(const struct answer *a, const char *name)
{
    static char value[512];
    size_t len = strlen(name);
    for (const char *line = a->head; (line = strstr(line, "\r\n"));) {
        line += 2;
        if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
            snprintf(value, sizeof value, "%.*s", (int)strcspn(line + len + 2, "\r"),
                     line + len + 2);
            return value;
        }
    }
    return NULL;
}

static void get_head(int fd, struct answer *a)
{
    size_t len = 0;
    memset(a, 0, sizeof *a);
    while (len < sizeof a->head - 1 && recv(fd, a->head + len, 1, 0) == 1) {
        len++;
        if (len >= 4 && memcmp(a->head + len - 4, "\r\n\r\n", 4) == 0)
            break;
    }
    if (sscanf(a->head, "HTTP/1.1 %d", &a->status) != 1)
        a->status = 0;
}

static void get(int fd, struct answer *a)
{
    get_head(fd, a);
    const char *length = header_value(a, "Content-Length");
    size_t expected = length ? strtoul(length, NULL, 10) : 0;
    assert_true(expected < sizeof a->body);
    while (a->body_len < expected) {
        ssize_t n = recv(fd, a->body + a->body_len, expected - a->body_len, 0);
        if (n <= 0)
            break;
        a->body_len += (size_t)n;
    }
    const char *connection = header_value(a, "Connection");
    a->closed = a->status == 0 || (connection && strcasecmp(connection, "close") == 0);
}

static void ask(int fd, const char *head, struct bytes body, struct answer *a)
{
    struct buffer out = {0};
    buffer_append_string(&out, head);
    buffer_printf(&out, "Host: localhost\r\nContent-Length: %zu\r\n\r\n", body.len);
    buffer_append(&out, body.data, body.len);
    put(fd, out.data, out.len);
    buffer_free(&out);
    get(fd, a);
}

#define POST     "POST /v1/traces HTTP/1.1\r\n"
#define PROTOBUF "Content-Type: application/x-protobuf\r\n"
#define JSON     "Content-Type: application/json\r\n"
#define NO_BODY  ((struct bytes){0})

/* One question on a connection of its own. */
static void ask_once(const struct fixture *f, const char *head, struct bytes body, struct answer *a)
{
    int fd = dial(f);
    ask(fd, head, body, a);
    close(fd);
}

static void assert_body(const struct answer *a, const char *text)
{
    assert_string_equal(a->body, text);
}

/* ---- what is accepted ---- */

static void test_protobuf_is_accepted(void **state)
{
    (void)state;
    struct fixture f;
    struct answer a;
    struct buffer request = {0};
    fixture_start(&f, any_port);
    make_request(&request, 3, 0);
    ask_once(&f, POST PROTOBUF, buffer_bytes(&request), &a);
    assert_int_equal(a.status, 200);
    assert_string_equal(header_value(&a, "Content-Type"), "application/x-protobuf");
    assert_int_equal(a.body_len, 0);
    assert_int_equal(f.sink.spans, 3);
    assert_true(bytes_equal(buffer_bytes(&f.sink.last), buffer_bytes(&request)));
    assert_int_equal(fixture_counter(&f, "otelcol_receiver_accepted_spans", "http", NULL), 3);
    buffer_free(&request);
    fixture_stop(&f, 1000);
    assert_int_equal(batch_live_bytes(), 0);
}

static void test_json_is_accepted_and_answered_in_json(void **state)
{
    (void)state;
    static const char json[] = "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":"
                               "\"0102030405060708090a0b0c0d0e0f10\",\"spanId\":"
                               "\"0102030405060708\",\"name\":\"a\"}]}]}]}";
    struct fixture f;
    struct answer a;
    fixture_start(&f, any_port);
    ask_once(&f, POST "Content-Type: Application/JSON; charset=utf-8\r\n", bytes_of_string(json),
             &a);
    assert_int_equal(a.status, 200);
    assert_string_equal(header_value(&a, "Content-Type"), "application/json");
    assert_body(&a, "{}");
    assert_int_equal(f.sink.spans, 1);
    fixture_stop(&f, 1000);
}

static void test_encodings(void **state)
{
    (void)state;
    static const struct {
        const char *head;
        void (*compress)(struct bytes in, struct buffer *out);
    } cases[] = {
        {POST PROTOBUF "Content-Encoding: gzip\r\n", compress_gzip},
        {POST PROTOBUF "Content-Encoding: GZip\r\n", compress_gzip},
        {POST PROTOBUF "Content-Encoding: zstd\r\n", compress_zstd},
        {POST PROTOBUF "Content-Encoding: deflate\r\n", compress_zlib},
        {POST PROTOBUF "Content-Encoding: deflate\r\n", compress_deflate},
        {POST PROTOBUF "Content-Encoding: zlib\r\n", compress_zlib},
    };
    struct fixture f;
    struct answer a;
    struct buffer request = {0};
    fixture_start(&f, any_port);
    make_request(&request, 1000, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer packed = {0};
        cases[i].compress(buffer_bytes(&request), &packed);
        ask_once(&f, cases[i].head, buffer_bytes(&packed), &a);
        assert_int_equal(a.status, 200);
        assert_true(bytes_equal(buffer_bytes(&f.sink.last), buffer_bytes(&request)));
        buffer_free(&packed);
    }
    ask_once(&f, POST PROTOBUF "Content-Encoding: identity\r\n", buffer_bytes(&request), &a);
    assert_int_equal(a.status, 200);
    buffer_free(&request);
    fixture_stop(&f, 1000);
}

static void test_an_empty_request_succeeds(void **state)
{
    (void)state;
    struct fixture f;
    struct answer a;
    fixture_start(&f, any_port);
    ask_once(&f, POST PROTOBUF, NO_BODY, &a);
    assert_int_equal(a.status, 200);
    ask_once(&f, POST JSON, bytes_of_string("{}"), &a);
    assert_int_equal(a.status, 200);
    assert_int_equal(f.sink.requests, 0);
    fixture_stop(&f, 1000);
}

static void test_chunked_body_on_a_kept_connection(void **state)
{
    (void)state;
    struct fixture f;
    struct answer a;
    struct buffer request = {0};
    fixture_start(&f, any_port);
    make_request(&request, 500, 0);
    int fd = dial(&f);
    for (int round = 0; round < 3; round++) {
        static const char head[] =
            POST PROTOBUF "Host: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
        put(fd, head, strlen(head));
        for (size_t at = 0; at < request.len; at += 1000) {
            char size[16];
            size_t len = request.len - at < 1000 ? request.len - at : 1000;
            put(fd, size, (size_t)snprintf(size, sizeof size, "%zx\r\n", len));
            put(fd, request.data + at, len);
            put(fd, "\r\n", 2);
        }
        put(fd, "0\r\n\r\n", 5);
        get(fd, &a);
        assert_int_equal(a.status, 200);
        assert_true(bytes_equal(buffer_bytes(&f.sink.last), buffer_bytes(&request)));
        ask(fd, POST PROTOBUF, buffer_bytes(&request), &a);
        assert_int_equal(a.status, 200);
        assert_false(a.closed);
    }
    assert_int_equal(f.sink.spans, 3000);
    close(fd);
    buffer_free(&request);
    fixture_stop(&f, 1000);
}

/* Larger than what is received into a batch directly. */
static void test_a_large_body(void **state)
{
    (void)state;
    struct fixture f;
    struct answer a;
    struct buffer request = {0};
    fixture_start(&f, any_port);
    make_request(&request, 60000, 0);
    assert_true(request.len > 2 << 20);
    ask_once(&f, POST PROTOBUF, buffer_bytes(&request), &a);
    assert_int_equal(a.status, 200);
    assert_true(bytes_equal(buffer_bytes(&f.sink.last), buffer_bytes(&request)));
    buffer_free(&request);
    fixture_stop(&f, 1000);
}

static void test_expect_continue(void **state)
{
    (void)state;
    struct fixture f;
    struct answer a;
    fixture_start(&f, any_port);
    int fd = dial(&f);
    static const char head[] =
        POST JSON "Host: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    put(fd, head, strlen(head));
    get_head(fd, &a);
    assert_int_equal(a.status, 100);
    put(fd, "{}", 2);
    get(fd, &a);
    assert_int_equal(a.status, 200);
    close(fd);
    fixture_stop(&f, 1000);
}

/* ---- what is refused ---- */

static void test_refused_by_its_headers(void **state)
{
    (void)state;
    static const struct {
        const char *head;
        int status;
        const char *content_type;
        const char *body;
    } cases[] = {
        {"GET /v1/traces HTTP/1.1\r\n", 405, "text/plain; charset=utf-8",
         "405 method not allowed, supported: [POST]"},
        {"PUT /v1/traces HTTP/1.1\r\n" JSON, 405, "text/plain; charset=utf-8", NULL},
        {"OPTIONS /v1/traces HTTP/1.1\r\n", 405, "text/plain; charset=utf-8", NULL},
        {"POST /nope HTTP/1.1\r\n" JSON, 404, "text/plain; charset=utf-8", "404 page not found"},
        {"POST /v1/traces/ HTTP/1.1\r\n" JSON, 404, "text/plain; charset=utf-8", NULL},
        {"POST /v1/logs HTTP/1.1\r\n" JSON, 404, "text/plain; charset=utf-8", NULL},
        {POST "Content-Type: text/plain\r\n", 415, "text/plain; charset=utf-8", NULL},
        {POST "Content-Type: application/jsonp\r\n", 415, "text/plain; charset=utf-8", NULL},
        {POST, 415, "text/plain; charset=utf-8",
         "415 unsupported media type, supported: [application/json, application/x-protobuf]"},
        {POST JSON "Content-Encoding: br\r\n", 400, "application/json",
         "{\"code\":3,\"message\":\"unsupported Content-Encoding: br\"}"},
        {POST PROTOBUF "Content-Encoding: br\r\n", 400, "application/x-protobuf", NULL},
    };
    struct fixture f;
    struct answer a;
    fixture_start(&f, any_port);
    int fd = dial(&f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ask(fd, cases[i].head, bytes_of_string("{}"), &a);
        assert_int_equal(a.status, cases[i].status);
        assert_string_equal(header_value(&a, "Content-Type"), cases[i].content_type);
        if (cases[i].body)
            assert_body(&a, cases[i].body);
        const char *allow = header_value(&a, "Allow");
        assert_true(a.status == 405 ? allow && strcmp(allow, "POST") == 0 : !allow);
        assert_false(a.closed);
    }
    ask(fd, "POST /v1/traces?debug=1 HTTP/1.1\r\n" JSON, bytes_of_string("{}"), &a);
    assert_int_equal(a.status, 200);
    close(fd);
    assert_int_equal(
        fixture_counter(&f, "tailspan_receiver_refused_requests", "http", "unsupported"), 11);
    fixture_stop(&f, 1000);
}

static void test_malformed_says_where(void **state)
{
    (void)state;
    struct fixture f;
    struct answer a;
    fixture_start(&f, any_port);
    ask_once(&f, POST JSON, bytes_of_string("{\"resourceSpans\":[7]}"), &a);
    assert_int_equal(a.status, 400);
    assert_string_equal(header_value(&a, "Content-Type"), "application/json");
    assert_non_null(strstr(a.body, "\"code\":3"));
    assert_non_null(strstr(a.body, "resourceSpans[0]"));
    ask_once(&f, POST JSON, NO_BODY, &a);
    assert_int_equal(a.status, 400);
    ask_once(&f, POST PROTOBUF, bytes_of("\x0a\x05\x12", 3), &a);
    assert_int_equal(a.status, 400);
    assert_memory_equal(a.body, "\x08\x03\x12", 3);
    ask_once(&f, POST JSON "Content-Encoding: gzip\r\n", bytes_of_string("{}"), &a);
    assert_int_equal(a.status, 400);
    assert_int_equal(fixture_counter(&f, "tailspan_receiver_refused_requests", "http", "malformed"),
                     4);
    fixture_stop(&f, 1000);
    assert_int_equal(batch_live_bytes(), 0);
}

static void test_spans_with_bad_ids_are_rejected_one_by_one(void **state)
{
    (void)state;
    struct fixture f;
    struct answer a;
    struct buffer request = {0};
    fixture_start(&f, any_port);
    make_request(&request, 5, 2);
    ask_once(&f, POST PROTOBUF, buffer_bytes(&request), &a);
    assert_int_equal(a.status, 200);
    assert_int_equal(f.sink.spans, 3);
    assert_memory_equal(a.body + 2, "\x08\x02\x12", 3); /* rejected_spans 2, error_message */
    assert_non_null(memmem(a.body, a.body_len, "spans[0]", 8));
    request.len = 0;
    make_request(&request, 4, 4);
    ask_once(&f, POST PROTOBUF, buffer_bytes(&request), &a);
    assert_int_equal(a.status, 200);
    assert_memory_equal(a.body + 2, "\x08\x04\x12", 3);
    assert_int_equal(f.sink.requests, 1);
    assert_int_equal(fixture_counter(&f, "tailspan_receiver_rejected_spans", "http", "invalid_id"),
                     6);
    buffer_free(&request);
    fixture_stop(&f, 1000);
}

static void test_too_large(void **state)
{
    (void)state;
    struct fixture f;
    struct answer a;
    struct buffer request = {0}, packed = {0};
    make_request(&request, 1000, 0);
    char yaml[128];
    snprintf(yaml, sizeof yaml,
             "{protocols: {http: {endpoint: \"127.0.0.1:0\", max_request_body_size: %zu}}}",
             request.len);
    fixture_start(&f, yaml);
    ask_once(&f, POST PROTOBUF, buffer_bytes(&request), &a);
    assert_int_equal(a.status, 200);

    make_request(&request, 1, 0);
    ask_once(&f, POST PROTOBUF, buffer_bytes(&request), &a);
    assert_int_equal(a.status, 413);
    assert_string_equal(header_value(&a, "Content-Type"), "application/x-protobuf");
    compress_gzip(buffer_bytes(&request), &packed);
    ask_once(&f, POST PROTOBUF "Content-Encoding: gzip\r\n", buffer_bytes(&packed), &a);
    assert_int_equal(a.status, 413);

    /* told by its length alone, before any of it is sent */
    int fd = dial(&f);
    static const char head[] = POST JSON "Host: localhost\r\nContent-Length: 99999999999\r\n\r\n";
    put(fd, head, strlen(head));
    get(fd, &a);
    assert_int_equal(a.status, 413);
    assert_null(header_value(&a, "Retry-After"));
    close(fd);

    /* found out on the way */
    fd = dial(&f);
    static const char chunked[] =
        POST JSON "Host: localhost\r\nTransfer-Encoding: chunked\r\n\r\n20000\r\n";
    put(fd, chunked, strlen(chunked));
    char *blanks = malloc(0x20000);
    memset(blanks, ' ', 0x20000);
    put(fd, blanks, 0x20000);
    put(fd, "\r\n0\r\n\r\n", 7);
    get(fd, &a);
    assert_int_equal(a.status, 413);
    free(blanks);
    ask(fd, POST JSON, bytes_of_string("{}"), &a);
    assert_int_equal(a.status, 200);
    close(fd);
    assert_int_equal(fixture_counter(&f, "tailspan_receiver_refused_requests", "http", "too_large"),
                     4);
    buffer_free(&request);
    buffer_free(&packed);
    fixture_stop(&f, 1000);
    assert_int_equal(batch_live_bytes(), 0);
}

/* Who asks before sending is told before sending. */
static void test_expect_is_answered_with_the_refusal(void **state)
{
    (void)state;
    struct fixture f;
    struct answer a;
    fixture_start(&f, any_port);
    int fd = dial(&f);
    static const char head[] =
        "POST /v1/nothing HTTP/1.1\r\n" JSON
        "Host: localhost\r\nExpect: 100-continue\r\nContent-Length: 100000\r\n\r\n";
    put(fd, head, strlen(head));
    get(fd, &a);
    assert_int_equal(a.status, 404);
    close(fd);
    fixture_stop(&f, 1000);
}

/* ---- what the pipeline answers ---- */

static void test_busy_and_rejected(void **state)
{
    (void)state;
    struct fixture f;
    struct answer a;
    struct buffer request = {0};
    fixture_start(&f, any_port);
    make_request(&request, 2, 0);
    sink_answer(&f.sink, outcome_busy(1200, "memory is short"));
    ask_once(&f, POST PROTOBUF, buffer_bytes(&request), &a);
    assert_int_equal(a.status, 503);
    assert_string_equal(header_value(&a, "Retry-After"), "2");
    assert_non_null(memmem(a.body, a.body_len, "memory is short", 15));
    sink_answer(&f.sink, outcome_rejected(GRPC_STATUS_PERMISSION_DENIED, "no"));
    ask_once(&f, POST PROTOBUF, buffer_bytes(&request), &a);
    assert_int_equal(a.status, 403);
    assert_int_equal(fixture_counter(&f, "otelcol_receiver_refused_spans", "http", NULL), 4);
    assert_int_equal(fixture_counter(&f, "otelcol_receiver_accepted_spans", "http", NULL), 0);
    buffer_free(&request);
    fixture_stop(&f, 1000);
}

static void test_pending_answers_come_from_other_threads(void **state)
{
    (void)state;
    enum { CLIENTS = 8 };
    struct fixture f;
    struct answer a;
    struct buffer request = {0};
    int fds[CLIENTS];
    fixture_start(&f, any_port);
    make_request(&request, 2, 0);
    sink_answer(&f.sink, outcome_pending());
    for (int round = 0; round < 3; round++) {
        struct buffer out = {0};
        buffer_printf(&out, POST PROTOBUF "Host: localhost\r\nContent-Length: %zu\r\n\r\n",
                      request.len);
        buffer_append(&out, request.data, request.len);
        for (int i = 0; i < CLIENTS; i++) {
            if (round == 0)
                fds[i] = dial(&f);
            put(fds[i], out.data, out.len);
        }
        buffer_free(&out);
        sink_wait_held(&f.sink, CLIENTS);
        sink_resolve(&f.sink, round < 2 ? outcome_accepted() : outcome_busy(0, "backend is down"));
        for (int i = 0; i < CLIENTS; i++) {
            get(fds[i], &a);
            assert_int_equal(a.status, round < 2 ? 200 : 503);
        }
    }
    for (int i = 0; i < CLIENTS; i++)
        close(fds[i]);
    buffer_free(&request);
    fixture_stop(&f, 1000);
}

/* ---- CORS ---- */

static const char with_cors[] =
    "{protocols: {http: {endpoint: \"127.0.0.1:0\", cors: {allowed_origins: "
    "[\"https://*.example.com\"], allowed_headers: [X-Tenant], max_age: 600}}}}";

static void test_preflight(void **state)
{
    (void)state;
    struct fixture f;
    struct answer a;
    fixture_start(&f, with_cors);
    ask_once(&f,
             "OPTIONS /v1/traces HTTP/1.1\r\nOrigin: https://shop.example.com\r\n"
             "Access-Control-Request-Method: POST\r\n"
             "Access-Control-Request-Headers: content-type,x-tenant\r\n",
             NO_BODY, &a);
    assert_int_equal(a.status, 204);
    assert_string_equal(header_value(&a, "Access-Control-Allow-Origin"),
                        "https://shop.example.com");
    assert_string_equal(header_value(&a, "Access-Control-Allow-Methods"), "POST");
    assert_string_equal(header_value(&a, "Access-Control-Allow-Headers"), "content-type,x-tenant");
    assert_string_equal(header_value(&a, "Access-Control-Max-Age"), "600");
    static const char *const refused[] = {
        "OPTIONS /v1/traces HTTP/1.1\r\nOrigin: https://evil.com\r\n"
        "Access-Control-Request-Method: POST\r\n",
        "OPTIONS /v1/traces HTTP/1.1\r\nOrigin: https://shop.example.com\r\n"
        "Access-Control-Request-Method: DELETE\r\n",
        "OPTIONS /v1/traces HTTP/1.1\r\nOrigin: https://shop.example.com\r\n"
        "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: x-evil\r\n",
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        ask_once(&f, refused[i], NO_BODY, &a);
        assert_int_equal(a.status, 204);
        assert_null(header_value(&a, "Access-Control-Allow-Origin"));
    }
    fixture_stop(&f, 1000);
}

static void test_cross_origin_requests(void **state)
{
    (void)state;
    struct fixture f;
    struct answer a;
    fixture_start(&f, with_cors);
    ask_once(&f, POST JSON "Origin: https://shop.example.com\r\n", bytes_of_string("{}"), &a);
    assert_int_equal(a.status, 200);
    assert_string_equal(header_value(&a, "Access-Control-Allow-Origin"),
                        "https://shop.example.com");
    assert_string_equal(header_value(&a, "Vary"), "Origin");
    ask_once(&f, POST JSON "Origin: https://evil.com\r\n", bytes_of_string("{}"), &a);
    assert_int_equal(a.status, 200);
    assert_null(header_value(&a, "Access-Control-Allow-Origin"));
    fixture_stop(&f, 1000);
}

/* ---- settings ---- */

static void test_settings_show_in_the_answers(void **state)
{
    (void)state;
    struct fixture f;
    struct answer a;
    fixture_start(&f, "{protocols: {http: {endpoint: \"127.0.0.1:0\", traces_url_path: /spans, "
                      "response_headers: {X-Served-By: tailspan}, keep_alives_enabled: false, "
                      "compression_algorithms: [\"\", zstd]}}}");
    ask_once(&f, "POST /spans HTTP/1.1\r\n" JSON, bytes_of_string("{}"), &a);
    assert_int_equal(a.status, 200);
    assert_true(a.closed);
    assert_string_equal(header_value(&a, "X-Served-By"), "tailspan");
    ask_once(&f, POST JSON, bytes_of_string("{}"), &a);
    assert_int_equal(a.status, 404);
    ask_once(&f, "POST /spans HTTP/1.1\r\n" JSON "Content-Encoding: gzip\r\n",
             bytes_of_string("{}"), &a);
    assert_int_equal(a.status, 400);
    fixture_stop(&f, 1000);
}

/* A connection that is kept costs memory, so a crowd's are not. */
static void test_a_crowd_is_not_kept(void **state)
{
    (void)state;
    enum { CROWD = HTTP_KEPT_MOST + 8 };
    static int fds[CROWD];
    struct fixture f;
    struct answer a;
    fixture_start(&f, any_port);
    for (int i = 0; i < CROWD; i++) {
        fds[i] = dial(&f);
        ask(fds[i], POST JSON, bytes_of_string("{}"), &a);
        assert_int_equal(a.status, 200);
        assert_true(a.closed == (i >= HTTP_KEPT_MOST));
    }
    for (int i = 0; i < CROWD; i++)
        close(fds[i]);
    fixture_stop(&f, 1000);
}

static void test_drain_refuses_on_kept_connections(void **state)
{
    (void)state;
    struct fixture f;
    struct answer a;
    fixture_start(&f, any_port);
    int fd = dial(&f);
    ask(fd, POST JSON, bytes_of_string("{}"), &a);
    assert_int_equal(a.status, 200);
    f.receiver->ops->drain(f.receiver, monotonic_ns() + UINT64_C(1000000000));
    ask(fd, POST JSON, bytes_of_string("{}"), &a);
    assert_int_equal(a.status, 503);
    assert_true(a.closed);
    close(fd);
    fixture_stop(&f, 1000);
}

/* The request that is in the pipeline is answered before the drain ends. */
static void *drain(void *context)
{
    struct fixture *f = context;
    f->receiver->ops->drain(f->receiver, monotonic_ns() + UINT64_C(60000000000));
    return NULL;
}

static void test_drain_waits_for_the_pipeline(void **state)
{
    (void)state;
    struct fixture f;
    struct answer a;
    struct buffer request = {0};
    pthread_t thread;
    fixture_start(&f, any_port);
    make_request(&request, 1, 0);
    sink_answer(&f.sink, outcome_pending());
    int fd = dial(&f);
    char head[128];
    put(fd, head,
        (size_t)snprintf(head, sizeof head,
                         POST PROTOBUF "Host: localhost\r\nContent-Length: %zu\r\n\r\n",
                         request.len));
    put(fd, request.data, request.len);
    sink_wait_held(&f.sink, 1);
    assert_int_equal(pthread_create(&thread, NULL, drain, &f), 0);
    sink_resolve(&f.sink, outcome_accepted());
    get(fd, &a);
    assert_int_equal(a.status, 200);
    pthread_join(thread, NULL);
    close(fd);
    buffer_free(&request);
    fixture_stop(&f, 1000);
}

/* Whatever is left half done is cut off, and nothing leaks. */
static void test_stop_with_a_half_sent_body(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, any_port);
    int fd = dial(&f);
    static const char half[] = POST PROTOBUF "Host: localhost\r\nContent-Length: 100\r\n\r\nabc";
    put(fd, half, strlen(half));
    struct answer a;
    ask_once(&f, POST JSON, bytes_of_string("{}"), &a); /* the half has been read by now */
    fixture_stop(&f, 1);
    close(fd);
    assert_int_equal(batch_live_bytes(), 0);
}

/* Bytes come often enough for libmicrohttpd, which closes after three seconds without any. */
static void test_a_body_that_drips_in_is_cut_off(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, "{protocols: {http: {endpoint: \"127.0.0.1:0\", read_timeout: 2500ms}}}");
    int fd = dial(&f);
    static const char head[] = POST PROTOBUF "Host: h\r\nContent-Length: 100000\r\n\r\n";
    put(fd, head, sizeof head - 1);
    while (send(fd, "x", 1, MSG_NOSIGNAL) == 1)
        usleep(20000);
    close(fd);
    assert_int_equal(fixture_counter(&f, "tailspan_receiver_refused_requests", "http", "too_slow"),
                     1);
    fixture_stop(&f, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_protobuf_is_accepted),
        cmocka_unit_test(test_json_is_accepted_and_answered_in_json),
        cmocka_unit_test(test_encodings),
        cmocka_unit_test(test_an_empty_request_succeeds),
        cmocka_unit_test(test_chunked_body_on_a_kept_connection),
        cmocka_unit_test(test_a_large_body),
        cmocka_unit_test(test_expect_continue),
        cmocka_unit_test(test_refused_by_its_headers),
        cmocka_unit_test(test_malformed_says_where),
        cmocka_unit_test(test_spans_with_bad_ids_are_rejected_one_by_one),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_expect_is_answered_with_the_refusal),
        cmocka_unit_test(test_busy_and_rejected),
        cmocka_unit_test(test_pending_answers_come_from_other_threads),
        cmocka_unit_test(test_preflight),
        cmocka_unit_test(test_cross_origin_requests),
        cmocka_unit_test(test_settings_show_in_the_answers),
        cmocka_unit_test(test_a_crowd_is_not_kept),
        cmocka_unit_test(test_drain_refuses_on_kept_connections),
        cmocka_unit_test(test_drain_waits_for_the_pipeline),
        cmocka_unit_test(test_stop_with_a_half_sent_body),
        cmocka_unit_test(test_a_body_that_drips_in_is_cut_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
