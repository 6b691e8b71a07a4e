/* Sending over HTTP/1.1 with sockets of our own: one thread, one epoll, a connection a shot in
 * flight, kept alive. It reads only as much of HTTP as an answer to a POST needs: the status, the
 * length and the body. */
#include "tests/bench/load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

enum { REPLY_MAX = 8192, EVENTS = 64, IDLE_WAKE_NS = 20000000 };

struct connection {
    struct connection *next_idle;
    struct shot *shot; /* NULL: idle */
    int fd;
    char head[320];
    size_t head_len;
    size_t sent; /* of head and body */
    char reply[REPLY_MAX + 1];
    size_t reply_len;
};

struct client {
    struct load *load;
    struct sockaddr_in address;
    int epoll;
    int timer;
    struct connection *connections;
    struct connection *idle;
};

static void connect_to(struct client *c, struct connection *n)
{
    int one = 1;
    n->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (n->fd < 0 || connect(n->fd, (struct sockaddr *)&c->address, sizeof c->address) < 0) {
        fprintf(stderr, "loadgen: cannot connect to %s: %s\n", c->load->options.endpoint,
                strerror(errno));
        exit(1);
    }
    setsockopt(n->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = n};
    epoll_ctl(c->epoll, EPOLL_CTL_ADD, n->fd, &event);
}

static void answer(struct client *c, struct connection *n, enum answer what, uint64_t rejected)
{
    struct shot *s = n->shot;
    n->shot = NULL;
    n->next_idle = c->idle;
    c->idle = n;
    load_answer(c->load, s, what, rejected);
}

/* The peer closed or broke the connection: a new one, and the shot goes again. */
static void renew(struct client *c, struct connection *n)
{
    close(n->fd);
    connect_to(c, n);
    if (n->shot)
        answer(c, n, ANSWER_REFUSED, 0);
}

static void send_more(struct client *c, struct connection *n)
{
    size_t total = n->head_len + n->shot->len;
    while (n->sent < total) {
        struct iovec parts[2];
        int count = 0;
        size_t body_sent = n->sent > n->head_len ? n->sent - n->head_len : 0;
        if (n->sent < n->head_len)
            parts[count++] =
                (struct iovec){.iov_base = n->head + n->sent, .iov_len = n->head_len - n->sent};
        parts[count++] = (struct iovec){.iov_base = (void *)(uintptr_t)(n->shot->data + body_sent),
                                        .iov_len = n->shot->len - body_sent};
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)count};
        ssize_t done = sendmsg(n->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (done < 0) {
            if (errno != EAGAIN && errno != EINTR)
                renew(c, n);
            return;
        }
        n->sent += (size_t)done;
    }
}

static void start(struct client *c, struct connection *n, struct shot *s)
{
    n->shot = s;
    n->sent = 0;
    n->reply_len = 0;
    n->head_len = (size_t)snprintf(
        n->head, sizeof n->head,
        "POST /v1/traces HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-protobuf\r\n"
        "%sContent-Length: %zu\r\n\r\n",
        c->load->options.endpoint, c->load->options.gzip ? "Content-Encoding: gzip\r\n" : "",
        s->len);
    send_more(c, n);
}

/* True when the reply is complete. */
static bool parse_reply(const struct connection *n, int *status, const char **body, size_t *len)
{
    const char *end = strstr(n->reply, "\r\n\r\n");
    if (!end || sscanf(n->reply, "HTTP/1.1 %d", status) != 1)
        return false;
    const char *length = strcasestr(n->reply, "\r\ncontent-length:");
    *len = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
    *body = end + 4;
    return n->reply_len - (size_t)(*body - n->reply) >= *len;
}

