/* From the Collector's keys to C core's channel arguments.
 *
 * grpc-go and C core share the meaning and most defaults (keepalive 2h and 20s, pings at least 5
 * minutes apart), so a key that was not written sets no argument. */
#include "receivers/otlp_grpc.h"

#include "component/endpoint.h"

#include <limits.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    HANDSHAKE_TIMEOUT_MS = 10000, /* for who connects and says nothing */
};

struct arguments {
    grpc_arg *args;
    size_t count;
};

static void set(struct arguments *a, const char *key, int64_t value)
{
    a->args[a->count++] = (grpc_arg){
        .type = GRPC_ARG_INTEGER,
        .key = (char *)key,
        .value.integer = value > INT_MAX ? INT_MAX : (int)value,
    };
}

static void set_if_given(struct arguments *a, const char *key, int64_t value)
{
    if (value > 0)
        set(a, key, value);
}

/* A duration below a millisecond must not become 0, which C core may take for "off". */
static int64_t milliseconds(int64_t ns)
{
    return ns / 1000000 + (ns % 1000000 != 0);
}

size_t grpc_server_arguments(const struct otlp_grpc_settings *s, grpc_arg args[GRPC_ARGS_MAX])
{
    struct arguments a = {.args = args};
    /* A second process must not share the port unnoticed. */
    set(&a, GRPC_ARG_ALLOW_REUSEPORT, 0);
    /* C core inflates before it looks at the size; we do it with a cap. */
    set(&a, GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
    set(&a, GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, s->max_recv_msg_size_mib << 20);
    set(&a, GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, HANDSHAKE_TIMEOUT_MS);
    set_if_given(&a, GRPC_ARG_MAX_CONCURRENT_STREAMS, s->max_concurrent_streams);
    set_if_given(&a, GRPC_ARG_TCP_READ_CHUNK_SIZE, s->read_buffer_size);
    set_if_given(&a, GRPC_ARG_HTTP2_WRITE_BUFFER_SIZE, s->write_buffer_size);
    set_if_given(&a, GRPC_ARG_MAX_CONNECTION_IDLE_MS,
                 milliseconds(s->keepalive.server_parameters.max_connection_idle_ns));
    set_if_given(&a, GRPC_ARG_MAX_CONNECTION_AGE_MS,
                 milliseconds(s->keepalive.server_parameters.max_connection_age_ns));
    set_if_given(&a, GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS,
                 milliseconds(s->keepalive.server_parameters.max_connection_age_grace_ns));
    set_if_given(&a, GRPC_ARG_KEEPALIVE_TIME_MS,
                 milliseconds(s->keepalive.server_parameters.time_ns));
    set_if_given(&a, GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                 milliseconds(s->keepalive.server_parameters.timeout_ns));
    set_if_given(&a, GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                 milliseconds(s->keepalive.enforcement_policy.min_time_ns));
    set_if_given(&a, GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS,
                 s->keepalive.enforcement_policy.permit_without_stream);
    return a.count;
}

static grpc_server_credentials *credentials(const char *cert, const char *key, const char *ca)
{
    grpc_ssl_pem_key_cert_pair pair = {.private_key = key, .cert_chain = cert};
    return grpc_ssl_server_credentials_create_ex(
        ca, &pair, 1,
        ca ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
           : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
        NULL);
}

grpc_server_credentials *grpc_server_credentials_load(const struct otlp_grpc_settings *s,
                                                      struct error *e)
{
    if (!s->has_tls)
        return grpc_insecure_server_credentials_create();
    grpc_server_credentials *made = NULL;
    e->text[0] = 0;
    char *cert = tls_load(s->tls.cert_pem, s->tls.cert_file, e);
    char *key = e->text[0] ? NULL : tls_load(s->tls.key_pem, s->tls.key_file, e);
    char *ca = e->text[0] ? NULL : tls_load(NULL, s->tls.client_ca_file, e);
    if (!e->text[0] && (!cert || !key))
        error_set(e, "tls: a server needs cert_file and key_file");
    else if (!e->text[0])
        made = credentials(cert, key, ca);
    free(cert);
    free(key);
    free(ca);
    return made;
}

/* The name as one numeric address, in place; a getaddrinfo() code when it has none. */
static int resolve_host(char *host, size_t len)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *list = NULL;
    int rc = getaddrinfo(host, NULL, &hints, &list);
    if (rc != 0)
        return rc;
    const struct addrinfo *best = NULL;
    for (const struct addrinfo *a = list; a; a = a->ai_next)
        if (!best || (a->ai_family == AF_INET && best->ai_family != AF_INET))
            best = a;
    rc = best ? getnameinfo(best->ai_addr, best->ai_addrlen, host, (socklen_t)len, NULL, 0,
                            NI_NUMERICHOST)
              : EAI_NONAME;
    if (list)
        freeaddrinfo(list);
    return rc;
}

bool grpc_resolve(const char *endpoint, char *out, size_t len, struct error *e)
{
    struct endpoint ep;
    if (!endpoint_parse(endpoint, &ep, e))
        return false;
    int rc = ep.host[0] ? resolve_host(ep.host, sizeof ep.host) : 0;
    if (rc != 0)
        return error_set(e, "cannot listen on %s: %s", endpoint, gai_strerror(rc));
    endpoint_format(&ep, out, len);
    return true;
}
