/* The otlp receiver: one component with a gRPC and an HTTP server, configured with the Collector's
 * keys. What neither transport can honour is refused here, at start, and named. */
#include "receivers/otlp.h"

#include "component/log.h"
#include "receivers/receivers.h"

#include <stdlib.h>
#include <string.h>

struct otlp {
    struct component component;
    struct otlp_grpc *grpc; /* NULL: not listed under protocols */
    struct otlp_http *http;
};

struct settings {
    struct {
        struct otlp_grpc_settings grpc;
        struct otlp_http_settings http;
        bool has_grpc;
        bool has_http;
    } protocols;
};

static const char *const transports[] = {"tcp", NULL};

#define GRPC(key_, member, type_, ...)                                                             \
    {                                                                                              \
        .key = key_, .type = type_, .offset = offsetof(struct otlp_grpc_settings, member),         \
        __VA_ARGS__                                                                                \
    }
#define IN(outer, inner, key_, member, type_, ...)                                                 \
    {                                                                                              \
        .key = key_, .type = type_,                                                                \
        .offset = offsetof(struct otlp_grpc_settings, outer.inner.member) -                        \
                  offsetof(struct otlp_grpc_settings, outer.inner),                                \
        __VA_ARGS__                                                                                \
    }

static const struct config_field server_parameter_fields[] = {
    IN(keepalive, server_parameters, "max_connection_idle", max_connection_idle_ns, FIELD_DURATION),
    IN(keepalive, server_parameters, "max_connection_age", max_connection_age_ns, FIELD_DURATION),
    IN(keepalive, server_parameters, "max_connection_age_grace", max_connection_age_grace_ns,
       FIELD_DURATION),
    IN(keepalive, server_parameters, "time", time_ns, FIELD_DURATION),
    IN(keepalive, server_parameters, "timeout", timeout_ns, FIELD_DURATION),
    CONFIG_END,
};

static const struct config_field enforcement_policy_fields[] = {
    IN(keepalive, enforcement_policy, "min_time", min_time_ns, FIELD_DURATION),
    IN(keepalive, enforcement_policy, "permit_without_stream", permit_without_stream, FIELD_BOOL),
    CONFIG_END,
};

static const struct config_field keepalive_fields[] = {
    {.key = "server_parameters",
     .type = FIELD_SECTION,
     .offset = offsetof(struct otlp_grpc_settings, keepalive.server_parameters) -
               offsetof(struct otlp_grpc_settings, keepalive),
     .section = server_parameter_fields},
    {.key = "enforcement_policy",
     .type = FIELD_SECTION,
     .offset = offsetof(struct otlp_grpc_settings, keepalive.enforcement_policy) -
               offsetof(struct otlp_grpc_settings, keepalive),
     .section = enforcement_policy_fields},
    CONFIG_END,
};

static const struct config_field grpc_fields[] = {
    GRPC("endpoint", endpoint, FIELD_STRING, .fallback = "localhost:4317"),
    GRPC("transport", transport, FIELD_CHOICE, .choices = transports),
    GRPC("tls", tls, FIELD_SECTION, .section = tls_server_fields,
         .present = offsetof(struct otlp_grpc_settings, has_tls)),
    GRPC("max_recv_msg_size_mib", max_recv_msg_size_mib, FIELD_INT, .fallback = "64", .min = 1,
         .max = 1024),
    GRPC("max_concurrent_streams", max_concurrent_streams, FIELD_INT, .fallback = "256", .min = 0,
         .max = INT32_MAX),
    GRPC("read_buffer_size", read_buffer_size, FIELD_INT, .min = 256, .max = 4 << 20),
    GRPC("write_buffer_size", write_buffer_size, FIELD_INT, .min = 1, .max = 1 << 30),
    GRPC("keepalive", keepalive, FIELD_SECTION, .section = keepalive_fields),
    GRPC("include_metadata", include_metadata, FIELD_BOOL),
    GRPC("auth", auth, FIELD_VALUE),
    GRPC("middlewares", middlewares, FIELD_VALUE),
    CONFIG_END,
};

#define HTTP(key_, member, type_, ...)                                                             \
    {                                                                                              \
        .key = key_, .type = type_, .offset = offsetof(struct otlp_http_settings, member),         \
        __VA_ARGS__                                                                                \
    }
#define CORS(key_, member, type_, ...)                                                             \
    {                                                                                              \
        .key = key_, .type = type_,                                                                \
        .offset = offsetof(struct otlp_http_settings, cors.member) -                               \
                  offsetof(struct otlp_http_settings, cors),                                       \
        __VA_ARGS__                                                                                \
    }

