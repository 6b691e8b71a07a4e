#include "component/http_server.h"

#include "component/endpoint.h"
#include "component/http_tls.h"
#include "component/log.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum {
    DEFAULT_CONNECTIONS = 256,
    DEFAULT_IDLE_SECONDS = 30,
    DEFAULT_BODY_LIMIT = 64 * 1024,
    DEFAULT_MEMORY = 64 << 20,
    DISCARD_MOST = 1 << 20,
    SMALL = 64 * 1024, /* bodies and replies up to this have room at any time */
    STREAM_BLOCK = 64 * 1024,
    CONNECTION_MEMORY = 32 * 1024, /* bounds the request line and headers */
};

struct http_server {
    struct MHD_Daemon *daemon;
    void (*handle)(void *context, const struct http_request *rq, struct http_reply *reply);
    void *context;
    size_t body_limit;
    size_t memory;
    uint16_t port;
    atomic_size_t held; /* bytes of bodies and replies; shared by the daemon's threads */
};

/* One request, until its reply is sent. */
struct exchange {
    struct buffer body;
    size_t held;      /* of its bytes, as counted in the server */
    size_t discarded; /* bytes of a body that was refused */
    bool too_large;
    bool crowded;
};

/* Counts bytes for as long as the exchange lasts. False: all connections together hold too many. */
static bool hold(struct http_server *s, struct exchange *x, size_t bytes)
{
    size_t before = atomic_fetch_add(&s->held, bytes);
    if (x->held + bytes > SMALL && before + bytes > s->memory) {
        atomic_fetch_sub(&s->held, bytes);
        return false;
    }
    x->held += bytes;
    return true;
}

