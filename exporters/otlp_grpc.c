/* OTLP over gRPC: the exporter's configuration and life. The calls are in export_calls.c. */
#include "component/clock.h"
#include "component/component.h"
#include "exporters/blocking_call.h"
#include "exporters/compress.h"
#include "exporters/export_calls.h"
#include "exporters/exporters.h"
#include "exporters/grpc_channel.h"
#include "exporters/otlp_push.h"
#include "exporters/sending_queue.h"

#include <grpc/grpc.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define EXPORT_METHOD  "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
#define METRICS_METHOD "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"

/* ---- configuration ---- */

static const char *const compressions[] = {"gzip", "none", "", NULL};

struct settings {
    struct grpc_channel_settings channel;
    int compression;
    struct config_pairs headers;
    int64_t timeout_ns; /* 0: none */
    bool wait_for_ready;
    struct retry_settings retry;
    struct queue_settings queue;
    const struct config_value *auth;
};

#define KEY(key_, member, type_, ...)                                                              \
    {                                                                                              \
        .key = #key_, .type = type_, .offset = offsetof(struct settings, member), __VA_ARGS__      \
    }
static const struct config_field fields[] = {
    KEY(endpoint, channel.endpoint, FIELD_STRING),
    KEY(tls, channel.tls, FIELD_SECTION, .section = tls_client_fields),
    KEY(compression, compression, FIELD_CHOICE, .fallback = "gzip", .choices = compressions),
    KEY(headers, headers, FIELD_PAIRS),
    KEY(timeout, timeout_ns, FIELD_DURATION, .fallback = "5s"),
    KEY(keepalive, channel.keepalive, FIELD_SECTION, .section = grpc_keepalive_fields,
        .present = offsetof(struct settings, channel.keepalive.present)),
    KEY(balancer_name, channel.balancer_name, FIELD_CHOICE, .fallback = "round_robin",
        .choices = grpc_balancers),
    KEY(authority, channel.authority, FIELD_STRING),
    KEY(read_buffer_size, channel.read_buffer_size, FIELD_SIZE),
    KEY(write_buffer_size, channel.write_buffer_size, FIELD_SIZE),
    KEY(wait_for_ready, wait_for_ready, FIELD_BOOL),
    KEY(retry_on_failure, retry, FIELD_SECTION, .section = retry_fields),
    KEY(sending_queue, queue, FIELD_SECTION, .section = queue_fields),
    KEY(auth, auth, FIELD_VALUE),
    CONFIG_END,
};

/* ---- state ---- */

struct otlp_grpc {
    struct component component;

    /* set once */
    struct settings settings;
    struct compressor *gzip; /* NULL: no compression */
    grpc_metadata *metadata;
    grpc_channel *channel;
    struct sending_queue *queue;
    struct otlp_push *metrics;

    struct export_calls calls;         /* shared, with its own locking */
    struct blocking_call metrics_call; /* likewise */
};

/* ---- metrics ---- */

static void send_metrics(void *context, struct bytes body, struct send_answer *answer)
{
    blocking_call_send(&((struct otlp_grpc *)context)->metrics_call, body, answer);
}

static void cancel_metrics(void *context)
{
    blocking_call_cancel(&((struct otlp_grpc *)context)->metrics_call);
}

static bool take_metrics(struct component *c, struct metric_source *source)
{
    return metrics_push_add(otlp_push_metrics(((struct otlp_grpc *)c)->metrics), source);
}

static bool start_metrics(struct otlp_grpc *x, struct error *e)
{
    struct metrics_push *push = otlp_push_metrics(x->metrics);
    if (!metrics_push_has_sources(push))
        return true;
    x->metrics_call = (struct blocking_call){
        .channel = x->channel,
        .method = grpc_channel_register_call(x->channel, METRICS_METHOD, NULL, NULL),
        .metadata = x->metadata,
        .metadata_count = x->settings.headers.count,
        .timeout_ns = x->settings.timeout_ns,
        .gzip = x->gzip != NULL,
        .wait_for_ready = x->settings.wait_for_ready,
    };
    blocking_call_open(&x->metrics_call);
    return metrics_push_start(push, e);
}

/* ---- the component ---- */

static bool start(struct component *component, struct error *e)
{
    struct otlp_grpc *x = (struct otlp_grpc *)component;
    x->channel = grpc_channel_open(&x->settings.channel, x->gzip != NULL, e);
    if (!x->channel)
        return false;
    x->calls.channel = x->channel;
    x->calls.method = grpc_channel_register_call(x->channel, EXPORT_METHOD, NULL, NULL);
    if (!start_metrics(x, e))
        return false;
    component_set_ok(component);
    return true;
}

static struct outcome consume(struct component *c, struct batch *b, struct receipt *r)
{
    return sending_queue_push(((struct otlp_grpc *)c)->queue, b, r);
}

static bool has_room(struct component *c, const struct batch *b, struct outcome *why)
{
    return sending_queue_has_room(((struct otlp_grpc *)c)->queue, b, why);
}

static void refresh(struct component *c)
{
    sending_queue_refresh(((struct otlp_grpc *)c)->queue, monotonic_ns());
}

static void drain(struct component *c, uint64_t deadline_ns)
{
    struct otlp_grpc *x = (struct otlp_grpc *)c;
    sending_queue_drain(x->queue, deadline_ns);
    metrics_push_drain(otlp_push_metrics(x->metrics), deadline_ns);
}

