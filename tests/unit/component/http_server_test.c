/* The small HTTP server, asked over a real socket. */
#include "component/http_server.h"
#include "tests/unit/exporters/pki.h"

#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static bool append_pair(void *context, const char *name, const char *value)
{
    buffer_printf(context, "%s=%s;", name, value);
    return true;
}

/* ---- a body that is made while it is read ---- */

enum { PIECES = 5000 };

struct pieces {
    unsigned told;
    unsigned breaks_at; /* 0: never */
};

static atomic_uint streams_freed;

static ssize_t next_piece(void *context, uint8_t *out, size_t room)
{
    struct pieces *p = context;
    assert_true(room >= 8);
    if (p->breaks_at && p->told == p->breaks_at)
        return -1;
    if (p->told == PIECES)
        return 0;
    char text[16];
    snprintf(text, sizeof text, "%07u\n", p->told++);
    memcpy(out, text, 8);
    return 8;
}

static void free_pieces(void *context)
{
    free(context);
    atomic_fetch_add(&streams_freed, 1);
}

static void stream_pieces(struct http_reply *reply, const char *path)
{
    struct pieces *p = calloc(1, sizeof *p);
    assert_non_null(p);
    p->breaks_at = strcmp(path, "/stream/broken") == 0 ? 10 : 0;
    reply->stream = next_piece;
    reply->stream_free = free_pieces;
    reply->stream_context = p;
    reply->stream_held = strcmp(path, "/stream/huge") == 0 ? (size_t)1 << 40 : 1000;
}

