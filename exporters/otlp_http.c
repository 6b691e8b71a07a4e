/* OTLP over HTTP, protobuf or JSON, on libcurl.
 *
 * The body is made on the thread that pushes or answers; libcurl's thread only moves bytes. Without
 * compression and JSON it reads the frame's slices where they lie. */
#include "component/clock.h"
#include "component/component.h"
#include "exporters/compress.h"
#include "exporters/exporters.h"
#include "exporters/http_client.h"
#include "exporters/reply.h"
#include "exporters/sending_queue.h"
#include "proto/otlp_json.h"

#include <grpc/status.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- configuration ---- */

static const char *const encodings[] = {"proto", "json", NULL};
static const char *const compressions[] = {"gzip", "zstd", "none", "", NULL};

struct settings {
    const char *endpoint;
    const char *traces_endpoint;
    int encoding;
    int compression;
    struct {
        int64_t level;
    } compression_params;
    struct http_client_settings client;
    struct retry_settings retry;
    struct queue_settings queue;
    const struct config_value *auth;
};

static const struct config_field compression_params_fields[] = {
    {.key = "level", .type = FIELD_INT, .offset = 0, .min = 0, .max = 22},
    CONFIG_END,
};

#define KEY(key_, member, type_, ...)                                                              \
    {                                                                                              \
        .key = #key_, .type = type_, .offset = offsetof(struct settings, member), __VA_ARGS__      \
    }
static const struct config_field fields[] = {
    KEY(endpoint, endpoint, FIELD_STRING),
    KEY(traces_endpoint, traces_endpoint, FIELD_STRING),
    KEY(encoding, encoding, FIELD_CHOICE, .fallback = "proto", .choices = encodings),
    KEY(compression, compression, FIELD_CHOICE, .fallback = "gzip", .choices = compressions),
    KEY(compression_params, compression_params, FIELD_SECTION,
        .section = compression_params_fields),
    KEY(tls, client.tls, FIELD_SECTION, .section = tls_client_fields),
    KEY(headers, client.headers, FIELD_PAIRS),
    KEY(timeout, client.timeout_ns, FIELD_DURATION, .fallback = "30s"),
    KEY(proxy_url, client.proxy_url, FIELD_STRING),
    KEY(max_idle_conns, client.max_idle_conns, FIELD_INT, .fallback = "100", .min = 0,
        .max = 100000),
    KEY(max_conns_per_host, client.max_conns_per_host, FIELD_INT, .min = 0, .max = 100000),
    KEY(idle_conn_timeout, client.idle_conn_timeout_ns, FIELD_DURATION, .fallback = "90s"),
    KEY(disable_keep_alives, client.disable_keep_alives, FIELD_BOOL),
    KEY(retry_on_failure, retry, FIELD_SECTION, .section = retry_fields),
    KEY(sending_queue, queue, FIELD_SECTION, .section = queue_fields),
    KEY(auth, auth, FIELD_VALUE),
    CONFIG_END,
};

/* ---- state ---- */

struct otlp_http {
    struct component component;

    /* set once */
    struct settings settings;
    bool json;
    struct compressor *compressor; /* NULL: no compression */
    bool gzip;                     /* what it makes */
    char *url;
    struct http_client *client;
    struct sending_queue *queue;
};

/* One attempt's body, when it is not the frame's own slices. */
struct post {
    struct send_attempt *attempt;
    struct otlp_http *exporter;
    struct buffer body;
    struct bytes slice; /* the body, for the client */
};

/* ---- sending ---- */

static bool write_json(const struct frame *frame, struct buffer *out)
{
    struct buffer wire = {0};
    frame_flatten(frame, &wire);
    bool done =
        !wire.failed && otlp_json_print(buffer_bytes(&wire), OTLP_TRACE_REQUEST, false, out);
    buffer_free(&wire);
    return done && !out->failed;
}

static bool compress_body(struct otlp_http *x, const struct http_body *body, struct buffer *out)
{
    struct buffer compressed = {0};
    bool done = compressor_run(x->compressor, body->slices, body->count, &compressed);
    buffer_free(out);
    *out = compressed;
    return done;
}

/* What to post: the frame's slices, or a body of one slice in `p`. */
static bool make_body(struct post *p, struct http_body *body)
{
    struct otlp_http *x = p->exporter;
    const struct frame *frame = p->attempt->frame;
    body->slices = frame_slices(frame, &body->count);
    body->len = frame_bytes(frame);
    if (x->json) {
        if (!write_json(frame, &p->body))
            return false;
        p->slice = buffer_bytes(&p->body);
        *body = (struct http_body){&p->slice, 1, p->slice.len};
    }
    struct bytes as_it_came = frame_gzip(frame);
    if (x->gzip && !x->json && as_it_came.len > 0) {
        p->slice = as_it_came;
        *body = (struct http_body){&p->slice, 1, p->slice.len};
    } else if (x->compressor) {
        if (!compress_body(x, body, &p->body))
            return false;
        p->slice = buffer_bytes(&p->body);
        *body = (struct http_body){&p->slice, 1, p->slice.len};
    }
    return true;
}