static void stop(struct component *c)
{
    struct otlp_grpc *x = (struct otlp_grpc *)c;
    sending_queue_destroy(x->queue);
    x->queue = NULL;
    otlp_push_destroy(x->metrics);
    x->metrics = NULL;
    blocking_call_close(&x->metrics_call);
    if (x->channel)
        grpc_channel_destroy(x->channel);
    x->channel = NULL;
}

static void destroy(struct component *c)
{
    struct otlp_grpc *x = (struct otlp_grpc *)c;
    stop(c);
    export_calls_free(&x->calls);
    for (size_t i = 0; x->metadata && i < x->settings.headers.count; i++) {
        grpc_slice_unref(x->metadata[i].key);
        grpc_slice_unref(x->metadata[i].value);
    }
    free(x->metadata);
    compressor_destroy(x->gzip);
    grpc_shutdown();
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

static bool is_reserved(const char *key)
{
    size_t len = strlen(key);
    return key[0] == ':' || strncasecmp(key, "grpc-", 5) == 0 || strcasecmp(key, "te") == 0 ||
           strcasecmp(key, "content-type") == 0 ||
           (len >= 4 && strcasecmp(key + len - 4, "-bin") == 0);
}

static bool make_metadata(struct otlp_grpc *x, const struct config_value *config, struct error *e)
{
    const struct config_pairs *headers = &x->settings.headers;
    const struct config_value *place = config_child(config, "headers");
    x->metadata = calloc(headers->count ? headers->count : 1, sizeof *x->metadata);
    if (!x->metadata)
        return error_set(e, "out of memory");
    for (size_t i = 0; i < headers->count; i++) {
        const char *name = headers->items[i].key;
        grpc_slice key = grpc_slice_from_copied_string(name);
        for (size_t j = 0; j < GRPC_SLICE_LENGTH(key); j++)
            if (name[j] >= 'A' && name[j] <= 'Z')
                GRPC_SLICE_START_PTR(key)[j] = (uint8_t)(name[j] | 0x20);
        x->metadata[i].key = key;
        x->metadata[i].value = grpc_slice_from_copied_string(headers->items[i].value);
        if (is_reserved(name) || !grpc_header_key_is_legal(key))
            return config_error(config_child(place, name), e,
                                "\"%s\" cannot be a gRPC header of one's own", name);
        if (!grpc_header_nonbin_value_is_legal(x->metadata[i].value))
            return config_error(config_child(place, name), e,
                                "the value has characters that a header cannot have");
    }
    return true;
}

static void configure_calls(struct otlp_grpc *x, const struct component_spec *spec)
{
    x->calls.lanes = spec->lanes;
    x->calls.lane_count = spec->lane_count;
    x->calls.gzip = x->gzip;
    x->calls.metadata = x->metadata;
    x->calls.metadata_count = x->settings.headers.count;
    x->calls.timeout_ns = x->settings.timeout_ns;
    x->calls.wait_for_ready = x->settings.wait_for_ready;
}

static bool configure(struct otlp_grpc *x, const struct component_spec *spec, struct error *e)
{
    const struct config_value *config = spec->config;
    struct settings *s = &x->settings;
    if (!config_read(config, fields, s, e))
        return false;
    if (s->auth)
        return config_error(s->auth, e, "auth is not supported yet; use headers");
    if (!grpc_channel_settings_check(&s->channel, config, e) ||
        !retry_settings_check(&s->retry, config, e) ||
        !queue_settings_check(&s->queue, config, e) || !make_metadata(x, config, e))
        return false;
    if (strcmp(compressions[s->compression], "gzip") == 0 &&
        !(x->gzip = compressor_create(COMPRESSION_GZIP, 0, e)))
        return false;
    configure_calls(x, spec);
    x->queue = sending_queue_create(&(struct sending_queue_options){.component = &x->component,
                                                                    .spec = spec,
                                                                    .queue = s->queue,
                                                                    .retry = s->retry,
                                                                    .lane = spec->lanes[0],
                                                                    .send = export_calls_send,
                                                                    .cancel = export_calls_cancel,
                                                                    .transport = &x->calls},
                                    e);
    if (!x->queue)
        return false;
    x->metrics = otlp_push_create(&(struct otlp_push_options){.component = &x->component,
                                                              .telemetry = spec->telemetry,
                                                              .retry = s->retry,
                                                              .compressor = x->gzip,
                                                              .send = send_metrics,
                                                              .cancel = cancel_metrics,
                                                              .context = x});
    return x->metrics || error_set(e, "out of memory");
}

static struct component *create(const struct component_spec *spec, struct error *e)
{
    struct otlp_grpc *x = calloc(1, sizeof *x);
    if (!x) {
        error_set(e, "out of memory");
        return NULL;
    }
    grpc_init();
    component_init(&x->component, spec, &ops);
    export_calls_init(&x->calls);
    if (configure(x, spec, e))
        return &x->component;
    destroy(&x->component);
    return NULL;
}

const struct component_kind otlp_grpc_exporter = {
    .type = "otlp_grpc",
    .alias = "otlp",
    .class = COMPONENT_EXPORTER,
    .summary = "sends spans and metrics over OTLP/gRPC",
    .create = create,
};
