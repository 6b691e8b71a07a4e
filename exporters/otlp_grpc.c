/* OTLP over gRPC, on C core and on the lanes' completion queues.
 *
 * A request is one unary call whose six operations go in one batch, so that a lane hears of it
 * once, when it is over. Its message is the frame's slices by reference: C core counts them with
 * one reference on the frame. Nothing is copied, and what a call needs around that is kept for the
 * next.
 *
 * gzip is done by us before the call, and the message handed over as compressed already, which C
 * core passes on as it is: its own zlib would cost more than all the rest. */
#include "component/component.h"
#include "component/lane.h"
#include "component/log.h"
#include "exporters/compress.h"
#include "exporters/exporters.h"
#include "exporters/grpc_channel.h"
#include "exporters/reply.h"
#include "exporters/sending_queue.h"

#include <assert.h>
#include <grpc/byte_buffer.h>
#include <grpc/grpc.h>
#include <grpc/slice_buffer.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT_METHOD "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

/* ---- configuration ---- */

static const char *const compressions[] = {"gzip", "none", "", NULL};

struct settings {
    struct grpc_channel_settings channel;
    int compression;
    struct config_pairs headers;
    int64_t timeout_ns; /* 0: none */
    bool wait_for_ready;
    struct retry_settings retry;
    struct queue_settings queue;
    const struct config_value *auth;
};

#define KEY(key_, member, type_, ...)                                                              \
    {                                                                                              \
        .key = #key_, .type = type_, .offset = offsetof(struct settings, member), __VA_ARGS__      \
    }
static const struct config_field fields[] = {
    KEY(endpoint, channel.endpoint, FIELD_STRING),
    KEY(tls, channel.tls, FIELD_SECTION, .section = tls_client_fields),
    KEY(compression, compression, FIELD_CHOICE, .fallback = "gzip", .choices = compressions),
    KEY(headers, headers, FIELD_PAIRS),
    KEY(timeout, timeout_ns, FIELD_DURATION, .fallback = "5s"),
    KEY(keepalive, channel.keepalive, FIELD_SECTION, .section = grpc_keepalive_fields,
        .present = offsetof(struct settings, channel.keepalive.present)),
    KEY(balancer_name, channel.balancer_name, FIELD_CHOICE, .fallback = "round_robin",
        .choices = grpc_balancers),
    KEY(authority, channel.authority, FIELD_STRING),
    KEY(read_buffer_size, channel.read_buffer_size, FIELD_SIZE),
    KEY(write_buffer_size, channel.write_buffer_size, FIELD_SIZE),
    KEY(wait_for_ready, wait_for_ready, FIELD_BOOL),
    KEY(retry_on_failure, retry, FIELD_SECTION, .section = retry_fields),
    KEY(sending_queue, queue, FIELD_SECTION, .section = queue_fields),
    KEY(auth, auth, FIELD_VALUE),
    CONFIG_END,
};

/* ---- state ---- */

struct otlp_grpc;

struct export_call {
    struct lane_task task; /* first: the tag */
    struct otlp_grpc *exporter;
    struct send_attempt *attempt;
    grpc_call *call;
    grpc_byte_buffer message;
    grpc_byte_buffer *response;
    grpc_metadata_array initial;
    grpc_metadata_array trailing;
    grpc_status_code status;
    grpc_slice details;

    /* guarded by the exporter's lock */
    struct export_call *next;
    struct export_call *previous;
};

struct otlp_grpc {
    struct component component;

    /* set once */
    struct settings settings;
    struct lane *const *lanes;
    unsigned lane_count;
    struct compressor *gzip; /* NULL: no compression */
    grpc_metadata *metadata;
    grpc_channel *channel;
    void *method;
    struct sending_queue *queue;
    atomic_uint turn; /* shared: which lane answers a push from another thread */

    pthread_mutex_t lock; /* guards below */
    struct export_call *pool;
    struct export_call *live;
    bool cancelled;
};

/* ---- calls ---- */

static void call_done(struct lane_task *task, bool ok);

