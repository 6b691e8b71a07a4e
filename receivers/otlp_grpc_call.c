/* One Export call on a lane, from C core's hands and back.
 *
 * A fixed number of requests for a call is always with C core, so that calls are matched as they
 * arrive; contexts are reused, and there are as many as were ever open at once. A request that is
 * answered at once costs one allocation of ours, the batch: the reply is an empty message that
 * every context keeps. */
#include "receivers/otlp_grpc.h"

#include <grpc/byte_buffer.h>
#include <grpc/slice.h>
#include <stdlib.h>
#include <string.h>

enum {
    REQUESTS_PER_LANE = 16,
    FLAT_KEPT = 1 << 20, /* scratch larger than this is not kept */
    PIN_MIN = 64 << 10,
    PIN_SLICE_MIN = 4 << 10,
    PIN_MAX = 32 << 20,
};

struct grpc_export {
    struct intake_request rq; /* first: `answered` gets it */
    struct lane_task arrived;
    struct lane_task replied;
    struct grpc_calls *calls;
    struct grpc_export *next_idle;
    grpc_call *call;
    gpr_timespec deadline;
    grpc_metadata_array metadata;
    grpc_byte_buffer *payload;
    grpc_byte_buffer *empty_reply;
    int cancelled;
};

static void on_arrived(struct lane_task *task, bool ok);
static void on_replied(struct lane_task *task, bool ok);

static struct grpc_export *export_create(struct grpc_calls *c)
{
    struct grpc_export *x = calloc(1, sizeof *x);
    if (!x)
        return NULL;
    x->calls = c;
    x->arrived.run = on_arrived;
    x->replied.run = on_replied;
    grpc_metadata_array_init(&x->metadata);
    x->empty_reply = grpc_raw_byte_buffer_create(NULL, 0);
    return x;
}

static void export_destroy(struct grpc_export *x)
{
    grpc_metadata_array_destroy(&x->metadata);
    grpc_byte_buffer_destroy(x->empty_reply);
    free(x);
}

static void rest(struct grpc_export *x)
{
    x->next_idle = x->calls->idle;
    x->calls->idle = x;
    inflight_leave(x->calls->inflight);
}

static bool request_call(struct grpc_calls *c)
{
    struct grpc_export *x = c->idle;
    if (x)
        c->idle = x->next_idle;
    else if (!(x = export_create(c)))
        return false;
    inflight_enter(c->inflight);
    x->metadata.count = 0;
    x->payload = NULL;
    grpc_completion_queue *q = lane_queue(c->lane);
    lane_task_given(&x->arrived);
    if (grpc_server_request_registered_call(c->server, c->method, &x->call, &x->deadline,
                                            &x->metadata, &x->payload, q, q,
                                            &x->arrived) != GRPC_CALL_OK) {
        rest(x);
        return false;
    }
    c->requested++;
    return true;
}

bool grpc_calls_request(struct grpc_calls *c)
{
    while (c->requested < REQUESTS_PER_LANE && !c->closing)
        if (!request_call(c))
            return false;
    return true;
}

/* ---- the answer ---- */

static void start_reply(struct grpc_export *x, grpc_byte_buffer *message, grpc_slice *details,
                        grpc_metadata *trailing, size_t trailing_count)
{
    grpc_op ops[4] = {{.op = GRPC_OP_SEND_INITIAL_METADATA}, {.op = GRPC_OP_RECV_CLOSE_ON_SERVER}};
    size_t n = 2;
    ops[1].data.recv_close_on_server.cancelled = &x->cancelled;
    ops[n].op = GRPC_OP_SEND_STATUS_FROM_SERVER;
    ops[n].data.send_status_from_server.status = x->rq.reply.status;
    ops[n].data.send_status_from_server.status_details = details;
    ops[n].data.send_status_from_server.trailing_metadata = trailing;
    ops[n++].data.send_status_from_server.trailing_metadata_count = trailing_count;
    if (message) {
        ops[n].op = GRPC_OP_SEND_MESSAGE;
        ops[n++].data.send_message.send_message = message;
    }
    grpc_call *call = x->call; /* may be the next one's once this is under way */
    lane_task_given(&x->replied);
    grpc_call_error error = grpc_call_start_batch(call, ops, n, &x->replied, NULL);
    if (error != GRPC_CALL_OK)
        abort(); /* would mean that we answered twice */
}

