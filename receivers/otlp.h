/* Private to the OTLP receiver: its settings, and the two servers that it consists of. */
#ifndef TAILSPAN_RECEIVERS_OTLP_H
#define TAILSPAN_RECEIVERS_OTLP_H

#include "component/component.h"
#include "component/config.h"
#include "component/tls.h"

struct otlp_grpc_settings {
    const char *endpoint;
    struct tls_server_settings tls;
    int64_t max_recv_msg_size_mib;
    int64_t max_concurrent_streams; /* 0: no limit */
    int64_t read_buffer_size;       /* 0: the transport's own */
    int64_t write_buffer_size;
    struct {
        struct {
            int64_t max_connection_idle_ns; /* 0: the transport's default, for all of these */
            int64_t max_connection_age_ns;
            int64_t max_connection_age_grace_ns;
            int64_t time_ns;
            int64_t timeout_ns;
        } server_parameters;
        struct {
            int64_t min_time_ns;
            bool permit_without_stream;
        } enforcement_policy;
    } keepalive;
    bool include_metadata;
    int transport;
    const struct config_value *auth;
    const struct config_value *middlewares;
    bool has_tls;
};

struct otlp_http_settings {
    const char *endpoint;
    struct tls_server_settings tls;
    struct {
        struct config_strings allowed_origins;
        struct config_strings allowed_headers;
        struct config_strings exposed_headers;
        int64_t max_age; /* seconds; 0: not said */
    } cors;
    int64_t max_request_body_size;
    const char *traces_url_path;
    bool include_metadata;
    int64_t read_timeout_ns; /* 0: none, for all of these */
    int64_t read_header_timeout_ns;
    int64_t write_timeout_ns;
    int64_t idle_timeout_ns;
    struct config_pairs response_headers;
    struct config_strings compression_algorithms;
    bool keep_alives_enabled;
    const struct config_value *auth;
    const struct config_value *middlewares;
    bool has_tls;
    bool has_compression_algorithms;
};

/* One server each. Life as a component's: main thread, start, refuse and wait, stop, destroy. The
 * settings point into the configuration and are copied. */
struct otlp_grpc;
struct otlp_grpc *otlp_grpc_create(struct component *c, const struct component_spec *spec,
                                   const struct otlp_grpc_settings *s); /* NULL: out of memory */
bool otlp_grpc_start(struct otlp_grpc *g, struct error *e);
void otlp_grpc_refuse(struct otlp_grpc *g); /* begins draining: takes no new work */
bool otlp_grpc_wait(struct otlp_grpc *g, uint64_t deadline_ns); /* until all is answered */
void otlp_grpc_stop(struct otlp_grpc *g); /* also when start failed or never ran */
void otlp_grpc_destroy(struct otlp_grpc *g);
uint16_t otlp_grpc_port(const struct otlp_grpc *g); /* that was bound */

struct otlp_http;
struct otlp_http *otlp_http_create(struct component *c, const struct component_spec *spec,
                                   const struct otlp_http_settings *s);
bool otlp_http_start(struct otlp_http *h, struct error *e);
void otlp_http_refuse(struct otlp_http *h); /* begins draining: takes no new work */
bool otlp_http_wait(struct otlp_http *h, uint64_t deadline_ns); /* until all is answered */
void otlp_http_stop(struct otlp_http *h);
void otlp_http_destroy(struct otlp_http *h);
uint16_t otlp_http_port(const struct otlp_http *h);

/* For tests that let the system choose: the ports that a started receiver listens on; 0: off. */
void otlp_receiver_ports(const struct component *c, uint16_t *grpc, uint16_t *http);

#endif
