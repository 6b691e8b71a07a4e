/* The bare C-core server under the sink and the gRPC floors: one thread, one completion queue, one
 * registered method whose payload is read with the call, and several calls requested at a time, as
 * anyone would write it who wanted it fast.
 *
 * Compressed requests are handed over compressed. The completion queue may carry other work: its
 * tags begin with a struct task as well. */
#ifndef TAILSPAN_BENCH_EXPORT_SERVER_H
#define TAILSPAN_BENCH_EXPORT_SERVER_H

#include <grpc/grpc.h>
#include <stdbool.h>

#define EXPORT_METHOD "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

struct task {
    void (*run)(struct task *t, bool ok);
};

struct export_call;

struct export_server_options {
    const char *endpoint;
    unsigned requested; /* calls waited for at a time */
    /* A request has come; `body` is the callee's to destroy. The call is answered then or later,
     * on the same thread, with export_call_accept(). */
    void (*receive)(void *context, struct export_call *call, grpc_byte_buffer *body);
    void *context;
};

struct export_server;

/* Prints why and exits when it cannot listen. */
struct export_server *export_server_start(const struct export_server_options *o);
grpc_completion_queue *export_server_queue(struct export_server *s);

/* Answers OK with an empty response, which means that every span was accepted. */
void export_call_accept(struct export_call *call);

/* Runs until SIGTERM or SIGINT, on the calling thread. */
void export_server_run(struct export_server *s);
void export_server_stop(struct export_server *s);

#endif