/* Echoes what it understood; /slow takes longer than a connection may be idle. */
static void echo(void *context, const struct http_request *rq, struct http_reply *reply)
{
    (void)context;
    if (strncmp(rq->path, "/stream", 7) == 0) {
        stream_pieces(reply, rq->path);
        return;
    }
    if (strcmp(rq->path, "/local") == 0) {
        http_reply_text(reply, 200, http_peer_is_local(rq) ? "it is" : "it is not");
        return;
    }
    if (strcmp(rq->path, "/slow") == 0)
        sleep(4);
    const char *a = http_query(rq, "a");
    const char *header = http_header(rq, "X-Test");
    reply->status = 201;
    http_reply_header(reply, "X-Answer", "yes");
    buffer_printf(&reply->body, "%s %s a=%s h=%s body=%zu ", rq->method, rq->path, a ? a : "-",
                  header ? header : "-", rq->body.len);
    http_query_each(rq, append_pair, &reply->body);
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

/* Sends `request`, which asks for the connection to be closed, and reads all that comes. */
static char *exchange(struct http_server *s, const char *request, size_t len)
{
    static char reply[65536];
    int fd = connect_to(http_server_port(s));
    for (size_t sent = 0; sent < len;) {
        ssize_t n = send(fd, request + sent, len - sent, MSG_NOSIGNAL);
        if (n <= 0)
            break;
        sent += (size_t)n;
    }
    size_t have = 0;
    ssize_t n;
    while ((n = recv(fd, reply + have, sizeof reply - 1 - have, 0)) > 0)
        have += (size_t)n;
    reply[have] = 0;
    close(fd);
    return reply;
}

static void requests_reach_the_handler(void **state)
{
    const char *rq = "POST /x/%41?a=1%202&b=3&a=4 HTTP/1.1\r\nHost: h\r\nX-Test: t\r\n"
                     "Content-Length: 5\r\nConnection: close\r\n\r\nhello";
    const char *reply = exchange(*state, rq, strlen(rq));
    assert_non_null(strstr(reply, "HTTP/1.1 201"));
    assert_non_null(strstr(reply, "X-Answer: yes"));
    assert_non_null(strstr(reply, "POST /x/A a=1 2 h=t body=5 a=1 2;b=3;a=4;"));
}

static void who_is_local(void **state)
{
    static const struct {
        const char *headers;
        bool local;
    } cases[] = {
        {"Host: localhost:16686", true},
        {"Host: LOCALHOST", true},
        {"Host: 127.0.0.1:16686", true},
        {"Host: 127.1.2.3", true},
        {"Host: [::1]:16686", true},
        {"Host: [::1]", true},
        {"Host: localhost\r\nAccept: */*\r\nX-Test: t", true},
        {"Host: traces.example", false},
        {"Host: 127.0.0.1.example", false},
        {"Host: [::1].example", false},
        {"Host: [::1", false},
        {"Host: [127.0.0.1]", false},
        {"Host: [2001:db8::1]", false},
        {"Host: 10.0.0.1:16686", false},
        {"Host:", false},
        {"Host: localhost\r\nX-Forwarded-For: 192.0.2.1", false},
        {"Host: localhost\r\nx-forwarded-proto: https", false},
        {"Host: localhost\r\nX-Forwarded-Host: a", false},
        {"Host: localhost\r\nForwarded: for=192.0.2.1", false},
        {"Host: localhost\r\nX-Real-IP: 192.0.2.1", false},
        {"Host: localhost\r\nVia: 1.1 p", false},
        {"Host: localhost\r\nCF-Connecting-IP: 192.0.2.1", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char rq[300];
        int len = snprintf(rq, sizeof rq, "GET /local HTTP/1.1\r\n%s\r\nConnection: close\r\n\r\n",
                           cases[i].headers);
        const char *reply = exchange(*state, rq, (size_t)len);
        if (!strstr(reply, cases[i].local ? "\r\n\r\nit is\n" : "\r\n\r\nit is not\n"))
            fail_msg("%s: %s", cases[i].headers, reply);
    }
}

/* The connection is not idle while the handler works. */
static void a_slow_answer_arrives(void **state)
{
    const char *rq = "GET /slow HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    const char *reply = exchange(*state, rq, strlen(rq));
    assert_non_null(strstr(reply, "HTTP/1.1 201"));
    assert_non_null(strstr(reply, "GET /slow"));
}

static void a_large_body_is_refused(void **state)
{
    enum { BODY = 5000 };
    char rq[BODY + 200];
    int head = snprintf(
        rq, 200, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\nConnection: close\r\n\r\n",
        BODY);
    memset(rq + head, 'x', BODY);
    const char *reply = exchange(*state, rq, (size_t)head + BODY);
    assert_non_null(strstr(reply, "HTTP/1.1 413"));
}

static void a_head_that_does_not_end_is_refused(void **state)
{
    enum { HEAD = 60000 };
    char *rq = malloc(HEAD);
    int n = snprintf(rq, HEAD, "GET /");
    memset(rq + n, 'y', (size_t)(HEAD - n));
    const char *reply = exchange(*state, rq, HEAD);
    assert_non_null(strstr(reply, "HTTP/1.1 4"));
    free(rq);
}

static void a_stream_is_read_to_its_end(void **state)
{
    const char *rq = "GET /stream HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    unsigned before = atomic_load(&streams_freed);
    const char *reply = exchange(*state, rq, strlen(rq));
    assert_non_null(strstr(reply, "HTTP/1.1 200"));
    char last[16];
    snprintf(last, sizeof last, "%07u\n", PIECES - 1);
    assert_non_null(strstr(reply, "0000000\n"));
    assert_non_null(strstr(reply, last));
    while (atomic_load(&streams_freed) == before)
        usleep(1000);
}

static void a_stream_that_breaks_is_not_taken_for_whole(void **state)
{
    const char *rq = "GET /stream/broken HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    unsigned before = atomic_load(&streams_freed);
    const char *reply = exchange(*state, rq, strlen(rq));
    assert_null(strstr(reply, "0000010\n"));
    assert_null(strstr(reply, "\r\n0\r\n")); /* the chunk that ends a body */
    while (atomic_load(&streams_freed) == before)
        usleep(1000);
}

static void a_stream_that_holds_too_much_is_refused(void **state)
{
    const char *rq = "GET /stream/huge HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    unsigned before = atomic_load(&streams_freed);
    const char *reply = exchange(*state, rq, strlen(rq));
    assert_non_null(strstr(reply, "HTTP/1.1 503"));
    assert_int_equal(atomic_load(&streams_freed), before + 1);
}

/* ---- what connections hold together ---- */

enum { LARGE = 24 << 20 }; /* more than the kernel takes off us */

static void answer_at_length(void *context, const struct http_request *rq, struct http_reply *reply)
{
    (void)context;
    if (strcmp(rq->path, "/large") != 0) {
        http_reply_text(reply, 200, "short");
        return;
    }
    uint8_t *to = buffer_reserve(&reply->body, LARGE);
    assert_non_null(to);
    memset(to, 'x', LARGE);
    reply->body.len = LARGE;
}

static bool is_status(struct http_server *s, const char *path, const char *status)
{
    char rq[128];
    int len =
        snprintf(rq, sizeof rq, "GET %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", path);
    return strncmp(exchange(s, rq, (size_t)len) + strlen("HTTP/1.1 "), status, 3) == 0;
}

static void replies_that_are_not_read_take_no_more_than_was_given(void **state)
{
    (void)state;
    struct error e = {0};
    struct http_server_options o = {.endpoint = "127.0.0.1:0",
                                    .name = "test",
                                    .threads = 2,
                                    .memory = LARGE + (LARGE / 2),
                                    .handle = answer_at_length};
    struct http_server *s = http_server_start(&o, &e);
    assert_non_null(s);
    int fd = connect_to(http_server_port(s));
    static const char rq[] = "GET /large HTTP/1.1\r\nHost: h\r\n\r\n";
    char byte;
    assert_int_equal(send(fd, rq, sizeof rq - 1, MSG_NOSIGNAL), sizeof rq - 1);
    assert_int_equal(recv(fd, &byte, 1, 0), 1);
    assert_true(is_status(s, "/large", "503"));
    assert_true(is_status(s, "/", "200"));
    close(fd);
    while (!is_status(s, "/large", "200"))
        usleep(1000);
    http_server_stop(s);
}

static void a_body_that_was_refused_is_not_read_for_ever(void **state)
{
    static const char head[] = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 999999999999\r\n\r\n";
    static const char piece[65536];
    int fd = connect_to(http_server_port(*state));
    assert_int_equal(send(fd, head, sizeof head - 1, MSG_NOSIGNAL), sizeof head - 1);
    while (send(fd, piece, sizeof piece, MSG_NOSIGNAL) > 0)
        ;
    close(fd);
}

/* ---- TLS ---- */

static gnutls_datum_t datum(const char *text)
{
    return (gnutls_datum_t){(unsigned char *)(uintptr_t)text, (unsigned)strlen(text)};
}

/* Whether a request over TLS is answered, with the client's certificate or without one. */
static bool is_answered(const struct http_server *s, bool certified, const char *priority)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    gnutls_certificate_credentials_t credentials;
    gnutls_session_t session;
    gnutls_datum_t cert = datum(test_cert), key = datum(test_key);
    gnutls_certificate_allocate_credentials(&credentials);
    if (certified)
        assert_int_equal(
            gnutls_certificate_set_x509_key_mem(credentials, &cert, &key, GNUTLS_X509_FMT_PEM), 0);
    gnutls_init(&session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL);
    gnutls_priority_set_direct(session, priority, NULL);
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials);
    int fd = connect_to(http_server_port(s));
    gnutls_transport_set_int(session, fd);
    char reply[64] = "";
    bool answered = gnutls_handshake(session) == 0 &&
                    gnutls_record_send(session, request, sizeof request - 1) > 0 &&
                    gnutls_record_recv(session, reply, sizeof reply - 1) > 0 &&
                    strncmp(reply, "HTTP/1.1 201", 12) == 0;
    gnutls_deinit(session);
    gnutls_certificate_free_credentials(credentials);
    close(fd);
    return answered;
}

