/* `exporters: prometheusremotewrite`: pushes what its sources have counted to a Prometheus, or what
 * speaks like one, by remote write 1.0.
 *
 * Requests of one source go one after the other, because a receiver takes a series' samples only in
 * the order of their times. */
#include "component/config.h"
#include "component/log.h"
#include "component/telemetry.h"
#include "exporters/blocking_post.h"
#include "exporters/metrics_push.h"
#include "exporters/reply.h"
#include "metrics/prometheus/naming_settings.h"
#include "metrics/prometheus/prometheus.h"
#include "metrics/prometheus/write_request.h"

#include <stdio.h>
#include <stdlib.h>

enum { HEADERS_MAX = 64 };

struct settings {
    struct http_client_settings client;
    struct naming_settings naming;
    struct config_pairs headers;
    struct config_pairs external_labels;
    struct resource_conversion resource;
    int64_t value_limit;
    struct {
        bool enabled;
    } target_info;
    struct {
        bool enabled;
        int64_t queue_size;
        int64_t num_consumers;
    } queue;
    struct retry_settings retry;
    int64_t max_batch_size_bytes;
    bool send_metadata;
    const char *protobuf_message;
    const struct config_value *auth;
};

#define TARGET(key_)                                                                               \
    {                                                                                              \
        .key = #key_, .type = FIELD_BOOL, .offset = 0, .fallback = "true"                          \
    }
static const struct config_field target_info_fields[] = {TARGET(enabled), CONFIG_END};

#define QUEUE(key_, type_, ...)                                                                    \
    {                                                                                              \
        .key = #key_, .type = type_,                                                               \
        .offset = offsetof(struct settings, queue.key_) - offsetof(struct settings, queue),        \
        __VA_ARGS__                                                                                \
    }
static const struct config_field remote_write_queue_fields[] = {
    QUEUE(enabled, FIELD_BOOL, .fallback = "true"),
    QUEUE(queue_size, FIELD_INT, .fallback = "10000", .min = 1, .max = 1000000),
    QUEUE(num_consumers, FIELD_INT, .fallback = "1", .min = 1, .max = 1000),
    CONFIG_END,
};

#define KEY(key_, member, type_, ...)                                                              \
    {                                                                                              \
        .key = #key_, .type = type_, .offset = offsetof(struct settings, member), __VA_ARGS__      \
    }
static const struct config_field fields[] = {
    KEY(endpoint, client.url, FIELD_STRING),
    KEY(tls, client.tls, FIELD_SECTION, .section = tls_client_fields),
    KEY(headers, headers, FIELD_PAIRS),
    KEY(timeout, client.timeout_ns, FIELD_DURATION, .fallback = "5s"),
    KEY(proxy_url, client.proxy_url, FIELD_STRING),
    NAMING_KEYS(struct settings, naming),
    KEY(external_labels, external_labels, FIELD_PAIRS),
    KEY(resource_to_telemetry_conversion, resource, FIELD_SECTION,
        .section = resource_conversion_fields),
    LABEL_VALUE_LIMIT_KEY(struct settings, value_limit),
    KEY(target_info, target_info, FIELD_SECTION, .section = target_info_fields),
    KEY(remote_write_queue, queue, FIELD_SECTION, .section = remote_write_queue_fields),
    KEY(retry_on_failure, retry, FIELD_SECTION, .section = retry_fields),
    KEY(max_batch_size_bytes, max_batch_size_bytes, FIELD_SIZE, .fallback = "3000000"),
    KEY(send_metadata, send_metadata, FIELD_BOOL),
    KEY(protobuf_message, protobuf_message, FIELD_STRING, .fallback = "prometheus.WriteRequest"),
    KEY(auth, auth, FIELD_VALUE),
    CONFIG_END,
};

struct remote_write {
    struct component component;

    /* set once */
    struct settings settings;
    struct config_pair headers[HEADERS_MAX];
    struct label_rules rules;
    struct metric_source **sources;
    size_t source_count;
    struct families families;
    struct metrics_push *push;
    struct blocking_post *post;
    struct counter *duplicates;
    struct counter *unsayable;