const char *http_query(const struct http_request *rq, const char *name)
{
    return MHD_lookup_connection_value(rq->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *http_header(const struct http_request *rq, const char *name)
{
    return MHD_lookup_connection_value(rq->connection, MHD_HEADER_KIND, name);
}

static bool is_loopback_v4(struct in_addr a)
{
    return ntohl(a.s_addr) >> 24 == 127;
}

static bool is_loopback_v6(const struct in6_addr *a)
{
    return IN6_IS_ADDR_LOOPBACK(a) || (IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr[12] == 127);
}

static bool is_loopback(const struct sockaddr *a)
{
    if (a->sa_family == AF_INET)
        return is_loopback_v4(((const struct sockaddr_in *)a)->sin_addr);
    return a->sa_family == AF_INET6 && is_loopback_v6(&((const struct sockaddr_in6 *)a)->sin6_addr);
}

/* What proxies add. One that adds nothing cannot be told from who asks himself. */
static bool is_of_a_proxy(const char *header)
{
    static const char *const names[] = {"Forwarded",       "Via",
                                        "X-Real-IP",       "X-Client-IP",
                                        "True-Client-IP",  "CF-Connecting-IP",
                                        "X-Original-Host", "X-Envoy-External-Address"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcasecmp(header, names[i]) == 0)
            return true;
    }
    return strncasecmp(header, "X-Forwarded-", strlen("X-Forwarded-")) == 0;
}

static enum MHD_Result look_for_proxy(void *cls, enum MHD_ValueKind kind, const char *name,
                                      const char *value)
{
    (void)kind;
    (void)value;
    bool *found = cls;
    *found |= is_of_a_proxy(name);
    return *found ? MHD_NO : MHD_YES;
}

static bool came_by_proxy(const struct http_request *rq)
{
    bool found = false;
    MHD_get_connection_values(rq->connection, MHD_HEADER_KIND, look_for_proxy, &found);
    return found;
}

/* Whether a Host header calls this machine as only who is on it does. */
static bool is_loopback_host(const char *host)
{
    char name[64];
    struct in_addr v4;
    struct in6_addr v6;
    bool brackets = *host == '[';
    size_t len = brackets ? strcspn(++host, "]") : strcspn(host, ":");
    if (len >= sizeof name || (brackets && !host[len]))
        return false;
    const char *port = host + len + brackets;
    if (*port && *port != ':')
        return false;
    memcpy(name, host, len);
    name[len] = 0;
    if (brackets)
        return inet_pton(AF_INET6, name, &v6) == 1 && is_loopback_v6(&v6);
    return strcasecmp(name, "localhost") == 0 ||
           (inet_pton(AF_INET, name, &v4) == 1 && is_loopback_v4(v4));
}

bool http_peer_is_local(const struct http_request *rq)
{
    const union MHD_ConnectionInfo *peer =
        MHD_get_connection_info(rq->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const char *host = http_header(rq, "Host");
    return peer && peer->client_addr && is_loopback(peer->client_addr) && host &&
           is_loopback_host(host) && !came_by_proxy(rq);
}

struct each {
    bool (*each)(void *context, const char *name, const char *value);
    void *context;
};

static enum MHD_Result visit(void *cls, enum MHD_ValueKind kind, const char *name,
                             const char *value)
{
    (void)kind;
    struct each *e = cls;
    return e->each(e->context, name, value ? value : "") ? MHD_YES : MHD_NO;
}

void http_query_each(const struct http_request *rq,
                     bool (*each)(void *context, const char *name, const char *value),
                     void *context)
{
    struct each e = {each, context};
    MHD_get_connection_values(rq->connection, MHD_GET_ARGUMENT_KIND, visit, &e);
}

void http_reply_header(struct http_reply *r, const char *name, const char *value)
{
    size_t room = sizeof r->headers / sizeof r->headers[0];
    if (r->header_count >= room)
        return;
    strncpy(r->headers[r->header_count].name, name, sizeof r->headers[0].name - 1);
    strncpy(r->headers[r->header_count].value, value, sizeof r->headers[0].value - 1);
    r->header_count++;
}

void http_reply_text(struct http_reply *r, unsigned status, const char *text)
{
    r->status = status;
    r->content_type = NULL;
    r->body.len = 0;
    buffer_append_string(&r->body, text);
    buffer_append_byte(&r->body, '\n');
}

static void discard_stream(struct http_reply *r)
{
    if (r->stream)
        r->stream_free(r->stream_context);
    r->stream = NULL;
}

static void reply_crowded(struct http_reply *r)
{
    buffer_free(&r->body);
    discard_stream(r);
    r->header_count = 0;
    http_reply_text(r, MHD_HTTP_SERVICE_UNAVAILABLE,
                    "too much is being sent and read by others; try again");
    http_reply_header(r, MHD_HTTP_HEADER_RETRY_AFTER, "1");
}

struct streaming {
    ssize_t (*stream)(void *context, uint8_t *out, size_t room);
    void (*free)(void *context);
    void *context;
};

static ssize_t read_stream(void *cls, uint64_t position, char *out, size_t room)
{
    (void)position;
    struct streaming *x = cls;
    ssize_t n = x->stream(x->context, (uint8_t *)out, room);
    return n > 0    ? n
           : n == 0 ? MHD_CONTENT_READER_END_OF_STREAM
                    : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void free_stream(void *cls)
{
    struct streaming *x = cls;
    x->free(x->context);
    free(x);
}

static struct MHD_Response *stream_response(struct http_reply *reply)
{
    struct streaming *x = malloc(sizeof *x);
    if (x)
        *x = (struct streaming){reply->stream, reply->stream_free, reply->stream_context};
    struct MHD_Response *response =
        x ? MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_stream, x,
                                              free_stream)
          : NULL;
    if (!response) {
        free(x);
        discard_stream(reply);
    }
    return response;
}

static struct MHD_Response *body_response(struct http_reply *reply)
{
    size_t len;
    char *body = buffer_take(&reply->body, &len);
    struct MHD_Response *response =
        body ? MHD_create_response_from_buffer(len, body, MHD_RESPMEM_MUST_FREE)
             : MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
    if (!response)
        free(body);
    return response;
}

static enum MHD_Result send_reply(struct http_server *s, struct exchange *x,
                                  struct MHD_Connection *connection, struct http_reply *reply)
{
    if (reply->body.failed) {
        buffer_free(&reply->body);
        http_reply_text(reply, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
    }
    if (!hold(s, x, reply->stream ? reply->stream_held : reply->body.len))
        reply_crowded(reply);
    struct MHD_Response *response = reply->stream ? stream_response(reply) : body_response(reply);
    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                            reply->content_type ? reply->content_type
                                                : "text/plain; charset=utf-8");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    for (unsigned i = 0; i < reply->header_count; i++)
        MHD_add_response_header(response, reply->headers[i].name, reply->headers[i].value);
    enum MHD_Result result =
        MHD_queue_response(connection, reply->status ? reply->status : MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

/* MHD_NO closes the connection: a client that goes on sending what was refused is not listened to
 * for ever. */
static enum MHD_Result take_in(struct http_server *s, struct exchange *x, const char *data,
                               size_t len)
{
    if (!x->too_large && !x->crowded) {
        x->crowded = !hold(s, x, len);
        if (!x->crowded)
            buffer_append(&x->body, data, len);
        x->too_large = x->body.failed;
        if (x->too_large || x->crowded)
            buffer_free(&x->body);
    }
    x->discarded += x->too_large || x->crowded ? len : 0;
    return x->discarded <= s->body_limit + DISCARD_MOST ? MHD_YES : MHD_NO;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_len, void **state)
{
    (void)version;
    struct http_server *s = cls;
    struct exchange *x = *state;
    if (!x) {
        x = calloc(1, sizeof *x);
        if (!x)
            return MHD_NO;
        x->body.limit = s->body_limit;
        *state = x;
        return MHD_YES;
    }
    if (*data_len > 0) {
        size_t len = *data_len;
        *data_len = 0;
        return take_in(s, x, data, len);
    }
    struct http_reply reply = {0};
    if (x->too_large) {
        http_reply_text(&reply, MHD_HTTP_CONTENT_TOO_LARGE, "the request body is too large");
    } else if (x->crowded) {
        reply_crowded(&reply);
    } else {
        struct http_request rq = {.method = method,
                                  .path = url,
                                  .body = buffer_bytes(&x->body),
                                  .connection = connection};
        s->handle(s->context, &rq, &reply);
    }
    return send_reply(s, x, connection, &reply);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    (void)connection;
    (void)code;
    struct http_server *s = cls;
    struct exchange *x = *state;
    if (x) {
        atomic_fetch_sub(&s->held, x->held);
        buffer_free(&x->body);
        free(x);
        *state = NULL;
    }
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    (void)cls;
    (void)socket_context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        http_tls_demand_client(connection);
}

/* The options, as far as they are there; `tls` is theirs. Returns how many. */
static size_t collect(const struct http_server_options *o, int fd, struct MHD_OptionItem *items)
{
    unsigned connections = o->connections ? o->connections : DEFAULT_CONNECTIONS;
    unsigned idle_seconds = o->idle_seconds ? o->idle_seconds : DEFAULT_IDLE_SECONDS;
    size_t n = 0;
    items[n++] = (struct MHD_OptionItem){MHD_OPTION_LISTEN_SOCKET, fd, NULL};
    items[n++] = (struct MHD_OptionItem){MHD_OPTION_CONNECTION_LIMIT, connections, NULL};
    items[n++] = (struct MHD_OptionItem){MHD_OPTION_CONNECTION_TIMEOUT, idle_seconds, NULL};
    items[n++] =
        (struct MHD_OptionItem){MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, NULL};
    if (o->threads > 1)
        items[n++] = (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, o->threads, NULL};
    return n;
}

static bool start_daemon(struct http_server *s, const struct http_server_options *o, int fd,
                         struct error *e)
{
    struct MHD_OptionItem items[6 + HTTP_TLS_OPTIONS + 1];
    struct http_tls pem = {0};
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD;
    size_t n = collect(o, fd, items);
    if (o->tls) {
        size_t count = 0;
        flags |= MHD_USE_TLS;
        if (!http_tls_load(o->tls, &pem, items + n, &count, e)) {
            http_tls_free(&pem);
            return false;
        }
        n += count;
    }
    if (pem.client_ca)
        items[n++] =
            (struct MHD_OptionItem){MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, NULL};
    items[n] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    s->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, s, MHD_OPTION_NOTIFY_COMPLETED,
                                 on_completed, s, MHD_OPTION_ARRAY, items, MHD_OPTION_END);
    http_tls_free(&pem);
    return s->daemon || error_set(e, "cannot start the HTTP server on %s%s", o->endpoint,
                                  o->tls ? " (are certificate and key right?)" : "");
}

struct http_server *http_server_start(const struct http_server_options *o, struct error *e)
{
    struct http_server *s = calloc(1, sizeof *s);
    if (!s) {
        error_set(e, "out of memory");
        return NULL;
    }
    s->handle = o->handle;
    s->context = o->context;
    s->body_limit = o->body_limit ? o->body_limit : DEFAULT_BODY_LIMIT;
    s->memory = o->memory ? o->memory : DEFAULT_MEMORY;
    int fd = endpoint_listen(o->endpoint, &s->port, e);
    if (fd < 0) {
        error_at(e, "endpoint");
        free(s);
        return NULL;
    }
    if (!start_daemon(s, o, fd, e)) {
        close(fd);
        free(s);
        return NULL;
    }
    log_info(o->name, "listening", LOG_S("endpoint", o->endpoint), LOG_I("port", s->port));
    return s;
}

uint16_t http_server_port(const struct http_server *s)
{
    return s->port;
}

void http_server_stop(struct http_server *s)
{
    MHD_stop_daemon(s->daemon);
    free(s);
}