static void take_reply(struct client *c, struct connection *n)
{
    static bool told;
    int status = 0;
    const char *body;
    size_t len;
    if (!parse_reply(n, &status, &body, &len)) {
        if (n->reply_len == REPLY_MAX)
            renew(c, n);
        return;
    }
    if (status != 200 && !told) {
        told = true;
        fprintf(stderr, "loadgen: first refusal: HTTP %d\n", status);
    }
    if (status == 200)
        answer(c, n, ANSWER_ACCEPTED, load_rejected_spans((const uint8_t *)body, len));
    else if (status == 429 || (status >= 502 && status <= 504))
        answer(c, n, ANSWER_REFUSED, 0);
    else
        answer(c, n, ANSWER_FAILED, 0);
}

static void receive(struct client *c, struct connection *n)
{
    for (;;) {
        ssize_t got = recv(n->fd, n->reply + n->reply_len, REPLY_MAX - n->reply_len, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
            renew(c, n);
            return;
        }
        if (got < 0)
            return;
        n->reply_len += (size_t)got;
        n->reply[n->reply_len] = 0;
        if (!n->shot) {
            n->reply_len = 0;
            continue;
        }
        take_reply(c, n);
    }
}

static uint64_t pump(struct client *c)
{
    uint64_t wake_ns = UINT64_MAX;
    while (c->idle) {
        struct shot *s = load_take(c->load, &wake_ns);
        if (!s)
            break;
        struct connection *n = c->idle;
        c->idle = n->next_idle;
        start(c, n, s);
    }
    return wake_ns;
}

static void set_timer(struct client *c, uint64_t wake_ns)
{
    uint64_t latest = load_now_ns() + IDLE_WAKE_NS;
    if (wake_ns > latest)
        wake_ns = latest;
    struct itimerspec at = {.it_value = {.tv_sec = (time_t)(wake_ns / 1000000000u),
                                         .tv_nsec = (long)(wake_ns % 1000000000u)}};
    timerfd_settime(c->timer, TFD_TIMER_ABSTIME, &at, NULL);
}

static void handle(struct client *c, const struct epoll_event *event)
{
    struct connection *n = event->data.ptr;
    if (!n) {
        uint64_t ticks;
        if (read(c->timer, &ticks, sizeof ticks) < 0)
            return;
        return;
    }
    if (event->events & EPOLLOUT && n->shot)
        send_more(c, n);
    if (event->events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        receive(c, n);
}

static bool address_of(const char *endpoint, struct sockaddr_in *address)
{
    char host[64];
    const char *colon = strrchr(endpoint, ':');
    if (!colon || (size_t)(colon - endpoint) >= sizeof host)
        return false;
    snprintf(host, sizeof host, "%.*s", (int)(colon - endpoint), endpoint);
    *address = (struct sockaddr_in){.sin_family = AF_INET,
                                    .sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10))};
    return inet_pton(AF_INET, host, &address->sin_addr) == 1;
}

void load_run_http(struct load *l)
{
    struct client c = {.load = l, .epoll = epoll_create1(EPOLL_CLOEXEC)};
    if (!address_of(l->options.endpoint, &c.address)) {
        fprintf(stderr, "loadgen: endpoint %s is not IPV4:PORT\n", l->options.endpoint);
        exit(2);
    }
    prctl(PR_SET_TIMERSLACK, 1000, 0, 0, 0);
    c.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(c.epoll, EPOLL_CTL_ADD, c.timer, &event);
    if (!(c.connections = calloc(l->options.in_flight, sizeof *c.connections)))
        abort();
    for (unsigned i = 0; i < l->options.in_flight; i++) {
        connect_to(&c, &c.connections[i]);
        c.connections[i].next_idle = c.idle;
        c.idle = &c.connections[i];
    }
    while (!load_done(l)) {
        struct epoll_event events[EVENTS];
        set_timer(&c, pump(&c));
        int count = epoll_wait(c.epoll, events, EVENTS, 100);
        for (int i = 0; i < count; i++)
            handle(&c, &events[i]);
    }
    for (unsigned i = 0; i < l->options.in_flight; i++)
        close(c.connections[i].fd);
    free(c.connections);
    close(c.timer);
    close(c.epoll);
}