    /* the push's thread's */
    struct write_requests *requests;
    struct push_requests *out;
};

/* ---- sending ---- */

static void emit(void *context, struct buffer *request, uint64_t points)
{
    push_requests_add(((struct remote_write *)context)->out, request, points);
}

static void collect(void *context, struct metric_source *s, struct push_requests *out)
{
    struct remote_write *x = context;
    struct write_report report;
    x->out = out;
    write_requests_collect(x->requests, s, emit, x, &report);
    counter_add(x->duplicates, report.duplicates);
    counter_add(x->unsayable, report.unsayable);
}

static void send_request(void *context, struct bytes body, struct send_answer *answer)
{
    blocking_post_send(((struct remote_write *)context)->post, body, answer);
}

static void cancel(void *context)
{
    blocking_post_cancel(((struct remote_write *)context)->post);
}

/* Remote write says: 5xx may be tried again, 4xx not; 429 may, as the receiver asks for it. */
static void read_answer(const struct http_result *r, struct send_answer *answer)
{
    char prefix[32];
    if (r->error) {
        answer->result = r->hopeless ? SEND_PERMANENT : SEND_RETRY;
        reply_message(answer, "", bytes_of_string(r->error));
        return;
    }
    if (r->status / 100 == 2)
        return;
    snprintf(prefix, sizeof prefix, "HTTP %d", r->status);
    answer->result = r->status / 100 == 5 || r->status == 429 ? SEND_RETRY : SEND_PERMANENT;
    answer->retry_after_ns =
        r->retry_after_s < 1000000000u ? r->retry_after_s * 1000000000u : UINT64_MAX;
    reply_message(answer, prefix, r->body);
}

/* ---- the component ---- */

static bool take_metrics(struct component *c, struct metric_source *source)
{
    struct remote_write *x = (struct remote_write *)c;
    struct metric_source **sources =
        reallocarray(x->sources, x->source_count + 1, sizeof(struct metric_source *));
    if (!sources)
        return false;
    x->sources = sources;
    sources[x->source_count++] = source;
    if (source->delta)
        log_info(c->id, "remote write has no deltas; this source is sent as it counts",
                 LOG_S("source", source->scope));
    return metrics_push_add(x->push, source);
}

static bool start(struct component *c, struct error *e)
{
    struct remote_write *x = (struct remote_write *)c;
    struct naming naming = naming_of_settings(&x->settings.naming);
    x->rules = (struct label_rules){.utf8 = naming.utf8,
                                    .resource = x->settings.resource,
                                    .constants = x->settings.external_labels,
                                    .value_limit = x->settings.value_limit};
    if (!families_make(&x->families, x->sources, x->source_count, &naming, c->id))
        return error_set(e, "out of memory");
    x->requests = write_requests_create(
        &(struct write_requests_options){.families = &x->families,
                                         .rules = &x->rules,
                                         .request_max = (size_t)x->settings.max_batch_size_bytes,
                                         .target_info = x->settings.target_info.enabled,
                                         .metadata = x->settings.send_metadata});
    if (!x->requests)
        return error_set(e, "out of memory");
    x->post = blocking_post_open(&x->settings.client, read_answer, e);
    if (!x->post || !metrics_push_start(x->push, e))
        return false;
    component_set_ok(c);
    return true;
}

static void drain(struct component *c, uint64_t deadline_ns)
{
    metrics_push_drain(((struct remote_write *)c)->push, deadline_ns);
}

static void stop(struct component *c)
{
    struct remote_write *x = (struct remote_write *)c;
    metrics_push_destroy(x->push);
    x->push = NULL;
    blocking_post_close(x->post);
    x->post = NULL;
}

static void destroy(struct component *c)
{
    struct remote_write *x = (struct remote_write *)c;
    stop(c);
    write_requests_destroy(x->requests);
    families_free(&x->families);
    free(x->sources);
    free(x);
}