static void reply_partial(struct grpc_export *x)
{
    struct buffer body = {0};
    reply_body(&x->rq.reply, false, &body);
    grpc_slice slice = grpc_slice_from_copied_buffer((const char *)body.data, body.len);
    grpc_byte_buffer *message = grpc_raw_byte_buffer_create(&slice, 1);
    start_reply(x, message, NULL, NULL, 0);
    grpc_byte_buffer_destroy(message);
    grpc_slice_unref(slice);
    buffer_free(&body);
}

/* The status, and when there is advice on when to retry, google.rpc.Status with RetryInfo too. */
static void reply_error(struct grpc_export *x)
{
    const struct reply *r = &x->rq.reply;
    grpc_slice details = grpc_slice_from_copied_string(r->message);
    struct buffer status = {0};
    if (r->retry_after_ms)
        reply_body(r, false, &status);
    grpc_metadata trailing = {
        .key = grpc_slice_from_static_string("grpc-status-details-bin"),
        .value = grpc_slice_from_copied_buffer((const char *)status.data, status.len),
    };
    start_reply(x, NULL, &details, &trailing, status.len > 0 ? 1 : 0);
    grpc_slice_unref(trailing.value);
    grpc_slice_unref(details);
    buffer_free(&status);
}

static void on_answered(struct intake_request *rq)
{
    struct grpc_export *x = (struct grpc_export *)rq;
    if (rq->reply.status != GRPC_STATUS_OK)
        reply_error(x);
    else if (rq->reply.rejected_spans)
        reply_partial(x);
    else
        start_reply(x, x->empty_reply, NULL, NULL, 0);
}

static void on_replied(struct lane_task *task, bool ok)
{
    (void)ok; /* the client may be gone; its spans were taken all the same */
    struct grpc_export *x =
        (struct grpc_export *)((char *)task - offsetof(struct grpc_export, replied));
    grpc_call_unref(x->call);
    x->call = NULL;
    struct grpc_calls *c = x->calls;
    rest(x);
    grpc_calls_request(c);
}

/* ---- the request ---- */

static void copy_slices(const grpc_slice_buffer *from, uint8_t *to)
{
    for (size_t i = 0; i < from->count; i++) {
        size_t len = GRPC_SLICE_LENGTH(from->slices[i]);
        memcpy(to, GRPC_SLICE_START_PTR(from->slices[i]), len);
        to += len;
    }
}

static uint8_t *scratch(struct grpc_calls *c, size_t len)
{
    if (len > c->flat_size) {
        free(c->flat);
        c->flat = malloc(len);
        c->flat_size = c->flat ? len : 0;
    }
    return c->flat;
}

static void submit_compressed(struct grpc_export *x, const grpc_slice_buffer *slices,
                              enum encoding encoding)
{
    struct grpc_calls *c = x->calls;
    struct bytes body = bytes_of(NULL, slices->length);
    if (slices->count == 1)
        body.data = GRPC_SLICE_START_PTR(slices->slices[0]);
    else if (slices->count > 1) {
        uint8_t *flat = scratch(c, slices->length);
        if (!flat) {
            intake_refuse(&x->rq, REFUSED_NO_MEMORY, NULL);
            on_answered(&x->rq);
            return;
        }
        copy_slices(slices, flat);
        body.data = flat;
    }
    intake_submit_body(&x->rq, c->inflater, (struct body_format){.encoding = encoding}, body);
    if (c->flat_size > FLAT_KEPT) {
        free(c->flat);
        c->flat = NULL;
        c->flat_size = 0;
    }
}

static void submit_copy(struct grpc_export *x, const grpc_slice_buffer *slices)
{
    struct batch *b = batch_create(slices->length);
    if (!b) {
        intake_refuse(&x->rq, REFUSED_NO_MEMORY, NULL);
        on_answered(&x->rq);
        return;
    }
    copy_slices(slices, batch_payload(b));
    intake_submit(&x->rq, b, slices->length);
}

/* A message that its batch keeps as C core received it. */
struct pinned {
    grpc_byte_buffer *payload;
    size_t len;
};

/* Of all of them. C core counts their memory against the server's quota, which has to stay free for
 * what is being received. */
static atomic_size_t pinned_bytes;

static void unpin(void *owner)
{
    struct pinned *p = owner;
    atomic_fetch_sub_explicit(&pinned_bytes, p->len, memory_order_relaxed);
    grpc_byte_buffer_destroy(p->payload);
    free(p);
}