static const struct config_field cors_fields[] = {
    CORS("allowed_origins", allowed_origins, FIELD_STRINGS),
    CORS("allowed_headers", allowed_headers, FIELD_STRINGS),
    CORS("exposed_headers", exposed_headers, FIELD_STRINGS),
    CORS("max_age", max_age, FIELD_INT, .min = 0, .max = 86400),
    CONFIG_END,
};

static const struct config_field http_fields[] = {
    HTTP("endpoint", endpoint, FIELD_STRING, .fallback = "localhost:4318"),
    HTTP("traces_url_path", traces_url_path, FIELD_STRING, .fallback = "/v1/traces"),
    HTTP("tls", tls, FIELD_SECTION, .section = tls_server_fields,
         .present = offsetof(struct otlp_http_settings, has_tls)),
    HTTP("cors", cors, FIELD_SECTION, .section = cors_fields),
    HTTP("max_request_body_size", max_request_body_size, FIELD_SIZE, .fallback = "64MiB"),
    HTTP("compression_algorithms", compression_algorithms, FIELD_STRINGS,
         .present = offsetof(struct otlp_http_settings, has_compression_algorithms)),
    HTTP("response_headers", response_headers, FIELD_PAIRS),
    HTTP("read_timeout", read_timeout_ns, FIELD_DURATION),
    HTTP("read_header_timeout", read_header_timeout_ns, FIELD_DURATION, .fallback = "1m"),
    HTTP("write_timeout", write_timeout_ns, FIELD_DURATION, .fallback = "30s"),
    HTTP("idle_timeout", idle_timeout_ns, FIELD_DURATION, .fallback = "1m"),
    HTTP("keep_alives_enabled", keep_alives_enabled, FIELD_BOOL, .fallback = "true"),
    HTTP("include_metadata", include_metadata, FIELD_BOOL),
    HTTP("auth", auth, FIELD_VALUE),
    HTTP("middlewares", middlewares, FIELD_VALUE),
    CONFIG_END,
};

#define PROTOCOL(key_, has)                                                                        \
    {                                                                                              \
        .key = #key_, .type = FIELD_SECTION,                                                       \
        .offset =                                                                                  \
            offsetof(struct settings, protocols.key_) - offsetof(struct settings, protocols),      \
        .section = key_##_fields,                                                                  \
        .present =                                                                                 \
            offsetof(struct settings, protocols.has) - offsetof(struct settings, protocols),       \
    }

static const struct config_field protocol_fields[] = {
    PROTOCOL(grpc, has_grpc),
    PROTOCOL(http, has_http),
    CONFIG_END,
};

static const struct config_field otlp_fields[] = {
    {.key = "protocols",
     .type = FIELD_SECTION,
     .offset = offsetof(struct settings, protocols),
     .section = protocol_fields},
    CONFIG_END,
};

static const struct config_value *place(const struct component_spec *spec, const char *protocol,
                                        const char *key)
{
    return config_child(config_child(config_child(spec->config, "protocols"), protocol), key);
}

static bool refuse_unsupported(const struct component_spec *spec, const struct settings *s,
                               struct error *e)
{
    const struct otlp_grpc_settings *g = &s->protocols.grpc;
    const struct otlp_http_settings *h = &s->protocols.http;
    const struct config_value *auth = g->auth ? g->auth : h->auth;
    const struct config_value *middlewares = g->middlewares ? g->middlewares : h->middlewares;
    if (auth)
        return config_error(auth, e, "authenticators are not supported");
    if (middlewares)
        return config_error(middlewares, e, "middlewares are not supported");
    if (g->include_metadata || h->include_metadata)
        return config_error(
            place(spec, g->include_metadata ? "grpc" : "http", "include_metadata"), e,
            "passing on the client's metadata is not supported; leave it out or write false");
    return true;
}

static bool check_grpc(const struct component_spec *spec, const struct otlp_grpc_settings *g,
                       struct error *e)
{
    if (g->has_tls && g->tls.min_version == TLS_1_3)
        return config_error(config_child(place(spec, "grpc", "tls"), "min_version"), e,
                            "the gRPC library cannot be held to TLS 1.3; 1.2 is the lowest "
                            "version that it accepts");
    return true;
}

static bool known_compression(const char *name)
{
    static const char *const known[] = {"", "gzip", "zstd", "zlib", "deflate"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(name, known[i]) == 0)
            return true;
    return false;
}