static const struct component_ops ops = {
    .start = start,
    .drain = drain,
    .take_metrics = take_metrics,
    .stop = stop,
    .destroy = destroy,
};

/* ---- configuration ---- */

static bool check(const struct settings *s, const struct config_value *config, struct error *e)
{
    const struct config_value *queue = config_child(config, "remote_write_queue");
    if (s->auth)
        return config_error(s->auth, e, "auth is not supported yet; use headers");
    if (!s->client.url || !http_client_is_url(s->client.url))
        return config_error(config, e,
                            "endpoint is required, such as http://prometheus:9090/api/v1/write");
    if (strcmp(s->protobuf_message, "prometheus.WriteRequest") != 0)
        return config_error(config_child(config, "protobuf_message"), e,
                            "\"%s\" is not supported; supported: prometheus.WriteRequest",
                            s->protobuf_message);
    if (!s->queue.enabled)
        return config_error(config_child(queue, "enabled"), e,
                            "requests always wait in a queue of their own");
    if (s->queue.num_consumers != 1)
        return config_error(config_child(queue, "num_consumers"), e,
                            "requests go one after the other, so that samples arrive in order");
    if (s->max_batch_size_bytes < 1000 || s->max_batch_size_bytes > 64 << 20)
        return config_error(config_child(config, "max_batch_size_bytes"), e,
                            "must lie between 1000 and 64MiB");
    return naming_check_labels(&s->external_labels, config_child(config, "external_labels"), e) &&
           http_client_check(&s->client, config, e) && retry_settings_check(&s->retry, config, e);
}

/* The user's headers, and the one that says which version this is. */
static bool add_headers(struct remote_write *x, const struct config_value *config, struct error *e)
{
    struct settings *s = &x->settings;
    if (s->headers.count >= HEADERS_MAX)
        return config_error(config_child(config, "headers"), e, "there may be at most %d",
                            HEADERS_MAX - 1);
    for (size_t i = 0; i < s->headers.count; i++)
        x->headers[i] = s->headers.items[i];
    x->headers[s->headers.count] =
        (struct config_pair){"X-Prometheus-Remote-Write-Version", "0.1.0"};
    s->client.headers = (struct config_pairs){x->headers, s->headers.count + 1};
    return true;
}

static bool configure(struct remote_write *x, const struct component_spec *spec, struct error *e)
{
    struct settings *s = &x->settings;
    if (!config_read(spec->config, fields, s, e))
        return false;
    s->client.headers = s->headers;
    s->client.content_type = "application/x-protobuf";
    s->client.content_encoding = "snappy";
    if (!check(s, spec->config, e) || !add_headers(x, spec->config, e))
        return false;
    x->push = metrics_push_create(
        &(struct metrics_push_options){.component = &x->component,
                                       .telemetry = spec->telemetry,
                                       .retry = s->retry,
                                       .requests_max = (size_t)s->queue.queue_size,
                                       .collect = collect,
                                       .send = send_request,
                                       .cancel = cancel,
                                       .context = x});
    return x->push || error_set(e, "out of memory");
}

static struct counter *left_out(const struct component_spec *spec, const char *reason)
{
    return telemetry_counter(spec->telemetry, LEFT_OUT_SERIES,
                             LABELS({"exporter", spec->id}, {"reason", reason}));
}

static struct component *create(const struct component_spec *spec, struct error *e)
{
    struct remote_write *x = calloc(1, sizeof *x);
    if (!x) {
        error_set(e, "out of memory");
        return NULL;
    }
    component_init(&x->component, spec, &ops);
    if (!configure(x, spec, e)) {
        destroy(&x->component);
        return NULL;
    }
    x->duplicates = left_out(spec, "duplicate");
    x->unsayable = left_out(spec, "scale");
    return &x->component;
}

const struct component_kind prometheus_remote_write_exporter = {
    .type = "prometheusremotewrite",
    .alias = "prometheus_remote_write",
    .class = COMPONENT_EXPORTER,
    .summary = "sends metrics made of spans to a Prometheus, by remote write",
    .create = create,
};
