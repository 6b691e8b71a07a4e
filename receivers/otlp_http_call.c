/* One HTTP request: its headers are judged, its body is taken in, the pipeline asked, the answer
 * queued. All on the daemon's thread, but for an answer that comes later.
 *
 * A body of known, usual length is received straight into a batch's payload. Others grow in a
 * buffer as their bytes come, because a length that is only claimed must not take memory; what all
 * unfinished bodies may take together is bounded.
 *
 * A refused request's body is read and thrown away while it is small, so that the connection lives
 * on and the client, which may not look before it has sent everything, sees the answer. */
#include "receivers/otlp_http.h"

#include "receivers/cors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum {
    RESERVE_MOST = 1 << 20,     /* for one body that has not arrived yet */
    RESERVED_IN_ALL = 64 << 20, /* for all of them */
    UPLOADS_IN_ALL = 4,         /* times the limit of one request */
    DISCARD_MOST = 4 << 20,
};

#define LENGTH_UNKNOWN SIZE_MAX

enum turn {
    TURN_OPEN,      /* submitted, the daemon's thread is still in the handler */
    TURN_SUSPENDED, /* whoever answers wakes the connection */
    TURN_ANSWERED,
};

struct http_call {
    struct intake_request rq; /* first: `answered` gets it */
    struct otlp_http *server;
    struct MHD_Connection *connection;
    struct body_format format;
    size_t expected; /* Content-Length, or LENGTH_UNKNOWN */
    size_t received;
    struct batch *batch; /* the body lies in its payload, or in `body` */
    struct buffer body;
    bool decided;   /* the reply is known before the body, which is thrown away */
    bool plain;     /* the reply is text: what the client speaks is not known */
    bool preflight; /* the reply is CORS' */
    bool submitted;
    atomic_int turn; /* shared with whoever answers */
};

static const char *header(const struct http_call *c, const char *name)
{
    return MHD_lookup_connection_value(c->connection, MHD_HEADER_KIND, name);
}

/* ---- the reply ---- */

static bool cors_on(const struct otlp_http *h)
{
    return h->settings.cors.allowed_origins.count > 0;
}

/* Whether the connection is to be closed behind this reply. */
static bool closes(const struct otlp_http *h)
{
    return !h->settings.keep_alives_enabled || h->connections > HTTP_KEPT_MOST ||
           atomic_load(&h->refusing);
}

static void add_common_headers(const struct otlp_http *h, struct MHD_Response *response)
{
    const struct config_pairs *extra = &h->settings.response_headers;
    for (size_t i = 0; i < extra->count; i++)
        MHD_add_response_header(response, extra->items[i].key, extra->items[i].value);
    if (cors_on(h))
        MHD_add_response_header(response, "Vary", "Origin");
    if (closes(h))
        MHD_add_response_header(response, "Connection", "close");
}

static void add_list(struct MHD_Response *response, const char *name,
                     const struct config_strings *list)
{
    struct buffer joined = {0};
    for (size_t i = 0; i < list->count; i++)
        buffer_printf(&joined, "%s%s", i ? ", " : "", list->items[i]);
    char *text = buffer_take(&joined, &(size_t){0});
    if (text)
        MHD_add_response_header(response, name, text);
    free(text);
}

static void add_origin(const struct otlp_http *h, struct MHD_Response *response, const char *origin)
{
    MHD_add_response_header(response, "Access-Control-Allow-Origin", origin);
    MHD_add_response_header(response, "Access-Control-Allow-Credentials", "true");
    if (h->settings.cors.exposed_headers.count > 0)
        add_list(response, "Access-Control-Expose-Headers", &h->settings.cors.exposed_headers);
}

static const char *content_type(bool json)
{
    return json ? "application/json" : "application/x-protobuf";
}

static struct MHD_Response *response_create(struct buffer *body)
{
    size_t len;
    char *text = buffer_take(body, &len);
    struct MHD_Response *response =
        text ? MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE)
             : MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
    if (!response)
        free(text);
    return response;
}

struct MHD_Response *http_accepted_response(const struct otlp_http *h, bool json)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        json ? 2 : 0, (void *)(uintptr_t)(json ? "{}" : ""), MHD_RESPMEM_PERSISTENT);
    if (!response)
        return NULL;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type(json));
    add_common_headers(h, response);
    return response;
}