static void post_free(struct post *p)
{
    buffer_free(&p->body);
    free(p);
}

static void send_frame(void *transport, struct send_attempt *attempt)
{
    struct otlp_http *x = transport;
    struct post *p = calloc(1, sizeof *p);
    if (!p) {
        sending_queue_answer_unsent(attempt, "out of memory");
        return;
    }
    p->attempt = attempt;
    p->exporter = x;
    struct http_body body;
    if (make_body(p, &body) && http_client_post(x->client, body, p))
        return;
    post_free(p);
    sending_queue_answer_unsent(attempt, "out of memory, or shutting down");
}

static void cancel_all(void *transport)
{
    struct otlp_http *x = transport;
    http_client_cancel(x->client);
}

/* ---- answers ---- */

static bool is_type(const char *content_type, const char *type)
{
    size_t len = strlen(type);
    return strncasecmp(content_type, type, len) == 0 &&
           (content_type[len] == 0 || content_type[len] == ';' || content_type[len] == ' ');
}

/* The body as a message's wire bytes, in `wire` when it had to be converted; false when it is
 * neither protobuf nor JSON. */
static bool body_as_wire(const struct http_result *r, enum otlp_message type, struct buffer *wire,
                         struct bytes *out)
{
    if (is_type(r->content_type, "application/x-protobuf")) {
        *out = r->body;
        return true;
    }
    char where[256];
    if (!is_type(r->content_type, "application/json") ||
        !otlp_json_parse(r->body, type, wire, where, sizeof where) || wire->failed)
        return false;
    *out = buffer_bytes(wire);
    return true;
}

static void read_success(const struct http_result *r, struct send_answer *answer)
{
    struct buffer wire = {0};
    struct bytes message;
    answer->result = SEND_OK;
    if (r->body.len && body_as_wire(r, OTLP_TRACE_RESPONSE, &wire, &message))
        reply_read_response(message, answer);
    buffer_free(&wire);
}

static bool is_retryable(int status)
{
    return status == 429 || status == 502 || status == 503 || status == 504;
}

static int grpc_status_of(int status)
{
    switch (status) {
    case 400:
        return GRPC_STATUS_INVALID_ARGUMENT;
    case 401:
        return GRPC_STATUS_UNAUTHENTICATED;
    case 403:
        return GRPC_STATUS_PERMISSION_DENIED;
    case 404:
        return GRPC_STATUS_UNIMPLEMENTED;
    case 413:
    case 429:
        return GRPC_STATUS_RESOURCE_EXHAUSTED;
    default:
        return is_retryable(status) ? GRPC_STATUS_UNAVAILABLE : GRPC_STATUS_INTERNAL;
    }
}

static void read_failure(const struct http_result *r, struct send_answer *answer)
{
    struct buffer wire = {0};
    struct bytes message;
    struct reply_status status = {0};
    char prefix[32];
    snprintf(prefix, sizeof prefix, "HTTP %d", r->status);
    answer->result = is_retryable(r->status) ? SEND_RETRY : SEND_PERMANENT;
    answer->retry_after_ns =
        r->retry_after_s < 1000000000u ? r->retry_after_s * 1000000000u : UINT64_MAX;
    answer->grpc_status = grpc_status_of(r->status);
    if (body_as_wire(r, OTLP_STATUS, &wire, &message))
        reply_read_status(message, &status);
    else if (is_type(r->content_type, "text/plain"))
        status.message = r->body;
    reply_message(answer, prefix, status.message);
    buffer_free(&wire);
}

static void read_error(const struct http_result *r, struct send_answer *answer)
{
    answer->result = r->hopeless ? SEND_PERMANENT : SEND_RETRY;
    answer->grpc_status = GRPC_STATUS_UNAVAILABLE;
    reply_message(answer, "", bytes_of_string(r->error));
}

static void done(void *context, const struct http_result *r)
{
    struct post *p = context;
    struct send_attempt *attempt = p->attempt;
    struct send_answer answer = {0};
    if (r->error)
        read_error(r, &answer);
    else if (r->status >= 200 && r->status < 300)
        read_success(r, &answer);
    else
        read_failure(r, &answer);
    post_free(p);
    sending_queue_answer(attempt, &answer);
}

/* ---- the component ---- */

static bool start(struct component *component, struct error *e)
{
    struct otlp_http *x = (struct otlp_http *)component;
    x->client = http_client_create(&x->settings.client, done, e);
    if (!x->client)
        return false;
    component_set_ok(component);
    return true;
}