static struct http_server *start_tls(const struct tls_server_settings *tls)
{
    struct error e = {0};
    struct http_server_options o = {.endpoint = "127.0.0.1:0",
                                    .name = "test",
                                    .threads = 2,
                                    .idle_seconds = 2,
                                    .tls = tls,
                                    .handle = echo};
    return http_server_start(&o, &e);
}

static void clients_without_the_demanded_certificate_are_not_served(void **state)
{
    (void)state;
    char ca[] = "/tmp/tailspan-test-ca-XXXXXX";
    int fd = mkstemp(ca);
    assert_int_equal(write(fd, test_cert, sizeof test_cert - 1), sizeof test_cert - 1);
    close(fd);
    struct tls_server_settings tls = {
        .cert_pem = test_cert, .key_pem = test_key, .client_ca_file = ca};
    struct http_server *s = start_tls(&tls);
    unlink(ca);
    assert_non_null(s);
    assert_true(is_answered(s, true, "NORMAL"));
    assert_false(is_answered(s, false, "NORMAL"));
    http_server_stop(s);
}

static void the_oldest_tls_version_is_the_configured_one(void **state)
{
    (void)state;
    struct tls_server_settings tls = {.cert_pem = test_cert, .key_pem = test_key};
    struct http_server *s = start_tls(&tls);
    assert_non_null(s);
    assert_true(is_answered(s, false, "NORMAL:-VERS-ALL:+VERS-TLS1.2"));
    http_server_stop(s);
    tls.min_version = TLS_1_3;
    s = start_tls(&tls);
    assert_non_null(s);
    assert_true(is_answered(s, false, "NORMAL"));
    assert_false(is_answered(s, false, "NORMAL:-VERS-ALL:+VERS-TLS1.2"));
    http_server_stop(s);
}

static int set_up(void **state)
{
    struct error e = {0};
    struct http_server_options o = {.endpoint = "127.0.0.1:0",
                                    .name = "test",
                                    .threads = 2,
                                    .body_limit = 4096,
                                    .idle_seconds = 2,
                                    .handle = echo};
    *state = http_server_start(&o, &e);
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    http_server_stop(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_reach_the_handler),
        cmocka_unit_test(who_is_local),
        cmocka_unit_test(a_slow_answer_arrives),
        cmocka_unit_test(a_large_body_is_refused),
        cmocka_unit_test(a_head_that_does_not_end_is_refused),
        cmocka_unit_test(a_stream_is_read_to_its_end),
        cmocka_unit_test(a_stream_that_breaks_is_not_taken_for_whole),
        cmocka_unit_test(a_stream_that_holds_too_much_is_refused),
        cmocka_unit_test(replies_that_are_not_read_take_no_more_than_was_given),
        cmocka_unit_test(a_body_that_was_refused_is_not_read_for_ever),
        cmocka_unit_test(clients_without_the_demanded_certificate_are_not_served),
        cmocka_unit_test(the_oldest_tls_version_is_the_configured_one),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