static struct MHD_Response *reply_response(struct http_call *c)
{
    const struct reply *r = &c->rq.reply;
    struct buffer body = {0};
    if (c->plain)
        buffer_append_string(&body, r->message);
    else
        reply_body(r, c->format.json, &body);
    struct MHD_Response *response = response_create(&body);
    if (!response)
        return NULL;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                            c->plain ? "text/plain; charset=utf-8" : content_type(c->format.json));
    if (r->http_status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "POST");
    unsigned seconds = reply_retry_after(r);
    if (seconds > 0) {
        char text[16];
        snprintf(text, sizeof text, "%u", seconds);
        MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, text);
    }
    add_common_headers(c->server, response);
    return response;
}

/* What nearly every request is answered, made once. */
static bool is_usual(const struct http_call *c)
{
    return c->rq.reply.status == GRPC_STATUS_OK && c->rq.reply.rejected_spans == 0 &&
           closes(c->server) == !c->server->settings.keep_alives_enabled;
}

static enum MHD_Result queue_reply(struct http_call *c)
{
    struct otlp_http *h = c->server;
    const char *origin = cors_on(h) ? header(c, "Origin") : NULL;
    unsigned status = reply_http_status(&c->rq.reply);
    if (is_usual(c) && !origin)
        return MHD_queue_response(c->connection, status, h->accepted[c->format.json]);
    struct MHD_Response *response = reply_response(c);
    if (!response)
        return MHD_NO;
    if (origin && cors_origin_allowed(&h->settings.cors.allowed_origins, origin))
        add_origin(h, response, origin);
    enum MHD_Result result = MHD_queue_response(c->connection, status, response);
    MHD_destroy_response(response);
    return result;
}

/* What is not allowed is answered without the headers that would allow it, which browsers take for
 * no. */
static enum MHD_Result queue_preflight(struct http_call *c)
{
    const struct otlp_http *h = c->server;
    struct MHD_Response *response = response_create(&(struct buffer){0});
    if (!response)
        return MHD_NO;
    const char *origin = header(c, "Origin");
    const char *method = header(c, "Access-Control-Request-Method");
    const char *headers = header(c, "Access-Control-Request-Headers");
    if (cors_origin_allowed(&h->settings.cors.allowed_origins, origin) &&
        strcmp(method, "POST") == 0 &&
        (!headers || cors_headers_allowed(&h->settings.cors.allowed_headers, headers))) {
        add_origin(h, response, origin);
        MHD_add_response_header(response, "Access-Control-Allow-Methods", "POST");
        if (headers)
            MHD_add_response_header(response, "Access-Control-Allow-Headers", headers);
        if (h->settings.cors.max_age > 0) {
            char text[24];
            snprintf(text, sizeof text, "%lld", (long long)h->settings.cors.max_age);
            MHD_add_response_header(response, "Access-Control-Max-Age", text);
        }
    }
    add_common_headers(h, response);
    enum MHD_Result result = MHD_queue_response(c->connection, MHD_HTTP_NO_CONTENT, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result queue(struct http_call *c)
{
    return c->preflight ? queue_preflight(c) : queue_reply(c);
}

/* ---- the headers ---- */

static void decide(struct http_call *c, enum intake_refusal why, const char *detail)
{
    intake_refuse(&c->rq, why, detail);
    c->decided = true;
}

static void decide_text(struct http_call *c, unsigned http_status, const char *text)
{
    decide(c, REFUSED_UNSUPPORTED, text);
    c->rq.reply.http_status = http_status;
    c->plain = true;
}

/* Whether a Content-Type's media type is this one; parameters are let be. */
static bool is_media_type(const char *text, const char *type)
{
    size_t len = strlen(type);
    if (strncasecmp(text, type, len) != 0)
        return false;
    text += len;
    text += strspn(text, " \t");
    return *text == 0 || *text == ';';
}

static bool read_content_type(struct http_call *c)
{
    const char *text = header(c, MHD_HTTP_HEADER_CONTENT_TYPE);
    if (text && is_media_type(text, content_type(false)))
        return true;
    c->format.json = text && is_media_type(text, content_type(true));
    if (!c->format.json)
        decide_text(c, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE,
                    "415 unsupported media type, supported: [application/json, "
                    "application/x-protobuf]");
    return c->format.json;
}

static bool encoding_enabled(const struct otlp_http_settings *s, const char *name)
{
    if (!s->has_compression_algorithms)
        return true;
    for (size_t i = 0; i < s->compression_algorithms.count; i++)
        if (strcasecmp(s->compression_algorithms.items[i], name) == 0)
            return true;
    return false;
}

static bool read_encoding(struct http_call *c)
{
    static const struct {
        const char *name;
        enum encoding encoding;
    } known[] = {
        {"", ENCODING_IDENTITY},    {"gzip", ENCODING_GZIP}, {"zstd", ENCODING_ZSTD},
        {"deflate", ENCODING_ZLIB}, {"zlib", ENCODING_ZLIB},
    };
    const char *text = header(c, MHD_HTTP_HEADER_CONTENT_ENCODING);
    const char *name = text && strcasecmp(text, "identity") != 0 ? text : "";
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcasecmp(name, known[i].name) == 0 && encoding_enabled(&c->server->settings, name)) {
            c->format.encoding = known[i].encoding;
            return true;
        }
    }
    decide(c, REFUSED_UNSUPPORTED, "");
    reply_set(&c->rq.reply, GRPC_STATUS_INVALID_ARGUMENT, "unsupported Content-Encoding: %.64s",
              name);
    return false;
}

