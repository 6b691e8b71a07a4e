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

#include "component/lane.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

enum {
    RESERVE_MOST = 1 << 20,     /* for one body that has not arrived yet */
    RESERVED_IN_ALL = 64 << 20, /* for all of them */
    UPLOADS_IN_ALL = 4,         /* times the limit of one request */
    DISCARD_MOST = 4 << 20,
    PATIENCE_S = 60,           /* for a body, and longer for each of … */
    LEAST_A_SECOND = 64 << 10, /* … these bytes that came */
};

#define LENGTH_UNKNOWN SIZE_MAX

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
    const char *text = http_header_value(c, MHD_HTTP_HEADER_CONTENT_TYPE);
    if (text && is_media_type(text, http_content_type(false)))
        return true;
    c->format.json = text && is_media_type(text, http_content_type(true));
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
    const char *text = http_header_value(c, MHD_HTTP_HEADER_CONTENT_ENCODING);
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
    const char *text = http_header_value(c, MHD_HTTP_HEADER_CONTENT_LENGTH);
    if (!text)
        return http_header_value(c, MHD_HTTP_HEADER_TRANSFER_ENCODING) ? LENGTH_UNKNOWN : 0;
    errno = 0;
    unsigned long long n = strtoull(text, NULL, 10);
    return errno || n >= LENGTH_UNKNOWN ? LENGTH_UNKNOWN - 1 : (size_t)n;
}

static bool is_preflight(const struct http_call *c, const char *method)
{
    return strcmp(method, MHD_HTTP_METHOD_OPTIONS) == 0 && http_cors_on(c->server) &&
           http_header_value(c, "Origin") && http_header_value(c, "Access-Control-Request-Method");
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
           http_header_value(c, MHD_HTTP_HEADER_EXPECT);
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

/* A body that drips in would hold its share of UPLOADS_IN_ALL as long as its sender likes, since
 * libmicrohttpd only looks at when the last byte came. */
static bool comes_too_slowly(const struct http_call *c)
{
    uint64_t patience_ns = (uint64_t)c->server->settings.read_timeout_ns;
    if (patience_ns == 0)
        patience_ns = PATIENCE_S * UINT64_C(1000000000);
    uint64_t earned_ns = (uint64_t)c->received * 1000000000 / LEAST_A_SECOND;
    return monotonic_ns() - c->began_ns > patience_ns + earned_ns;
}

/* MHD_NO closes the connection. */
static enum MHD_Result on_data(struct http_call *c, const char *data, size_t len)
{
    if (!c->decided && comes_too_slowly(c)) {
        intake_refuse(&c->rq, REFUSED_TOO_SLOW, "the body comes too slowly");
        return MHD_NO;
    }
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
    inflight_enter(&c->server->open);
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
        return http_queue_reply(c);
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
    c->began_ns = monotonic_ns();
    atomic_init(&c->turn, TURN_OPEN);
    intake_begin(&h->intake, &c->rq, on_answered);
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
        return answer_at_once(c) ? http_queue_reply(c) : MHD_YES;
    }
    if (*data_len > 0) {
        size_t len = *data_len;
        *data_len = 0;
        return on_data(c, data, len);
    }
    return c->decided || c->submitted ? http_queue_reply(c) : ask_pipeline(c);
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
    bool counted = c->submitted;
    release_body(c);
    free(c);
    if (counted)
        inflight_leave(&h->open);
}
