/* A gRPC channel to a backend, from the Collector's client keys (configgrpc). */
#ifndef TAILSPAN_EXPORTERS_GRPC_CHANNEL_H
#define TAILSPAN_EXPORTERS_GRPC_CHANNEL_H

#include "component/config.h"
#include "component/tls.h"

#include <grpc/grpc.h>

struct grpc_channel_settings {
    const char *endpoint;
    struct tls_client_settings tls;
    struct {
        bool present;
        int64_t time_ns;
        int64_t timeout_ns;
        bool permit_without_stream;
    } keepalive;
    int balancer_name; /* index into grpc_balancers */
    const char *authority;
    int64_t read_buffer_size;  /* bytes; 0: C core's */
    int64_t write_buffer_size; /* likewise */
};

extern const char *const grpc_balancers[];
extern const struct config_field grpc_keepalive_fields[];

/* Whether C core can do what the settings ask for; `config` is the exporter's. */
bool grpc_channel_settings_check(const struct grpc_channel_settings *s,
                                 const struct config_value *config, struct error *e);

/* Opens the channel, reading the certificates; it connects with the first call. Messages are marked
 * as gzip's when `gzip` is set, and must then be compressed already. NULL with `e` set. */
grpc_channel *grpc_channel_open(const struct grpc_channel_settings *s, bool gzip, struct error *e);

#endif