static struct outcome consume(struct component *c, struct batch *b, struct receipt *r)
{
    return sending_queue_push(((struct otlp_http *)c)->queue, b, r);
}

static bool has_room(struct component *c, const struct batch *b, struct outcome *why)
{
    return sending_queue_has_room(((struct otlp_http *)c)->queue, b, why);
}

static void refresh(struct component *c)
{
    sending_queue_refresh(((struct otlp_http *)c)->queue, monotonic_ns());
}

static void drain(struct component *c, uint64_t deadline_ns)
{
    sending_queue_drain(((struct otlp_http *)c)->queue, deadline_ns);
}

static void stop(struct component *c)
{
    struct otlp_http *x = (struct otlp_http *)c;
    sending_queue_destroy(x->queue);
    x->queue = NULL;
    http_client_destroy(x->client);
    x->client = NULL;
}

static void destroy(struct component *c)
{
    struct otlp_http *x = (struct otlp_http *)c;
    stop(c);
    compressor_destroy(x->compressor);
    free(x->url);
    free(x);
}

static const struct component_ops ops = {
    .start = start,
    .consume = consume,
    .has_room = has_room,
    .drain = drain,
    .refresh = refresh,
    .stop = stop,
    .destroy = destroy,
};

/* traces_endpoint as it is, or endpoint with the signal's path. */
static bool make_url(struct otlp_http *x, const struct config_value *config, struct error *e)
{
    struct settings *s = &x->settings;
    bool whole = s->traces_endpoint && s->traces_endpoint[0];
    const char *url = whole ? s->traces_endpoint : s->endpoint;
    if (!url || !url[0])
        return config_error(config, e,
                            "endpoint or traces_endpoint is required, such as http://jaeger:4318");
    if (!http_client_is_url(url))
        return config_error(config_child(config, whole ? "traces_endpoint" : "endpoint"), e,
                            "\"%s\" is not a URL such as http://jaeger:4318 or https://host/path",
                            url);
    size_t len = strlen(url);
    while (!whole && url[len - 1] == '/')
        len--;
    if (asprintf(&x->url, "%.*s%s", (int)len, url, whole ? "" : "/v1/traces") < 0)
        x->url = NULL;
    s->client.url = x->url;
    return x->url || error_set(e, "out of memory");
}

static bool make_compressor(struct otlp_http *x, const struct config_value *config, struct error *e)
{
    static const enum compression kinds[] = {COMPRESSION_GZIP, COMPRESSION_ZSTD, COMPRESSION_NONE,
                                             COMPRESSION_NONE};
    enum compression kind = kinds[x->settings.compression];
    int level = (int)x->settings.compression_params.level;
    struct error why;
    x->settings.client.content_encoding = compression_name(kind);
    if (kind == COMPRESSION_NONE)
        return level == 0 || config_error(config_child(config, "compression_params"), e,
                                          "there is no compression to have a level");
    x->compressor = compressor_create(kind, level, &why);
    x->gzip = kind == COMPRESSION_GZIP;
    return x->compressor ||
           config_error(config_child(config, "compression_params"), e, "%s", why.text);
}

static bool configure(struct otlp_http *x, const struct component_spec *spec, struct error *e)
{
    const struct config_value *config = spec->config;
    struct settings *s = &x->settings;
    if (!config_read(config, fields, s, e))
        return false;
    if (s->auth)
        return config_error(s->auth, e, "auth is not supported yet; use headers");
    x->json = strcmp(encodings[s->encoding], "json") == 0;
    s->client.content_type = x->json ? "application/json" : "application/x-protobuf";
    if (!make_url(x, config, e) || !make_compressor(x, config, e) ||
        !http_client_check(&s->client, config, e) || !retry_settings_check(&s->retry, config, e) ||
        !queue_settings_check(&s->queue, config, e))
        return false;
    x->queue = sending_queue_create(&(struct sending_queue_options){.component = &x->component,
                                                                    .spec = spec,
                                                                    .queue = s->queue,
                                                                    .retry = s->retry,
                                                                    .lane = spec->lanes[0],
                                                                    .send = send_frame,
                                                                    .cancel = cancel_all,
                                                                    .transport = x},
                                    e);
    return x->queue != NULL;
}

static struct component *create(const struct component_spec *spec, struct error *e)
{
    struct otlp_http *x = calloc(1, sizeof *x);
    if (!x) {
        error_set(e, "out of memory");
        return NULL;
    }
    component_init(&x->component, spec, &ops);
    if (configure(x, spec, e))
        return &x->component;
    destroy(&x->component);
    return NULL;
}

const struct component_kind otlp_http_exporter = {
    .type = "otlp_http",
    .alias = "otlphttp",
    .class = COMPONENT_EXPORTER,
    .summary = "sends spans over OTLP/HTTP, as protobuf or JSON",
    .create = create,
};
