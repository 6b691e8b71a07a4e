#include "exporters/grpc_channel.h"

#include "component/endpoint.h"
#include "exporters/client_pem.h"
#include "exporters/loopback.h"

#include <grpc/grpc_security.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    RESPONSE_MAX = 4 << 20,
    RECONNECT_INITIAL_MS = 1000,
    RECONNECT_MAX_MS = 5000,
    CONNECT_TIMEOUT_MS = 10000,
};

const char *const grpc_balancers[] = {"round_robin", "pick_first", NULL};

#define KEEPALIVE(key_, member, type_)                                                             \
    {                                                                                              \
        .key = #key_, .type = (type_),                                                             \
        .offset = offsetof(struct grpc_channel_settings, keepalive.member) -                       \
                  offsetof(struct grpc_channel_settings, keepalive)                                \
    }
const struct config_field grpc_keepalive_fields[] = {
    KEEPALIVE(time, time_ns, FIELD_DURATION),
    KEEPALIVE(timeout, timeout_ns, FIELD_DURATION),
    KEEPALIVE(permit_without_stream, permit_without_stream, FIELD_BOOL),
    CONFIG_END,
};

/* ---- where to ---- */

static const char *after_prefix(const char *text, const char *prefix)
{
    size_t len = strlen(prefix);
    return strncasecmp(text, prefix, len) == 0 ? text + len : NULL;
}

/* C core's target for an endpoint. As in the Collector, https:// asks for TLS whatever `insecure`
 * says, and http:// is only taken off: whether to encrypt is for `tls` to say. */
static bool find_target(const char *endpoint, char *target, size_t len, bool *https,
                        struct error *e)
{
    const char *rest = after_prefix(endpoint, "https://");
    *https = rest != NULL;
    if (!rest)
        rest = after_prefix(endpoint, "http://");
    if (after_prefix(endpoint, "dns://") || after_prefix(endpoint, "unix://")) {
        snprintf(target, len, "%s", endpoint);
        return true;
    }
    char host[300];
    snprintf(host, sizeof host, "%s", rest ? rest : endpoint);
    size_t end = strlen(host);
    if (rest && end > 0 && host[end - 1] == '/')
        host[end - 1] = 0;
    struct endpoint parsed;
    if (strstr(host, "://"))
        return error_set(e,
                         "the scheme of \"%s\" is not supported; supported: http, https, dns, "
                         "unix, or just host:port",
                         endpoint);
    if (!endpoint_parse(host, &parsed, e))
        return false;
    if (!parsed.host[0])
        return error_set(e, "\"%s\" has no host", endpoint);
    endpoint_format(&parsed, target, len);
    return true;
}

bool grpc_channel_settings_check(const struct grpc_channel_settings *s,
                                 const struct config_value *config, struct error *e)
{
    const struct config_value *tls = config_child(config, "tls");
    const struct config_value *endpoint = config_child(config, "endpoint");
    if (!s->endpoint || !s->endpoint[0])
        return config_error(config, e, "endpoint is required, such as \"jaeger:4317\"");
    char target[400];
    bool https;
    struct error why;
    if (!find_target(s->endpoint, target, sizeof target, &https, &why))
        return config_error(endpoint, e, "%s", why.text);
    if (s->tls.min_version == TLS_1_3)
        return config_error(config_child(tls, "min_version"), e,
                            "gRPC's library cannot be held to TLS 1.3; supported: 1.2");
    return client_pem_check(&s->tls, tls, e);
}

/* ---- how to trust ---- */

static grpc_channel_credentials *verified(const struct client_pem *p)
{
    grpc_ssl_pem_key_cert_pair pair = {.private_key = p->key, .cert_chain = p->cert};
    return grpc_ssl_credentials_create_ex(p->roots, p->key ? &pair : NULL, NULL, NULL);
}

/* insecure_skip_verify: encrypted, but to whom is not asked. */
static grpc_channel_credentials *unverified(const struct client_pem *p)
{
    grpc_tls_credentials_options *o = grpc_tls_credentials_options_create();
    grpc_tls_certificate_verifier *verifier = grpc_tls_certificate_verifier_no_op_create();
    grpc_tls_credentials_options_set_verify_server_cert(o, 0);
    grpc_tls_credentials_options_set_check_call_host(o, 0);
    grpc_tls_credentials_options_set_certificate_verifier(o, verifier);
    grpc_tls_certificate_verifier_release(verifier);
    if (p->key) {
        grpc_tls_identity_pairs *pairs = grpc_tls_identity_pairs_create();
        grpc_tls_identity_pairs_add_pair(pairs, p->key, p->cert);
        grpc_tls_certificate_provider *provider =
            grpc_tls_certificate_provider_static_data_create(p->roots, pairs);
        grpc_tls_credentials_options_set_certificate_provider(o, provider);
        grpc_tls_credentials_options_watch_identity_key_cert_pairs(o);
        grpc_tls_certificate_provider_release(provider);
    }
    return grpc_tls_credentials_create(o);
}

