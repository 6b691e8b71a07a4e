/* How a call goes: request_registered_call -> receive -> accept (four operations in one batch) ->
 * freed, and its place requested anew as soon as it has been received. Call objects are reused. */
#include "tests/bench/export_server.h"

#include <grpc/byte_buffer.h>
#include <grpc/grpc_security.h>
#include <grpc/support/time.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

struct export_call {
    struct task task;
    struct export_server *server;
    struct export_call *next_free;
    grpc_call *call;
    grpc_metadata_array metadata;
    grpc_byte_buffer *body;
    gpr_timespec deadline;
    int cancelled;
};

struct export_server {
    struct export_server_options options;
    grpc_completion_queue *queue;
    grpc_server *server;
    void *method;
    grpc_byte_buffer *empty; /* the response */
    struct export_call *free_calls;
    struct task shutdown;
    bool stopped;
};

static volatile sig_atomic_t signalled;

static void on_signal(int number)
{
    (void)number;
    signalled = 1;
}

static void on_received(struct task *t, bool ok);

static void wait_for_call(struct export_server *s)
{
    struct export_call *c = s->free_calls;
    if (c)
        s->free_calls = c->next_free;
    else if (!(c = calloc(1, sizeof *c)))
        abort();
    c->server = s;
    c->task.run = on_received;
    c->body = NULL;
    grpc_metadata_array_init(&c->metadata);
    grpc_server_request_registered_call(s->server, s->method, &c->call, &c->deadline, &c->metadata,
                                        &c->body, s->queue, s->queue, c);
}

static void on_received(struct task *t, bool ok)
{
    struct export_call *c = (struct export_call *)t;
    struct export_server *s = c->server;
    if (!ok) { /* shutting down */
        grpc_metadata_array_destroy(&c->metadata);
        free(c);
        return;
    }
    wait_for_call(s);
    s->options.receive(s->options.context, c, c->body);
}

static void on_answered(struct task *t, bool ok)
{
    struct export_call *c = (struct export_call *)t;
    (void)ok;
    grpc_call_unref(c->call);
    grpc_metadata_array_destroy(&c->metadata);
    c->next_free = c->server->free_calls;
    c->server->free_calls = c;
}

void export_call_accept(struct export_call *c)
{
    grpc_op ops[4] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},
        {.op = GRPC_OP_SEND_MESSAGE},
        {.op = GRPC_OP_SEND_STATUS_FROM_SERVER},
        {.op = GRPC_OP_RECV_CLOSE_ON_SERVER},
    };
    ops[1].data.send_message.send_message = c->server->empty;
    ops[2].data.send_status_from_server.status = GRPC_STATUS_OK;
    ops[3].data.recv_close_on_server.cancelled = &c->cancelled;
    c->task.run = on_answered;
    if (grpc_call_start_batch(c->call, ops, 4, c, NULL) != GRPC_CALL_OK)
        abort();
}

static void on_shutdown(struct task *t, bool ok)
{
    struct export_server *s =
        (struct export_server *)((char *)t - offsetof(struct export_server, shutdown));
    (void)ok;
    s->stopped = true;
}

struct export_server *export_server_start(const struct export_server_options *o)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    grpc_init();
    struct export_server *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->options = *o;
    s->shutdown.run = on_shutdown;
    s->queue = grpc_completion_queue_create_for_next(NULL);
    s->empty = grpc_raw_byte_buffer_create(NULL, 0);
    grpc_arg args[] = {
        {.type = GRPC_ARG_INTEGER,
         .key = GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
         .value.integer = 64 << 20},
        {.type = GRPC_ARG_INTEGER,
         .key = GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION,
         .value.integer = 0},
        {.type = GRPC_ARG_INTEGER, .key = GRPC_ARG_ALLOW_REUSEPORT, .value.integer = 0},
    };
    grpc_channel_args channel_args = {.num_args = sizeof args / sizeof *args, .args = args};
    s->server = grpc_server_create(&channel_args, NULL);
    grpc_server_register_completion_queue(s->server, s->queue, NULL);
    s->method = grpc_server_register_method(s->server, EXPORT_METHOD, NULL,
                                            GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER, 0);
    grpc_server_credentials *insecure = grpc_insecure_server_credentials_create();
    if (!grpc_server_add_http2_port(s->server, o->endpoint, insecure)) {
        fprintf(stderr, "cannot listen on %s\n", o->endpoint);
        exit(1);
    }
    grpc_server_credentials_release(insecure);
    grpc_server_start(s->server);
    for (unsigned i = 0; i < o->requested; i++)
        wait_for_call(s);
    return s;
}

grpc_completion_queue *export_server_queue(struct export_server *s)
{
    return s->queue;
}

/* Wakes four times a second to look for the signal. */
void export_server_run(struct export_server *s)
{
    bool stopping = false;
    while (!s->stopped) {
        gpr_timespec soon =
            gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(250, GPR_TIMESPAN));
        grpc_event event = grpc_completion_queue_next(s->queue, soon, NULL);
        if (event.type == GRPC_OP_COMPLETE) {
            struct task *t = event.tag;
            t->run(t, event.success);
        }
        if (signalled && !stopping) {
            stopping = true;
            grpc_server_shutdown_and_notify(s->server, s->queue, &s->shutdown);
            grpc_server_cancel_all_calls(s->server);
        }
    }
}

void export_server_stop(struct export_server *s)
{
    grpc_server_destroy(s->server);
    grpc_completion_queue_shutdown(s->queue);
    grpc_event event;
    do {
        event = grpc_completion_queue_next(s->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
        if (event.type == GRPC_OP_COMPLETE) {
            struct task *t = event.tag;
            t->run(t, event.success);
        }
    } while (event.type != GRPC_QUEUE_SHUTDOWN);
    grpc_completion_queue_destroy(s->queue);
    grpc_byte_buffer_destroy(s->empty);
    while (s->free_calls) {
        struct export_call *c = s->free_calls;
        s->free_calls = c->next_free;
        free(c);
    }
    free(s);
    grpc_shutdown();
}
