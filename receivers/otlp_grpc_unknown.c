/* Calls of other methods than Export (metrics, logs, whatever a scanner tries).
 *
 * C core holds a call of an unregistered method until somebody asks for it, so somebody must. One
 * context a lane answers them one after the other. */
#include "receivers/otlp_grpc.h"

#include <grpc/slice.h>
#include <stdlib.h>

struct grpc_unknown {
    struct lane_task arrived;
    struct lane_task replied;
    struct grpc_calls *calls;
    grpc_call *call;
    grpc_call_details details;
    grpc_metadata_array metadata;
    int cancelled;
};

void grpc_unknown_request(struct grpc_unknown *u)
{
    grpc_completion_queue *q = lane_queue(u->calls->lane);
    grpc_call_details_init(&u->details);
    grpc_metadata_array_init(&u->metadata);
    inflight_enter(u->calls->inflight);
    lane_task_given(&u->arrived);
    if (grpc_server_request_call(u->calls->server, &u->call, &u->details, &u->metadata, q, q,
                                 &u->arrived) != GRPC_CALL_OK)
        abort(); /* would mean that the server was not set up */
}

static void release(struct grpc_unknown *u)
{
    grpc_call_details_destroy(&u->details);
    grpc_metadata_array_destroy(&u->metadata);
    inflight_leave(u->calls->inflight);
}

static void on_arrived(struct lane_task *task, bool ok)
{
    struct grpc_unknown *u =
        (struct grpc_unknown *)((char *)task - offsetof(struct grpc_unknown, arrived));
    if (!ok) { /* the server shuts down */
        u->calls->closing = true;
        release(u);
        return;
    }
    counter_add(u->calls->in->refused_requests[REFUSED_UNSUPPORTED], 1);
    grpc_slice text = grpc_slice_from_static_string(
        "unknown method; traces only, by "
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export");
    grpc_op ops[3] = {{.op = GRPC_OP_SEND_INITIAL_METADATA},
                      {.op = GRPC_OP_RECV_CLOSE_ON_SERVER},
                      {.op = GRPC_OP_SEND_STATUS_FROM_SERVER}};
    ops[1].data.recv_close_on_server.cancelled = &u->cancelled;
    ops[2].data.send_status_from_server.status = GRPC_STATUS_UNIMPLEMENTED;
    ops[2].data.send_status_from_server.status_details = &text;
    lane_task_given(&u->replied);
    if (grpc_call_start_batch(u->call, ops, 3, &u->replied, NULL) != GRPC_CALL_OK)
        abort(); /* would mean that we answered twice */
}

static void on_replied(struct lane_task *task, bool ok)
{
    (void)ok;
    struct grpc_unknown *u =
        (struct grpc_unknown *)((char *)task - offsetof(struct grpc_unknown, replied));
    grpc_call_unref(u->call);
    release(u);
    if (!u->calls->closing)
        grpc_unknown_request(u);
}

struct grpc_unknown *grpc_unknown_create(struct grpc_calls *c)
{
    struct grpc_unknown *u = calloc(1, sizeof *u);
    if (u) {
        u->calls = c;
        u->arrived.run = on_arrived;
        u->replied.run = on_replied;
    }
    return u;
}

void grpc_unknown_destroy(struct grpc_unknown *u)
{
    free(u);
}