static bool is_worth_pinning(const grpc_slice_buffer *slices)
{
    return slices->length >= PIN_MIN && slices->length / slices->count >= PIN_SLICE_MIN &&
           atomic_load_explicit(&pinned_bytes, memory_order_relaxed) + slices->length <= PIN_MAX;
}

/* Leaves a large message where it lies: copying it costs an eighth of relaying it. When batches are
 * held for long (a sampler, a backend that is down) the allowance is used up, and copies are made.
 */
static void submit(struct grpc_export *x, grpc_byte_buffer *payload)
{
    const grpc_slice_buffer *slices = &payload->data.raw.slice_buffer;
    struct pinned *p = is_worth_pinning(slices) ? malloc(sizeof *p) : NULL;
    struct bytes *parts =
        p ? (struct bytes *)(void *)scratch(x->calls, slices->count * sizeof *parts) : NULL;
    if (!parts) {
        free(p);
        submit_copy(x, slices);
        grpc_byte_buffer_destroy(payload);
        return;
    }
    for (size_t i = 0; i < slices->count; i++)
        parts[i] =
            bytes_of(GRPC_SLICE_START_PTR(slices->slices[i]), GRPC_SLICE_LENGTH(slices->slices[i]));
    *p = (struct pinned){.payload = payload, .len = slices->length};
    atomic_fetch_add_explicit(&pinned_bytes, p->len, memory_order_relaxed);
    intake_submit_parts(&x->rq, parts, (uint32_t)slices->count, unpin, p);
}

/* C core knows gzip and deflate, and does not tell of a grpc-encoding that it does not know; but
 * the Collector's exporters send zstd, and snappy. Their first bytes cannot begin a request: that
 * is field 1 with a length, 0x0a. */
static bool begins_with(const grpc_slice_buffer *slices, const char *magic, size_t len)
{
    return slices->count > 0 && GRPC_SLICE_LENGTH(slices->slices[0]) >= len &&
           memcmp(GRPC_SLICE_START_PTR(slices->slices[0]), magic, len) == 0;
}

/* Not compressed as far as C core knows: it passes on an encoding that it does not have. */
static void submit_unmarked(struct grpc_export *x, grpc_byte_buffer *payload)
{
    const grpc_slice_buffer *slices = &payload->data.raw.slice_buffer;
    if (begins_with(slices, "\x28\xb5\x2f\xfd", 4)) {
        submit_compressed(x, slices, ENCODING_ZSTD);
    } else if (begins_with(slices, "\xff\x06\x00\x00sNaPpY", 10)) {
        intake_refuse(&x->rq, REFUSED_UNSUPPORTED,
                      "snappy is not supported; supported: identity, gzip, deflate, zstd");
        on_answered(&x->rq);
    } else {
        submit(x, payload);
        return;
    }
    grpc_byte_buffer_destroy(payload);
}

/* The payload is taken off the context first: once submitted, the answer may come on another thread
 * and the context serve another call. */
static void serve(struct grpc_export *x)
{
    grpc_byte_buffer *payload = x->payload;
    x->payload = NULL;
    intake_begin(x->calls->in, &x->rq, on_answered);
    if (!payload) {
        intake_refuse(&x->rq, REFUSED_MALFORMED, "the call carries no request message");
        on_answered(&x->rq);
        return;
    }
    const grpc_slice_buffer *slices = &payload->data.raw.slice_buffer;
    switch (payload->data.raw.compression) {
    case GRPC_COMPRESS_GZIP:
        submit_compressed(x, slices, ENCODING_GZIP);
        break;
    case GRPC_COMPRESS_DEFLATE:
        submit_compressed(x, slices, ENCODING_ZLIB);
        break;
    default:
        submit_unmarked(x, payload);
        return;
    }
    grpc_byte_buffer_destroy(payload);
}

static void on_arrived(struct lane_task *task, bool ok)
{
    struct grpc_export *x =
        (struct grpc_export *)((char *)task - offsetof(struct grpc_export, arrived));
    x->calls->requested--;
    if (!ok) { /* the server shuts down */
        x->calls->closing = true;
        rest(x);
        return;
    }
    grpc_calls_request(x->calls); /* short of memory, it is made up for after a reply */
    serve(x);
}

void grpc_calls_free(struct grpc_calls *c)
{
    while (c->idle) {
        struct grpc_export *x = c->idle;
        c->idle = x->next_idle;
        export_destroy(x);
    }
    grpc_unknown_destroy(c->unknown);
    c->unknown = NULL;
    inflater_destroy(c->inflater);
    c->inflater = NULL;
    free(c->flat);
    c->flat = NULL;
}