static size_t content_length(const struct http_call *c)
{
    const char *text = header(c, MHD_HTTP_HEADER_CONTENT_LENGTH);
    if (!text)
        return header(c, MHD_HTTP_HEADER_TRANSFER_ENCODING) ? LENGTH_UNKNOWN : 0;
    errno = 0;
    unsigned long long n = strtoull(text, NULL, 10);
    return errno || n >= LENGTH_UNKNOWN ? LENGTH_UNKNOWN - 1 : (size_t)n;
}

static bool is_preflight(const struct http_call *c, const char *method)
{
    return strcmp(method, MHD_HTTP_METHOD_OPTIONS) == 0 && cors_on(c->server) &&
           header(c, "Origin") && header(c, "Access-Control-Request-Method");
}

static void judge(struct http_call *c, const char *url, const char *method)
{
    c->expected = content_length(c);
    if (is_preflight(c, method))
        c->preflight = c->decided = true;
    else if (strcmp(url, c->server->settings.traces_url_path) != 0)
        decide_text(c, MHD_HTTP_NOT_FOUND, "404 page not found");
    else if (strcmp(method, MHD_HTTP_METHOD_POST) != 0)
        decide_text(c, MHD_HTTP_METHOD_NOT_ALLOWED, "405 method not allowed, supported: [POST]");
    else if (!read_content_type(c) || !read_encoding(c))
        return;
    else if (atomic_load(&c->server->refusing))
        decide(c, REFUSED_DRAINING, NULL);
    else if (c->expected != LENGTH_UNKNOWN && c->expected > c->rq.in->limit)
        decide(c, REFUSED_TOO_LARGE, NULL);
}

/* A client that asked whether to send its body is told no by the answer itself. */
static bool answer_at_once(const struct http_call *c)
{
    if (!c->decided)
        return false;
    return (c->expected != LENGTH_UNKNOWN && c->expected > DISCARD_MOST) ||
           header(c, MHD_HTTP_HEADER_EXPECT);
}

/* ---- the body ---- */

static void release_body(struct http_call *c)
{
    struct otlp_http *h = c->server;
    h->uploading -= c->received;
    c->received = 0;
    if (c->batch) {
        h->reserved -= c->expected;
        batch_release(c->batch);
        c->batch = NULL;
    }
    buffer_free(&c->body);
}

static bool reserve_batch(struct http_call *c)
{
    struct otlp_http *h = c->server;
    if (c->expected > RESERVE_MOST || h->reserved + c->expected > RESERVED_IN_ALL ||
        c->format.json || c->format.encoding != ENCODING_IDENTITY)
        return false;
    c->batch = batch_create(c->expected);
    if (c->batch)
        h->reserved += c->expected;
    return c->batch != NULL;
}

