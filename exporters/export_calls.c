#include "exporters/export_calls.h"

#include "exporters/grpc_answer.h"

#include <assert.h>
#include <grpc/byte_buffer.h>
#include <grpc/slice_buffer.h>
#include <grpc/support/time.h>
#include <stdlib.h>

struct export_call {
    struct lane_task task; /* first: the tag */
    struct export_calls *calls;
    struct send_attempt *attempt;
    grpc_call *call;
    grpc_byte_buffer message;
    grpc_byte_buffer *response;
    grpc_metadata_array initial;
    grpc_metadata_array trailing;
    grpc_status_code status;
    grpc_slice details;

    /* guarded by the lock of `calls` */
    struct export_call *next;
    struct export_call *previous;
};

/* ---- calls ---- */

static void call_done(struct lane_task *task, bool ok);

static struct export_call *call_create(struct export_calls *x)
{
    struct export_call *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->task.run = call_done;
    c->calls = x;
    c->message.type = GRPC_BB_RAW;
    grpc_slice_buffer_init(&c->message.data.raw.slice_buffer);
    grpc_metadata_array_init(&c->initial);
    grpc_metadata_array_init(&c->trailing);
    return c;
}

static void call_destroy(struct export_call *c)
{
    grpc_slice_buffer_destroy(&c->message.data.raw.slice_buffer);
    grpc_metadata_array_destroy(&c->initial);
    grpc_metadata_array_destroy(&c->trailing);
    free(c);
}

static struct export_call *call_take(struct export_calls *x)
{
    pthread_mutex_lock(&x->lock);
    struct export_call *c = x->pool;
    if (c)
        x->pool = c->next;
    pthread_mutex_unlock(&x->lock);
    return c ? c : call_create(x);
}

/* Enters the call among those that a cancellation reaches. False: it came too late for that. */
static bool call_enter(struct export_calls *x, struct export_call *c)
{
    pthread_mutex_lock(&x->lock);
    bool cancelled = x->cancelled;
    if (!cancelled) {
        c->previous = NULL;
        c->next = x->live;
        if (x->live)
            x->live->previous = c;
        x->live = c;
    }
    pthread_mutex_unlock(&x->lock);
    return !cancelled;
}

/* Leaves the call, entered or not, to the next request. */
static void call_recycle(struct export_calls *x, struct export_call *c, bool entered)
{
    grpc_slice_buffer_reset_and_unref(&c->message.data.raw.slice_buffer);
    pthread_mutex_lock(&x->lock);
    grpc_call *call = c->call;
    c->call = NULL;
    if (entered) {
        if (c->previous)
            c->previous->next = c->next;
        else
            x->live = c->next;
        if (c->next)
            c->next->previous = c->previous;
    }
    c->next = x->pool;
    x->pool = c;
    pthread_mutex_unlock(&x->lock);
    if (call)
        grpc_call_unref(call);
}

static grpc_completion_queue *choose_queue(struct export_calls *x)
{
    for (unsigned i = 0; i < x->lane_count; i++) {
        if (lane_is_current(x->lanes[i]))
            return lane_queue(x->lanes[i]);
    }
    return lane_queue(x->lanes[atomic_fetch_add(&x->turn, 1) % x->lane_count]);
}

/* ---- the message ---- */

static void release_frame(void *frame)
{
    frame_release(frame);
}

/* One reference on the frame serves all slices: each is a copy of the first with its own range. */
static void reference_slices(struct export_call *c, struct frame *frame)
{
    size_t count;
    const struct bytes *slices = frame_slices(frame, &count);
    if (count == 0)
        return;
    grpc_slice first = grpc_slice_new_with_user_data((void *)slices[0].data, slices[0].len,
                                                     release_frame, frame_retain(frame));
    for (size_t i = 0; i < count; i++) {
        grpc_slice s = i == 0 ? first : grpc_slice_ref(first);
        s.data.refcounted.bytes = (uint8_t *)slices[i].data;
        s.data.refcounted.length = slices[i].len;
        grpc_slice_buffer_add(&c->message.data.raw.slice_buffer, s);
    }
}

static void reference(struct export_call *c, struct frame *frame, struct bytes bytes)
{
    grpc_slice_buffer_add(&c->message.data.raw.slice_buffer,
                          grpc_slice_new_with_user_data((void *)bytes.data, bytes.len,
                                                        release_frame, frame_retain(frame)));
}