static struct export_call *call_create(struct otlp_grpc *x)
{
    struct export_call *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->task.run = call_done;
    c->exporter = x;
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

static struct export_call *call_take(struct otlp_grpc *x)
{
    pthread_mutex_lock(&x->lock);
    struct export_call *c = x->pool;
    if (c)
        x->pool = c->next;
    pthread_mutex_unlock(&x->lock);
    return c ? c : call_create(x);
}

/* Enters the call among those that a cancellation reaches. False: it came too late for that. */
static bool call_enter(struct otlp_grpc *x, struct export_call *c)
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
static void call_recycle(struct otlp_grpc *x, struct export_call *c, bool entered)
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

static grpc_completion_queue *choose_queue(struct otlp_grpc *x)
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

static bool compress_slices(struct export_call *c, struct frame *frame)
{
    size_t count, len;
    const struct bytes *slices = frame_slices(frame, &count);
    struct buffer out = {0};
    if (!compressor_run(c->exporter->gzip, slices, count, &out)) {
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
    if (!c->exporter->gzip) {
        reference_slices(c, frame);
        return true;
    }
    c->message.data.raw.compression = GRPC_COMPRESS_GZIP;
    return compress_slices(c, frame);
}

/* ---- sending ---- */

static void start_operations(struct otlp_grpc *x, struct export_call *c)
{
    uint32_t flags = x->settings.wait_for_ready
                         ? GRPC_INITIAL_METADATA_WAIT_FOR_READY |
                               GRPC_INITIAL_METADATA_WAIT_FOR_READY_EXPLICITLY_SET
                         : 0;
    grpc_op ops[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA,
         .flags = flags,
         .data.send_initial_metadata = {.count = x->settings.headers.count,
                                        .metadata = x->metadata}},
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

static void answer_unsent(struct send_attempt *attempt, const char *message)
{
    struct send_answer answer = {.result = SEND_RETRY, .grpc_status = GRPC_STATUS_UNAVAILABLE};
    reply_message(&answer, "", bytes_of_string(message));
    sending_queue_answer(attempt, &answer);
}

static void send_frame(void *transport, struct send_attempt *attempt)
{
    struct otlp_grpc *x = transport;
    struct export_call *c = call_take(x);
    if (!c) {
        answer_unsent(attempt, "out of memory");
        return;
    }
    if (!write_message(c, attempt->frame)) {
        call_recycle(x, c, false);
        answer_unsent(attempt, "out of memory");
        return;
    }
    c->attempt = attempt;
    gpr_timespec deadline = gpr_inf_future(GPR_CLOCK_MONOTONIC);
    if (x->settings.timeout_ns)
        deadline = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                gpr_time_from_nanos(x->settings.timeout_ns, GPR_TIMESPAN));
    c->call = grpc_channel_create_registered_call(x->channel, NULL, GRPC_PROPAGATE_DEFAULTS,
                                                  choose_queue(x), x->method, deadline, NULL);
    if (!call_enter(x, c)) {
        call_recycle(x, c, false);
        answer_unsent(attempt, "shutting down");
        return;
    }
    start_operations(x, c);
}

static void cancel_all(void *transport)
{
    struct otlp_grpc *x = transport;
    pthread_mutex_lock(&x->lock);
    x->cancelled = true;
    for (struct export_call *c = x->live; c; c = c->next)
        grpc_call_cancel(c->call, NULL);
    pthread_mutex_unlock(&x->lock);
}

/* ---- answers ---- */

static const char *status_name(grpc_status_code status)
{
    static const char *const names[] = {
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    };
    return (unsigned)status < sizeof names / sizeof names[0] ? names[status] : "UNKNOWN";
}

static bool is_retryable(grpc_status_code status, bool has_retry_info)
{
    switch (status) {
    case GRPC_STATUS_CANCELLED:
    case GRPC_STATUS_DEADLINE_EXCEEDED:
    case GRPC_STATUS_ABORTED:
    case GRPC_STATUS_OUT_OF_RANGE:
    case GRPC_STATUS_UNAVAILABLE:
    case GRPC_STATUS_DATA_LOSS:
        return true;
    case GRPC_STATUS_RESOURCE_EXHAUSTED:
        return has_retry_info;
    default:
        return false;
    }
}

static struct bytes slice_bytes(const grpc_slice *s)
{
    return bytes_of(GRPC_SLICE_START_PTR(*s), GRPC_SLICE_LENGTH(*s));
}

static void read_failure(const struct export_call *c, struct send_answer *answer)
{
    struct reply_status status = {0};
    for (size_t i = 0; i < c->trailing.count; i++) {
        const grpc_metadata *m = &c->trailing.metadata[i];
        if (bytes_equal_string(slice_bytes(&m->key), "grpc-status-details-bin") &&
            GRPC_SLICE_LENGTH(m->value) <= REPLY_MAX_BYTES)
            reply_read_status(slice_bytes(&m->value), &status);
    }
    answer->result = is_retryable(c->status, status.has_retry_info) ? SEND_RETRY : SEND_PERMANENT;
    answer->retry_after_ns = status.retry_after_ns;
    answer->grpc_status = (int)c->status;
    reply_message(answer, status_name(c->status), slice_bytes(&c->details));
}

/* The response's bytes, at most REPLY_MAX_BYTES, inflated; 0 when there are none to look at. */
static size_t flatten_response(grpc_byte_buffer *response, uint8_t *out)
{
    const grpc_slice_buffer *slices = &response->data.raw.slice_buffer;
    if (slices->length == 0 || slices->length > REPLY_MAX_BYTES)
        return 0;
    uint8_t *wire = malloc(slices->length);
    if (!wire)
        return 0;
    size_t len = 0;
    for (size_t i = 0; i < slices->count; i++) {
        struct bytes part = slice_bytes(&slices->slices[i]);
        memcpy(wire + len, part.data, part.len);
        len += part.len;
    }
    if (response->data.raw.compression == GRPC_COMPRESS_NONE) {
        memcpy(out, wire, len);
    } else {
        struct libdeflate_decompressor *inflater = libdeflate_alloc_decompressor();
        if (!inflater || libdeflate_gzip_decompress(inflater, wire, len, out, REPLY_MAX_BYTES,
                                                    &len) != LIBDEFLATE_SUCCESS)
            len = 0;
        libdeflate_free_decompressor(inflater);
    }
    free(wire);
    return len;
}

static void read_success(const struct export_call *c, struct send_answer *answer)
{
    answer->result = SEND_OK;
    if (!c->response || c->response->data.raw.slice_buffer.length == 0)
        return;
    uint8_t *wire = malloc(REPLY_MAX_BYTES);
    if (wire)
        reply_read_response(bytes_of(wire, flatten_response(c->response, wire)), answer);
    free(wire);
}

static void call_done(struct lane_task *task, bool ok)
{
    (void)ok; /* a batch that receives the status always succeeds */
    struct export_call *c = (struct export_call *)task;
    struct send_attempt *attempt = c->attempt;
    struct send_answer answer;
    memset(&answer, 0, offsetof(struct send_answer, message) + 1);
    if (c->status == GRPC_STATUS_OK)
        read_success(c, &answer);
    else
        read_failure(c, &answer);
    if (c->response)
        grpc_byte_buffer_destroy(c->response);
    c->response = NULL;
    grpc_slice_unref(c->details);
    call_recycle(c->exporter, c, true);
    sending_queue_answer(attempt, &answer);
}

/* ---- the component ---- */

static bool start(struct component *component, struct error *e)
{
    struct otlp_grpc *x = (struct otlp_grpc *)component;
    x->channel = grpc_channel_open(&x->settings.channel, x->gzip != NULL, e);
    if (!x->channel)
        return false;
    x->method = grpc_channel_register_call(x->channel, EXPORT_METHOD, NULL, NULL);
    component_set_ok(component);
    return true;
}

static struct outcome consume(struct component *c, struct batch *b, struct receipt *r)
{
    return sending_queue_push(((struct otlp_grpc *)c)->queue, b, r);
}

static bool has_room(struct component *c, const struct batch *b, struct outcome *why)
{
    return sending_queue_has_room(((struct otlp_grpc *)c)->queue, b, why);
}

static void drain(struct component *c, uint64_t deadline_ns)
{
    sending_queue_drain(((struct otlp_grpc *)c)->queue, deadline_ns);
}

static void stop(struct component *c)
{
    struct otlp_grpc *x = (struct otlp_grpc *)c;
    sending_queue_destroy(x->queue);
    x->queue = NULL;
    if (x->channel)
        grpc_channel_destroy(x->channel);
    x->channel = NULL;
}

static void destroy(struct component *c)
{
    struct otlp_grpc *x = (struct otlp_grpc *)c;
    stop(c);
    while (x->pool) {
        struct export_call *call = x->pool;
        x->pool = call->next;
        call_destroy(call);
    }
    for (size_t i = 0; x->metadata && i < x->settings.headers.count; i++) {
        grpc_slice_unref(x->metadata[i].key);
        grpc_slice_unref(x->metadata[i].value);
    }
    free(x->metadata);
    compressor_destroy(x->gzip);
    pthread_mutex_destroy(&x->lock);
    grpc_shutdown();
    free(x);
}

static const struct component_ops ops = {
    .start = start,
    .consume = consume,
    .has_room = has_room,
    .drain = drain,
    .stop = stop,
    .destroy = destroy,
};

static bool is_reserved(const char *key)
{
    size_t len = strlen(key);
    return key[0] == ':' || strncasecmp(key, "grpc-", 5) == 0 || strcasecmp(key, "te") == 0 ||
           strcasecmp(key, "content-type") == 0 ||
           (len >= 4 && strcasecmp(key + len - 4, "-bin") == 0);
}

static bool make_metadata(struct otlp_grpc *x, const struct config_value *config, struct error *e)
{
    const struct config_pairs *headers = &x->settings.headers;
    const struct config_value *place = config_child(config, "headers");
    x->metadata = calloc(headers->count ? headers->count : 1, sizeof *x->metadata);
    if (!x->metadata)
        return error_set(e, "out of memory");
    for (size_t i = 0; i < headers->count; i++) {
        const char *name = headers->items[i].key;
        grpc_slice key = grpc_slice_from_copied_string(name);
        for (size_t j = 0; j < GRPC_SLICE_LENGTH(key); j++)
            if (name[j] >= 'A' && name[j] <= 'Z')
                GRPC_SLICE_START_PTR(key)[j] = (uint8_t)(name[j] | 0x20);
        x->metadata[i].key = key;
        x->metadata[i].value = grpc_slice_from_copied_string(headers->items[i].value);
        if (is_reserved(name) || !grpc_header_key_is_legal(key))
            return config_error(config_child(place, name), e,
                                "\"%s\" cannot be a gRPC header of one's own", name);
        if (!grpc_header_nonbin_value_is_legal(x->metadata[i].value))
            return config_error(config_child(place, name), e,
                                "the value has characters that a header cannot have");
    }
    return true;
}

static bool configure(struct otlp_grpc *x, const struct component_spec *spec, struct error *e)
{
    const struct config_value *config = spec->config;
    struct settings *s = &x->settings;
    if (!config_read(config, fields, s, e))
        return false;
    if (s->auth)
        return config_error(s->auth, e, "auth is not supported yet; use headers");
    if (!grpc_channel_settings_check(&s->channel, config, e) ||
        !retry_settings_check(&s->retry, config, e) ||
        !queue_settings_check(&s->queue, config, e) || !make_metadata(x, config, e))
        return false;
    if (strcmp(compressions[s->compression], "gzip") == 0 &&
        !(x->gzip = compressor_create(COMPRESSION_GZIP, 0, e)))
        return false;
    x->queue = sending_queue_create(&(struct sending_queue_options){.component = &x->component,
                                                                    .spec = spec,
                                                                    .queue = s->queue,
                                                                    .retry = s->retry,
                                                                    .lane = spec->lanes[0],
                                                                    .send = send_frame,
                                                                    .cancel = cancel_all,
                                                                    .transport = x},
                                    e);
    return x->queue != NULL;
}

static struct component *create(const struct component_spec *spec, struct error *e)
{
    struct otlp_grpc *x = calloc(1, sizeof *x);
    if (!x) {
        error_set(e, "out of memory");
        return NULL;
    }
    grpc_init();
    component_init(&x->component, spec, &ops);
    pthread_mutex_init(&x->lock, NULL);
    x->lanes = spec->lanes;
    x->lane_count = spec->lane_count;
    if (configure(x, spec, e))
        return &x->component;
    destroy(&x->component);
    return NULL;
}

const struct component_kind otlp_grpc_exporter = {
    .type = "otlp_grpc",
    .alias = "otlp",
    .class = COMPONENT_EXPORTER,
    .summary = "sends spans over OTLP/gRPC",
    .create = create,
};