static bool check_http(const struct component_spec *spec, const struct otlp_http_settings *h,
                       struct error *e)
{
    if (h->traces_url_path[0] != '/')
        return config_error(place(spec, "http", "traces_url_path"), e,
                            "\"%s\" does not begin with a slash", h->traces_url_path);
    if (h->max_request_body_size < 1 || h->max_request_body_size > INT64_C(1) << 30)
        return config_error(place(spec, "http", "max_request_body_size"), e,
                            "must be from 1 byte to 1GiB");
    for (size_t i = 0; i < h->compression_algorithms.count; i++)
        if (!known_compression(h->compression_algorithms.items[i]))
            return config_error(place(spec, "http", "compression_algorithms"), e,
                                "\"%s\" is not supported; supported: \"\", gzip, zstd, zlib, "
                                "deflate",
                                h->compression_algorithms.items[i]);
    return true;
}

static bool read_settings(const struct component_spec *spec, struct settings *s, struct error *e)
{
    memset(s, 0, sizeof *s);
    if (!config_read(spec->config, otlp_fields, s, e))
        return false;
    if (!s->protocols.has_grpc && !s->protocols.has_http)
        return config_error(spec->config, e,
                            "protocols lists no protocol; it needs grpc, http or both, such as "
                            "\"protocols: {grpc: {}, http: {}}\"");
    return refuse_unsupported(spec, s, e) &&
           (!s->protocols.has_grpc || check_grpc(spec, &s->protocols.grpc, e)) &&
           (!s->protocols.has_http || check_http(spec, &s->protocols.http, e));
}

static bool otlp_start(struct component *c, struct error *e)
{
    struct otlp *o = (struct otlp *)c;
    if (o->grpc && !otlp_grpc_start(o->grpc, e))
        return false;
    if (o->http && !otlp_http_start(o->http, e)) {
        if (o->grpc)
            otlp_grpc_stop(o->grpc);
        return false;
    }
    component_set_ok(c);
    return true;
}

static void otlp_drain(struct component *c, uint64_t deadline_ns)
{
    struct otlp *o = (struct otlp *)c;
    bool answered = true;
    if (o->http)
        otlp_http_refuse(o->http);
    if (o->grpc)
        otlp_grpc_refuse(o->grpc);
    if (o->http)
        answered &= otlp_http_wait(o->http, deadline_ns);
    if (o->grpc)
        answered &= otlp_grpc_wait(o->grpc, deadline_ns);
    if (!answered)
        log_warn(c->id, "some requests were not answered before the drain's deadline");
}

static void otlp_stop(struct component *c)
{
    struct otlp *o = (struct otlp *)c;
    if (o->http)
        otlp_http_stop(o->http);
    if (o->grpc)
        otlp_grpc_stop(o->grpc);
}

static void otlp_destroy(struct component *c)
{
    struct otlp *o = (struct otlp *)c;
    if (o->http)
        otlp_http_destroy(o->http);
    if (o->grpc)
        otlp_grpc_destroy(o->grpc);
    free(o);
}

static const struct component_ops otlp_ops = {
    .start = otlp_start,
    .drain = otlp_drain,
    .stop = otlp_stop,
    .destroy = otlp_destroy,
};

static struct component *otlp_create(const struct component_spec *spec, struct error *e)
{
    struct settings s;
    if (!read_settings(spec, &s, e))
        return NULL;
    struct otlp *o = calloc(1, sizeof *o);
    if (!o) {
        error_set(e, "out of memory");
        return NULL;
    }
    component_init(&o->component, spec, &otlp_ops);
    if (s.protocols.has_grpc)
        o->grpc = otlp_grpc_create(&o->component, spec, &s.protocols.grpc);
    if (s.protocols.has_http)
        o->http = otlp_http_create(&o->component, spec, &s.protocols.http);
    if ((s.protocols.has_grpc && !o->grpc) || (s.protocols.has_http && !o->http)) {
        otlp_destroy(&o->component);
        error_set(e, "out of memory");
        return NULL;
    }
    return &o->component;
}

void otlp_receiver_ports(const struct component *c, uint16_t *grpc, uint16_t *http)
{
    const struct otlp *o = (const struct otlp *)c;
    *grpc = o->grpc ? otlp_grpc_port(o->grpc) : 0;
    *http = o->http ? otlp_http_port(o->http) : 0;
}

const struct component_kind otlp_receiver = {
    .type = "otlp",
    .class = COMPONENT_RECEIVER,
    .summary = "OTLP over gRPC and HTTP (protobuf and JSON)",
    .create = otlp_create,
};
