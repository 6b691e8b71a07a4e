/* OTLP/gRPC by C core, one call after the other on a completion queue that is plucked from. */
#include "collector/demo/target.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char export_method[] = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

struct grpc_target {
    grpc_completion_queue *queue;
    grpc_channel *channel;
    void *method;
};

static void *grpc_target_open(const char *endpoint, char *message, size_t message_len)
{
    struct grpc_target *t = calloc(1, sizeof *t);
    if (!t) {
        snprintf(message, message_len, "out of memory");
        return NULL;
    }
    bool secure = strncmp(endpoint, "https://", 8) == 0;
    const char *scheme_end = strstr(endpoint, "://");
    char target[512];
    snprintf(target, sizeof target, "%s", scheme_end ? scheme_end + 3 : endpoint);
    target[strcspn(target, "/")] = 0;
    grpc_init();
    t->queue = grpc_completion_queue_create_for_pluck(NULL);
    grpc_arg args[] = {{.type = GRPC_ARG_INTEGER,
                        .key = GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
                        .value.integer = REPLY_MAX}};
    grpc_channel_args channel_args = {.num_args = 1, .args = args};
    grpc_channel_credentials *credentials =
        secure ? grpc_ssl_credentials_create(NULL, NULL, NULL, NULL)
               : grpc_insecure_credentials_create();
    t->channel = grpc_channel_create(target, credentials, &channel_args);
    grpc_channel_credentials_release(credentials);
    t->method = grpc_channel_register_call(t->channel, export_method, NULL, NULL);
    return t;
}

static void grpc_target_close(void *state)
{
    struct grpc_target *t = state;
    grpc_channel_destroy(t->channel);
    grpc_completion_queue_shutdown(t->queue);
    grpc_completion_queue_destroy(t->queue);
    free(t);
    grpc_shutdown();
}

static void read_answer(grpc_status_code status, grpc_slice details, grpc_byte_buffer *response,
                        struct send_outcome *out)
{
    out->delivered = status == GRPC_STATUS_OK;
    out->unreachable = status == GRPC_STATUS_UNAVAILABLE || status == GRPC_STATUS_DEADLINE_EXCEEDED;
    if (!out->delivered) {
        char *text = grpc_slice_to_c_string(details);
        snprintf(out->message, sizeof out->message, "gRPC status %d: %s", (int)status, text);
        gpr_free(text);
        return;
    }
    grpc_byte_buffer_reader reader;
    if (!response || !grpc_byte_buffer_reader_init(&reader, response))
        return;
    grpc_slice all = grpc_byte_buffer_reader_readall(&reader);
    target_read_response(GRPC_SLICE_START_PTR(all), GRPC_SLICE_LENGTH(all), out);
    grpc_slice_unref(all);
    grpc_byte_buffer_reader_destroy(&reader);
}

static void grpc_target_send(void *state, const uint8_t *request, size_t len,
                             struct send_outcome *out)
{
    struct grpc_target *t = state;
    grpc_slice slice = grpc_slice_from_copied_buffer((const char *)request, len);
    grpc_byte_buffer *message = grpc_raw_byte_buffer_create(&slice, 1), *response = NULL;
    grpc_slice_unref(slice);
    grpc_metadata_array initial, trailing;
    grpc_metadata_array_init(&initial);
    grpc_metadata_array_init(&trailing);
    grpc_status_code status = GRPC_STATUS_UNKNOWN;
    grpc_slice details = grpc_empty_slice();
    gpr_timespec deadline = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                         gpr_time_from_seconds(SEND_SECONDS, GPR_TIMESPAN));
    grpc_call *call = grpc_channel_create_registered_call(t->channel, NULL, 0, t->queue, t->method,
                                                          deadline, NULL);
    grpc_op ops[6] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},  {.op = GRPC_OP_SEND_MESSAGE},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT}, {.op = GRPC_OP_RECV_INITIAL_METADATA},
        {.op = GRPC_OP_RECV_MESSAGE},           {.op = GRPC_OP_RECV_STATUS_ON_CLIENT},
    };
    ops[1].data.send_message.send_message = message;
    ops[3].data.recv_initial_metadata.recv_initial_metadata = &initial;
    ops[4].data.recv_message.recv_message = &response;
    ops[5].data.recv_status_on_client.trailing_metadata = &trailing;
    ops[5].data.recv_status_on_client.status = &status;
    ops[5].data.recv_status_on_client.status_details = &details;
    if (grpc_call_start_batch(call, ops, 6, t, NULL) == GRPC_CALL_OK)
        grpc_completion_queue_pluck(t->queue, t, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    read_answer(status, details, response, out);
    grpc_slice_unref(details);
    grpc_metadata_array_destroy(&initial);
    grpc_metadata_array_destroy(&trailing);
    grpc_byte_buffer_destroy(message);
    if (response)
        grpc_byte_buffer_destroy(response);
    grpc_call_unref(call);
}

const struct target_kind target_grpc = {grpc_target_open, grpc_target_send, grpc_target_close};
