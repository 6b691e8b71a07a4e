/* Private to the gRPC server: channel arguments, credentials, and the calls of one lane. */
#ifndef TAILSPAN_RECEIVERS_OTLP_GRPC_H
#define TAILSPAN_RECEIVERS_OTLP_GRPC_H

#include "component/lane.h"
#include "receivers/inflight.h"
#include "receivers/otlp.h"
#include "receivers/otlp_intake.h"

#include <grpc/grpc_security.h>

enum { GRPC_ARGS_MAX = 20 };

/* The settings as channel arguments; returns how many. */
size_t grpc_server_arguments(const struct otlp_grpc_settings *s, grpc_arg args[GRPC_ARGS_MAX]);

/* Insecure, TLS or mTLS. NULL with `e` set. */
grpc_server_credentials *grpc_server_credentials_load(const struct otlp_grpc_settings *s,
                                                      struct error *e);

/* "host:port" with the host as one address, IPv4 before IPv6: C core would bind what it can of the
 * several addresses of a name, and be content with half of them. */
bool grpc_resolve(const char *endpoint, char *out, size_t len, struct error *e);

/* The calls that one lane serves. All but `inflight` belongs to the lane's thread. */
struct grpc_calls {
    struct intake *in;
    grpc_server *server;
    void *method;
    struct lane *lane;
    struct inflight *inflight; /* calls that C core or the pipeline holds */
    struct inflater *inflater;
    struct grpc_unknown *unknown;
    struct grpc_export *idle; /* contexts for reuse */
    unsigned requested;       /* how many calls C core was asked for */
    bool closing;
    uint8_t *flat; /* scratch for a compressed message in several slices */
    size_t flat_size;
};

/* Asks C core for calls, as many as are to wait for one. False: out of memory. On the lane's
 * thread. */
bool grpc_calls_request(struct grpc_calls *c);

/* The lane's answer to calls of other methods. Requested on the lane's thread, once. */
struct grpc_unknown *grpc_unknown_create(struct grpc_calls *c); /* NULL: out of memory */
void grpc_unknown_request(struct grpc_unknown *u);
void grpc_unknown_destroy(struct grpc_unknown *u);

/* After the last call was answered: frees the contexts. */
void grpc_calls_free(struct grpc_calls *c);

#endif