static grpc_channel_credentials *credentials(const struct tls_client_settings *s, bool https,
                                             struct error *e)
{
    bool names_ca = s->ca_file || s->ca_pem;
    if (s->insecure && !names_ca && !https)
        return grpc_insecure_credentials_create();
    struct client_pem p;
    grpc_channel_credentials *c = NULL;
    if (client_pem_load(&p, s, e)) {
        c = s->insecure_skip_verify ? unverified(&p) : verified(&p);
        if (!c)
            error_set(e, "gRPC's library refuses the TLS settings");
    }
    client_pem_free(&p);
    return c;
}

/* ---- the channel ---- */

struct args {
    grpc_arg items[24];
    size_t count;
};

static void add_int(struct args *a, const char *key, int value)
{
    a->items[a->count++] =
        (grpc_arg){.type = GRPC_ARG_INTEGER, .key = (char *)key, .value.integer = value};
}

static void add_string(struct args *a, const char *key, const char *value)
{
    a->items[a->count++] =
        (grpc_arg){.type = GRPC_ARG_STRING, .key = (char *)key, .value.string = (char *)value};
}

static int to_ms(int64_t ns)
{
    return ns / 1000000 < INT_MAX ? (int)(ns / 1000000) : INT_MAX;
}

static int to_int(int64_t n)
{
    return n < INT_MAX ? (int)n : INT_MAX;
}

static void add_keepalive(struct args *a, const struct grpc_channel_settings *s)
{
    if (s->keepalive.time_ns)
        add_int(a, GRPC_ARG_KEEPALIVE_TIME_MS, to_ms(s->keepalive.time_ns));
    if (s->keepalive.timeout_ns)
        add_int(a, GRPC_ARG_KEEPALIVE_TIMEOUT_MS, to_ms(s->keepalive.timeout_ns));
    add_int(a, GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, s->keepalive.permit_without_stream);
    add_int(a, GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
}

static bool leads_here(const char *target)
{
    struct endpoint parsed;
    struct error ignored;
    return endpoint_parse(target, &parsed, &ignored) && is_loopback(parsed.host);
}

/* Retries are the sending queue's, so that C core keeps no copies for its own. Responses are
 * inflated by us: C core would inflate a bomb before it looked at the size. */
static void collect(struct args *a, const struct grpc_channel_settings *s, bool gzip)
{
    add_int(a, GRPC_ARG_ENABLE_RETRIES, 0);
    add_int(a, GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
    add_int(a, GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, -1);
    add_int(a, GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, RESPONSE_MAX);
    add_int(a, GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
    add_int(a, GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, RECONNECT_INITIAL_MS);
    add_int(a, GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, RECONNECT_MAX_MS);
    add_int(a, GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, CONNECT_TIMEOUT_MS);
    add_string(a, GRPC_ARG_LB_POLICY_NAME, grpc_balancers[s->balancer_name]);
    add_string(a, GRPC_ARG_PRIMARY_USER_AGENT_STRING, "tailspan/" TAILSPAN_VERSION);
    if (gzip)
        add_int(a, GRPC_COMPRESSION_CHANNEL_DEFAULT_ALGORITHM, GRPC_COMPRESS_GZIP);
    if (s->authority)
        add_string(a, GRPC_ARG_DEFAULT_AUTHORITY, s->authority);
    if (s->tls.server_name_override)
        add_string(a, GRPC_SSL_TARGET_NAME_OVERRIDE_ARG, s->tls.server_name_override);
    if (s->read_buffer_size)
        add_int(a, GRPC_ARG_TCP_READ_CHUNK_SIZE, to_int(s->read_buffer_size));
    if (s->write_buffer_size)
        add_int(a, GRPC_ARG_HTTP2_WRITE_BUFFER_SIZE, to_int(s->write_buffer_size));
    if (s->keepalive.present)
        add_keepalive(a, s);
}

grpc_channel *grpc_channel_open(const struct grpc_channel_settings *s, bool gzip, struct error *e)
{
    char target[400];
    bool https;
    if (!find_target(s->endpoint, target, sizeof target, &https, e))
        return NULL;
    grpc_channel_credentials *c = credentials(&s->tls, https, e);
    if (!c)
        return NULL;
    struct args a = {.count = 0};
    collect(&a, s, gzip);
    if (leads_here(target))
        add_int(&a, GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    grpc_channel_args all = {.num_args = a.count, .args = a.items};
    grpc_channel *channel = grpc_channel_create(target, c, &all);
    grpc_channel_credentials_release(c);
    if (!channel)
        error_set(e, "gRPC's library refuses the endpoint \"%s\"", s->endpoint);
    return channel;
}
