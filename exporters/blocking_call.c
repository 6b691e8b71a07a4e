#include "exporters/blocking_call.h"

#include "exporters/grpc_answer.h"
#include "exporters/reply.h"

#include <assert.h>
#include <grpc/byte_buffer.h>
#include <grpc/support/time.h>

/* What a call receives. */
struct received {
    grpc_byte_buffer *response;
    grpc_metadata_array initial;
    grpc_metadata_array trailing;
    grpc_status_code status;
    grpc_slice details;
};

void blocking_call_open(struct blocking_call *b)
{
    pthread_mutex_init(&b->lock, NULL);
    b->queue = grpc_completion_queue_create_for_pluck(NULL);
}

void blocking_call_close(struct blocking_call *b)
{
    if (!b->queue)
        return;
    grpc_completion_queue_shutdown(b->queue);
    grpc_completion_queue_destroy(b->queue);
    b->queue = NULL;
    pthread_mutex_destroy(&b->lock);
}

static bool enter(struct blocking_call *b)
{
    gpr_timespec deadline = gpr_inf_future(GPR_CLOCK_MONOTONIC);
    if (b->timeout_ns)
        deadline = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                gpr_time_from_nanos(b->timeout_ns, GPR_TIMESPAN));
    pthread_mutex_lock(&b->lock);
    if (!b->cancelled)
        b->call = grpc_channel_create_registered_call(b->channel, NULL, GRPC_PROPAGATE_DEFAULTS,
                                                      b->queue, b->method, deadline, NULL);
    pthread_mutex_unlock(&b->lock);
    return b->call != NULL;
}

static void leave(struct blocking_call *b)
{
    pthread_mutex_lock(&b->lock);
    grpc_call *call = b->call;
    b->call = NULL;
    pthread_mutex_unlock(&b->lock);
    grpc_call_unref(call);
}

static void run(struct blocking_call *b, grpc_byte_buffer *message, struct received *r)
{
    uint32_t flags = b->wait_for_ready ? GRPC_INITIAL_METADATA_WAIT_FOR_READY |
                                             GRPC_INITIAL_METADATA_WAIT_FOR_READY_EXPLICITLY_SET
                                       : 0;
    grpc_op ops[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA,
         .flags = flags,
         .data.send_initial_metadata = {.count = b->metadata_count, .metadata = b->metadata}},
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = message},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
        {.op = GRPC_OP_RECV_INITIAL_METADATA,
         .data.recv_initial_metadata.recv_initial_metadata = &r->initial},
        {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &r->response},
        {.op = GRPC_OP_RECV_STATUS_ON_CLIENT,
         .data.recv_status_on_client = {.trailing_metadata = &r->trailing,
                                        .status = &r->status,
                                        .status_details = &r->details}},
    };
    grpc_call_error error =
        grpc_call_start_batch(b->call, ops, sizeof ops / sizeof ops[0], r, NULL);
    assert(error == GRPC_CALL_OK);
    (void)error;
    grpc_completion_queue_pluck(b->queue, r, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
}

void blocking_call_send(struct blocking_call *b, struct bytes body, struct send_answer *answer)
{
    if (!enter(b)) {
        answer->result = SEND_RETRY;
        reply_message(answer, "", bytes_of_string("shutting down"));
        return;
    }
    struct received r = {0};
    grpc_metadata_array_init(&r.initial);
    grpc_metadata_array_init(&r.trailing);
    grpc_slice slice = grpc_slice_from_static_buffer(body.data, body.len);
    grpc_byte_buffer *message =
        b->gzip ? grpc_raw_compressed_byte_buffer_create(&slice, 1, GRPC_COMPRESS_GZIP)
                : grpc_raw_byte_buffer_create(&slice, 1);
    run(b, message, &r);
    if (r.status == GRPC_STATUS_OK)
        grpc_answer_success(r.response, answer);
    else
        grpc_answer_failure(r.status, &r.details, &r.trailing, answer);
    if (r.response)
        grpc_byte_buffer_destroy(r.response);
    grpc_byte_buffer_destroy(message);
    grpc_metadata_array_destroy(&r.initial);
    grpc_metadata_array_destroy(&r.trailing);
    grpc_slice_unref(r.details);
    leave(b);
}

void blocking_call_cancel(struct blocking_call *b)
{
    pthread_mutex_lock(&b->lock);
    b->cancelled = true;
    if (b->call)
        grpc_call_cancel(b->call, NULL);
    pthread_mutex_unlock(&b->lock);
}