static bool compress_slices(struct export_call *c, struct frame *frame)
{
    size_t count, len;
    const struct bytes *slices = frame_slices(frame, &count);
    struct buffer out = {0};
    if (!compressor_run(c->calls->gzip, slices, count, &out)) {
        buffer_free(&out);
        return false;
    }
    char *bytes = buffer_take(&out, &len);
    if (!bytes)
        return false;
    grpc_slice_buffer_add(&c->message.data.raw.slice_buffer,
                          grpc_slice_new_with_user_data(bytes, len, free, bytes));
    return true;
}

static bool write_message(struct export_call *c, struct frame *frame)
{
    c->message.data.raw.compression = GRPC_COMPRESS_NONE;
    if (!c->calls->gzip) {
        reference_slices(c, frame);
        return true;
    }
    c->message.data.raw.compression = GRPC_COMPRESS_GZIP;
    struct bytes as_it_came = frame_gzip(frame);
    if (as_it_came.len == 0)
        return compress_slices(c, frame);
    reference(c, frame, as_it_came);
    return true;
}

/* ---- sending ---- */

static void start_operations(struct export_calls *x, struct export_call *c)
{
    uint32_t flags = x->wait_for_ready ? GRPC_INITIAL_METADATA_WAIT_FOR_READY |
                                             GRPC_INITIAL_METADATA_WAIT_FOR_READY_EXPLICITLY_SET
                                       : 0;
    grpc_op ops[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA,
         .flags = flags,
         .data.send_initial_metadata = {.count = x->metadata_count, .metadata = x->metadata}},
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = &c->message},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
        {.op = GRPC_OP_RECV_INITIAL_METADATA,
         .data.recv_initial_metadata.recv_initial_metadata = &c->initial},
        {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &c->response},
        {.op = GRPC_OP_RECV_STATUS_ON_CLIENT,
         .data.recv_status_on_client = {.trailing_metadata = &c->trailing,
                                        .status = &c->status,
                                        .status_details = &c->details}},
    };
    grpc_call *call = c->call;
    c->initial.count = 0;
    c->trailing.count = 0;
    lane_task_given(&c->task);
    grpc_call_error error =
        grpc_call_start_batch(call, ops, sizeof ops / sizeof ops[0], &c->task, NULL);
    assert(error == GRPC_CALL_OK);
    (void)error;
}

void export_calls_send(void *transport, struct send_attempt *attempt)
{
    struct export_calls *x = transport;
    struct export_call *c = call_take(x);
    if (!c) {
        sending_queue_answer_unsent(attempt, "out of memory");
        return;
    }
    if (!write_message(c, attempt->frame)) {
        call_recycle(x, c, false);
        sending_queue_answer_unsent(attempt, "out of memory");
        return;
    }
    c->attempt = attempt;
    gpr_timespec deadline = gpr_inf_future(GPR_CLOCK_MONOTONIC);
    if (x->timeout_ns)
        deadline = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                gpr_time_from_nanos(x->timeout_ns, GPR_TIMESPAN));
    c->call = grpc_channel_create_registered_call(x->channel, NULL, GRPC_PROPAGATE_DEFAULTS,
                                                  choose_queue(x), x->method, deadline, NULL);
    if (!call_enter(x, c)) {
        call_recycle(x, c, false);
        sending_queue_answer_unsent(attempt, "shutting down");
        return;
    }
    start_operations(x, c);
}

void export_calls_cancel(void *transport)
{
    struct export_calls *x = transport;
    pthread_mutex_lock(&x->lock);
    x->cancelled = true;
    for (struct export_call *c = x->live; c; c = c->next)
        grpc_call_cancel(c->call, NULL);
    pthread_mutex_unlock(&x->lock);
}

/* ---- the answer ---- */

static void call_done(struct lane_task *task, bool ok)
{
    (void)ok; /* a batch that receives the status always succeeds */
    struct export_call *c = (struct export_call *)task;
    struct send_attempt *attempt = c->attempt;
    struct send_answer answer;
    memset(&answer, 0, offsetof(struct send_answer, message) + 1);
    if (c->status == GRPC_STATUS_OK)
        grpc_answer_success(c->response, &answer);
    else
        grpc_answer_failure(c->status, &c->details, &c->trailing, &answer);
    if (c->response)
        grpc_byte_buffer_destroy(c->response);
    c->response = NULL;
    grpc_slice_unref(c->details);
    call_recycle(c->calls, c, true);
    sending_queue_answer(attempt, &answer);
}

/* ---- life ---- */

void export_calls_init(struct export_calls *x)
{
    pthread_mutex_init(&x->lock, NULL);
}

void export_calls_free(struct export_calls *x)
{
    while (x->pool) {
        struct export_call *c = x->pool;
        x->pool = c->next;
        call_destroy(c);
    }
    pthread_mutex_destroy(&x->lock);
}
