/* The relay floor: a C-core server that hands every request's bytes, untouched, to a C-core client
 * of the same thread and completion queue. It is the least that a collector on C core can spend on
 * gRPC in and out.
 *
 * It acknowledges as Tailspan does by default: when it has taken the request over, before the sink
 * has answered. At most IN_FLIGHT requests are on their way; those beyond it wait, unacknowledged,
 * so that its memory stays bounded. A request that the sink refuses is lost and counted. */
#include "tests/bench/export_server.h"

#include <grpc/byte_buffer.h>
#include <grpc/grpc_security.h>
#include <grpc/support/time.h>
#include <stdio.h>
#include <stdlib.h>

enum { IN_FLIGHT = 64 };

struct transfer {
    struct task task;
    struct relay *relay;
    struct transfer *next;
    grpc_call *call;
    grpc_byte_buffer *body;
    grpc_byte_buffer *response;
    grpc_metadata_array initial;
    grpc_metadata_array trailing;
    grpc_status_code status;
    grpc_slice details;
};

struct waiting {
    struct waiting *next;
    struct export_call *call;
    grpc_byte_buffer *body;
};

struct relay {
    grpc_completion_queue *queue;
    grpc_channel *channel;
    void *method;
    struct transfer *free_transfers;
    struct waiting *first; /* not yet acknowledged, in order */
    struct waiting **last;
    unsigned in_flight;
    unsigned long lost;
};

static void forward(struct relay *r, struct export_call *call, grpc_byte_buffer *body);

static void serve_waiting(struct relay *r)
{
    struct waiting *w = r->first;
    if (!w)
        return;
    r->first = w->next;
    if (!r->first)
        r->last = &r->first;
    forward(r, w->call, w->body);
    free(w);
}

static void on_sent(struct task *task, bool ok)
{
    struct transfer *t = (struct transfer *)task;
    struct relay *r = t->relay;
    if (!ok || t->status != GRPC_STATUS_OK)
        r->lost++;
    grpc_byte_buffer_destroy(t->body);
    if (t->response)
        grpc_byte_buffer_destroy(t->response);
    grpc_metadata_array_destroy(&t->initial);
    grpc_metadata_array_destroy(&t->trailing);
    grpc_slice_unref(t->details);
    grpc_call_unref(t->call);
    t->next = r->free_transfers;
    r->free_transfers = t;
    r->in_flight--;
    serve_waiting(r);
}

static void send(struct relay *r, grpc_byte_buffer *body)
{
    struct transfer *t = r->free_transfers;
    if (t)
        r->free_transfers = t->next;
    else if (!(t = calloc(1, sizeof *t)))
        abort();
    t->task.run = on_sent;
    t->relay = r;
    t->body = body;
    t->response = NULL;
    grpc_metadata_array_init(&t->initial);
    grpc_metadata_array_init(&t->trailing);
    gpr_timespec deadline =
        gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_seconds(5, GPR_TIMESPAN));
    t->call = grpc_channel_create_registered_call(r->channel, NULL, 0, r->queue, r->method,
                                                  deadline, NULL);
    grpc_op ops[6] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},  {.op = GRPC_OP_SEND_MESSAGE},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT}, {.op = GRPC_OP_RECV_INITIAL_METADATA},
        {.op = GRPC_OP_RECV_MESSAGE},           {.op = GRPC_OP_RECV_STATUS_ON_CLIENT},
    };
    ops[0].flags = GRPC_INITIAL_METADATA_WAIT_FOR_READY;
    ops[1].data.send_message.send_message = body;
    ops[3].data.recv_initial_metadata.recv_initial_metadata = &t->initial;
    ops[4].data.recv_message.recv_message = &t->response;
    ops[5].data.recv_status_on_client.trailing_metadata = &t->trailing;
    ops[5].data.recv_status_on_client.status = &t->status;
    ops[5].data.recv_status_on_client.status_details = &t->details;
    if (grpc_call_start_batch(t->call, ops, 6, t, NULL) != GRPC_CALL_OK)
        abort();
}

static void forward(struct relay *r, struct export_call *call, grpc_byte_buffer *body)
{
    r->in_flight++;
    send(r, body);
    export_call_accept(call);
}

static void receive(void *context, struct export_call *call, grpc_byte_buffer *body)
{
    struct relay *r = context;
    if (!body) {
        export_call_accept(call);
        return;
    }
    if (r->in_flight < IN_FLIGHT) {
        forward(r, call, body);
        return;
    }
    struct waiting *w = malloc(sizeof *w);
    if (!w)
        abort();
    *w = (struct waiting){.call = call, .body = body};
    *r->last = w;
    r->last = &w->next;
}

static void connect_to(struct relay *r, const char *target)
{
    grpc_arg args[] = {
        {.type = GRPC_ARG_INTEGER, .key = GRPC_ARG_ENABLE_RETRIES, .value.integer = 0},
        {.type = GRPC_ARG_INTEGER,
         .key = GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION,
         .value.integer = 0},
    };
    grpc_channel_args channel_args = {.num_args = sizeof args / sizeof *args, .args = args};
    grpc_channel_credentials *insecure = grpc_insecure_credentials_create();
    r->channel = grpc_channel_create(target, insecure, &channel_args);
    grpc_channel_credentials_release(insecure);
    r->method = grpc_channel_register_call(r->channel, EXPORT_METHOD, NULL, NULL);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s HOST:PORT SINK_HOST:PORT\n", argv[0]);
        return 2;
    }
    struct relay r = {.last = NULL};
    r.last = &r.first;
    struct export_server_options o = {
        .endpoint = argv[1], .requested = 64, .receive = receive, .context = &r};
    struct export_server *s = export_server_start(&o);
    r.queue = export_server_queue(s);
    connect_to(&r, argv[2]);
    export_server_run(s);
    if (r.lost)
        fprintf(stderr, "floor_relay: %lu requests lost\n", r.lost);
    /* The channel goes before the queue that its calls are on. */
    grpc_channel_destroy(r.channel);
    export_server_stop(s);
    while (r.free_transfers) {
        struct transfer *t = r.free_transfers;
        r.free_transfers = t->next;
        free(t);
    }
    return 0;
}
