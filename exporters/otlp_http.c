/* OTLP over HTTP, protobuf or JSON, on libcurl.
 *
 * The body is made on the thread that pushes or answers; libcurl's thread only moves bytes. Without
 * compression and JSON it reads the frame's slices where they lie. */
#include "component/clock.h"
#include "component/component.h"
#include "exporters/blocking_post.h"
#include "exporters/compress.h"
#include "exporters/exporters.h"
#include "exporters/http_answer.h"
#include "exporters/otlp_push.h"
#include "exporters/sending_queue.h"
#include "proto/otlp_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- configuration ---- */

static const char *const encodings[] = {"proto", "json", NULL};
static const char *const compressions[] = {"gzip", "zstd", "none", "", NULL};

struct settings {
    const char *endpoint;
    const char *traces_endpoint;
    const char *metrics_endpoint;
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
    KEY(metrics_endpoint, metrics_endpoint, FIELD_STRING),
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
    struct http_client_settings metrics_client;
    char *metrics_url; /* NULL: there is none */
    struct blocking_post *metrics_post;
    struct otlp_push *metrics;
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

static void done(void *context, const struct http_result *r)
{
    struct post *p = context;
    struct send_attempt *attempt = p->attempt;
    struct send_answer answer = {0};
    http_answer_read(r, OTLP_TRACE_RESPONSE, &answer);
    post_free(p);
    sending_queue_answer(attempt, &answer);
}

/* ---- metrics ---- */

static void send_metrics(void *context, struct bytes body, struct send_answer *answer)
{
    blocking_post_send(((struct otlp_http *)context)->metrics_post, body, answer);
}

static void cancel_metrics(void *context)
{
    blocking_post_cancel(((struct otlp_http *)context)->metrics_post);
}

static void read_metrics_answer(const struct http_result *r, struct send_answer *answer)
{
    http_answer_read(r, OTLP_METRICS_RESPONSE, answer);
}

static bool take_metrics(struct component *c, struct metric_source *source)
{
    return metrics_push_add(otlp_push_metrics(((struct otlp_http *)c)->metrics), source);
}

static bool start_metrics(struct otlp_http *x, struct error *e)
{
    struct metrics_push *push = otlp_push_metrics(x->metrics);
    if (!metrics_push_has_sources(push))
        return true;
    if (!x->metrics_url)
        return error_set(e, "endpoint or metrics_endpoint is required where there are metrics");
    x->metrics_client = x->settings.client;
    x->metrics_client.url = x->metrics_url;
    x->metrics_post = blocking_post_open(&x->metrics_client, read_metrics_answer, e);
    return x->metrics_post && metrics_push_start(push, e);
}

/* ---- the component ---- */

static bool start(struct component *component, struct error *e)
{
    struct otlp_http *x = (struct otlp_http *)component;
    x->client = http_client_create(&x->settings.client, done, e);
    if (!x->client || !start_metrics(x, e))
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
    struct otlp_http *x = (struct otlp_http *)c;
    sending_queue_drain(x->queue, deadline_ns);
    metrics_push_drain(otlp_push_metrics(x->metrics), deadline_ns);
}

static void stop(struct component *c)
{
    struct otlp_http *x = (struct otlp_http *)c;
    sending_queue_destroy(x->queue);
    x->queue = NULL;
    http_client_destroy(x->client);
    x->client = NULL;
    otlp_push_destroy(x->metrics);
    x->metrics = NULL;
    blocking_post_close(x->metrics_post);
    x->metrics_post = NULL;
}

static void destroy(struct component *c)
{
    struct otlp_http *x = (struct otlp_http *)c;
    stop(c);
    compressor_destroy(x->compressor);
    free(x->url);
    free(x->metrics_url);
    free(x);
}

static const struct component_ops ops = {
    .start = start,
    .consume = consume,
    .has_room = has_room,
    .drain = drain,
    .refresh = refresh,
    .stop = stop,
    .take_metrics = take_metrics,
    .destroy = destroy,
};

/* A signal's own endpoint as it is, or endpoint with the signal's path; *url stays NULL when
 * neither is given. */
static bool make_url(const struct settings *s, const char *own, const char *key, const char *path,
                     const struct config_value *config, char **url, struct error *e)
{
    bool whole = own && own[0];
    const char *from = whole ? own : s->endpoint;
    if (!from || !from[0])
        return true;
    if (!http_client_is_url(from))
        return config_error(config_child(config, whole ? key : "endpoint"), e,
                            "\"%s\" is not a URL such as http://jaeger:4318 or https://host/path",
                            from);
    size_t len = strlen(from);
    while (!whole && from[len - 1] == '/')
        len--;
    if (asprintf(url, "%.*s%s", (int)len, from, whole ? "" : path) < 0)
        *url = NULL;
    return *url || error_set(e, "out of memory");
}

static bool make_urls(struct otlp_http *x, const struct config_value *config, struct error *e)
{
    struct settings *s = &x->settings;
    if (!make_url(s, s->traces_endpoint, "traces_endpoint", "/v1/traces", config, &x->url, e) ||
        !make_url(s, s->metrics_endpoint, "metrics_endpoint", "/v1/metrics", config,
                  &x->metrics_url, e))
        return false;
    s->client.url = x->url;
    return x->url || config_error(config, e,
                                  "endpoint or traces_endpoint is required, such as "
                                  "http://jaeger:4318");
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
    if (!make_urls(x, config, e) || !make_compressor(x, config, e) ||
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
    if (!x->queue)
        return false;
    x->metrics = otlp_push_create(&(struct otlp_push_options){.component = &x->component,
                                                              .telemetry = spec->telemetry,
                                                              .retry = s->retry,
                                                              .compressor = x->compressor,
                                                              .json = x->json,
                                                              .send = send_metrics,
                                                              .cancel = cancel_metrics,
                                                              .context = x});
    return x->metrics || error_set(e, "out of memory");
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
    .summary = "sends spans and metrics over OTLP/HTTP, as protobuf or JSON",
    .create = create,
};