static void take_in(struct http_call *c, const char *data, size_t len)
{
    struct otlp_http *h = c->server;
    if (c->received == 0)
        reserve_batch(c);
    size_t limit = c->batch ? c->expected : c->rq.in->limit;
    if (len > limit - c->received) {
        release_body(c);
        decide(c, REFUSED_TOO_LARGE, NULL);
        return;
    }
    if (h->uploading + len > UPLOADS_IN_ALL * c->rq.in->limit) {
        release_body(c);
        decide(c, REFUSED_CROWDED, NULL);
        return;
    }
    if (c->batch)
        memcpy(batch_payload(c->batch) + c->received, data, len);
    else
        buffer_append(&c->body, data, len);
    if (c->body.failed) {
        release_body(c);
        decide(c, REFUSED_NO_MEMORY, NULL);
        return;
    }
    h->uploading += len;
    c->received += len;
}

/* MHD_NO closes the connection. */
static enum MHD_Result on_data(struct http_call *c, const char *data, size_t len)
{
    if (!c->decided) {
        take_in(c, data, len);
        if (!c->decided)
            return MHD_YES;
        c->expected = len; /* from here on, how much was thrown away */
        return MHD_YES;
    }
    c->expected = c->expected == LENGTH_UNKNOWN ? len : c->expected + len;
    return c->expected <= 2 * (size_t)DISCARD_MOST ? MHD_YES : MHD_NO;
}

/* ---- the pipeline ---- */

static void on_answered(struct intake_request *rq)
{
    struct http_call *c = (struct http_call *)rq;
    struct otlp_http *h = c->server;
    struct MHD_Connection *connection = c->connection;
    if (atomic_exchange(&c->turn, TURN_ANSWERED) == TURN_SUSPENDED)
        MHD_resume_connection(connection);
    inflight_leave(&h->unanswered);
}

static void submit(struct http_call *c)
{
    c->submitted = true;
    inflight_enter(&c->server->unanswered);
    struct batch *b = c->batch;
    size_t len = c->received;
    if (b)
        batch_retain(b); /* release_body() lets go of its own */
    struct buffer body = c->body;
    c->body = (struct buffer){0};
    release_body(c);
    if (b)
        intake_submit(&c->rq, b, len);
    else
        intake_submit_body(&c->rq, c->server->inflater, c->format, buffer_bytes(&body));
    buffer_free(&body);
}

static enum MHD_Result ask_pipeline(struct http_call *c)
{
    submit(c);
    if (atomic_load(&c->turn) == TURN_ANSWERED)
        return queue(c);
    MHD_suspend_connection(c->connection);
    int open = TURN_OPEN;
    if (!atomic_compare_exchange_strong(&c->turn, &open, TURN_SUSPENDED))
        MHD_resume_connection(c->connection);
    return MHD_YES;
}

/* ---- libmicrohttpd's calls ---- */

static struct http_call *call_create(struct otlp_http *h, struct MHD_Connection *connection)
{
    struct http_call *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->server = h;
    c->connection = connection;
    atomic_init(&c->turn, TURN_OPEN);
    intake_begin(&h->intake, &c->rq, on_answered);
    inflight_enter(&h->open);
    return c;
}

enum MHD_Result http_on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *data,
                                size_t *data_len, void **state)
{
    (void)version;
    struct http_call *c = *state;
    if (!c) {
        c = call_create(cls, connection);
        if (!c)
            return MHD_NO;
        *state = c;
        judge(c, url, method);
        return answer_at_once(c) ? queue(c) : MHD_YES;
    }
    if (*data_len > 0) {
        size_t len = *data_len;
        *data_len = 0;
        return on_data(c, data, len);
    }
    return c->decided || c->submitted ? queue(c) : ask_pipeline(c);
}

void http_on_completed(void *cls, struct MHD_Connection *connection, void **state,
                       enum MHD_RequestTerminationCode code)
{
    (void)cls;
    (void)connection;
    (void)code;
    struct http_call *c = *state;
    if (!c)
        return;
    *state = NULL;
    struct otlp_http *h = c->server;
    release_body(c);
    free(c);
    inflight_leave(&h->open);
}
