/* Sending over gRPC C core.
 *
 * The main thread takes completions and sends what is due then; a second thread, the pacer, sends
 * what becomes due by the clock, because a completion queue wakes only to the millisecond. Messages
 * are slices over the shots' own memory, which outlives every call. */
#include "tests/bench/load.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

static const char export_method[] = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

enum { CALL_SECONDS = 10, PACER_SLEEP_NS = 20000000 };

struct channel {
    grpc_channel *channel;
    void *method;
};

struct client {
    struct load *load;
    grpc_completion_queue *queue;
    struct channel *channels;
    grpc_metadata encoding;
};

/* One call of a shot; kept with it and used again. */
struct sending {
    struct shot *shot;
    struct channel *channel;
    grpc_call *call;
    grpc_byte_buffer *message;
    grpc_byte_buffer *response;
    grpc_metadata_array initial;
    grpc_metadata_array trailing;
    grpc_status_code status;
    grpc_slice details;
};

static grpc_byte_buffer *message_of(const struct client *c, const struct shot *s)
{
    grpc_slice slice = grpc_slice_from_static_buffer(s->data, s->len);
    return c->load->options.gzip
               ? grpc_raw_compressed_byte_buffer_create(&slice, 1, GRPC_COMPRESS_GZIP)
               : grpc_raw_byte_buffer_create(&slice, 1);
}

static void start(struct client *c, struct shot *s)
{
    struct sending *t = s->transport;
    t->response = NULL;
    t->message = message_of(c, s);
    grpc_metadata_array_init(&t->initial);
    grpc_metadata_array_init(&t->trailing);
    gpr_timespec deadline = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                         gpr_time_from_seconds(CALL_SECONDS, GPR_TIMESPAN));
    t->call = grpc_channel_create_registered_call(t->channel->channel, NULL, 0, c->queue,
                                                  t->channel->method, deadline, NULL);
    grpc_op ops[6] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA, .flags = GRPC_INITIAL_METADATA_WAIT_FOR_READY},
        {.op = GRPC_OP_SEND_MESSAGE},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
        {.op = GRPC_OP_RECV_INITIAL_METADATA},
        {.op = GRPC_OP_RECV_MESSAGE},
        {.op = GRPC_OP_RECV_STATUS_ON_CLIENT},
    };
    if (c->load->options.gzip) {
        ops[0].data.send_initial_metadata.count = 1;
        ops[0].data.send_initial_metadata.metadata = &c->encoding;
    }
    ops[1].data.send_message.send_message = t->message;
    ops[3].data.recv_initial_metadata.recv_initial_metadata = &t->initial;
    ops[4].data.recv_message.recv_message = &t->response;
    ops[5].data.recv_status_on_client.trailing_metadata = &t->trailing;
    ops[5].data.recv_status_on_client.status = &t->status;
    ops[5].data.recv_status_on_client.status_details = &t->details;
    if (grpc_call_start_batch(t->call, ops, 6, t, NULL) != GRPC_CALL_OK)
        abort();
}

static uint64_t pump(struct client *c)
{
    struct shot *s;
    uint64_t wake_ns;
    while ((s = load_take(c->load, &wake_ns)))
        start(c, s);
    return wake_ns;
}

static uint64_t rejected_of(grpc_byte_buffer *response)
{
    if (!response || grpc_byte_buffer_length(response) == 0)
        return 0;
    grpc_byte_buffer_reader reader;
    if (!grpc_byte_buffer_reader_init(&reader, response))
        return 0;
    grpc_slice all = grpc_byte_buffer_reader_readall(&reader);
    uint64_t rejected = load_rejected_spans(GRPC_SLICE_START_PTR(all), GRPC_SLICE_LENGTH(all));
    grpc_slice_unref(all);
    grpc_byte_buffer_reader_destroy(&reader);
    return rejected;
}

static enum answer answer_of(const struct sending *t)
{
    switch (t->status) {
    case GRPC_STATUS_OK:
        return ANSWER_ACCEPTED;
    case GRPC_STATUS_UNAVAILABLE:
    case GRPC_STATUS_RESOURCE_EXHAUSTED:
    case GRPC_STATUS_ABORTED:
        return ANSWER_REFUSED;
    default:
        return ANSWER_FAILED;
    }
}

static void finish(struct client *c, struct sending *t)
{
    static bool told;
    enum answer answer = answer_of(t);
    if (answer != ANSWER_ACCEPTED && !told) {
        told = true;
        char *details = grpc_slice_to_c_string(t->details);
        fprintf(stderr, "loadgen: first refusal: status %d, %s\n", (int)t->status, details);
        gpr_free(details);
    }
    uint64_t rejected = rejected_of(t->response);
    grpc_byte_buffer_destroy(t->message);
    if (t->response)
        grpc_byte_buffer_destroy(t->response);
    grpc_metadata_array_destroy(&t->initial);
    grpc_metadata_array_destroy(&t->trailing);
    grpc_slice_unref(t->details);
    grpc_call_unref(t->call);
    load_answer(c->load, t->shot, answer, rejected);
}

static void *pace(void *argument)
{
    struct client *c = argument;
    prctl(PR_SET_TIMERSLACK, 1000, 0, 0, 0); /* 1 us instead of 50 */
    while (!load_done(c->load)) {
        uint64_t wake_ns = pump(c), latest = load_now_ns() + PACER_SLEEP_NS;
        if (wake_ns > latest)
            wake_ns = latest;
        struct timespec until = {.tv_sec = (time_t)(wake_ns / 1000000000u),
                                 .tv_nsec = (long)(wake_ns % 1000000000u)};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    }
    return NULL;
}

/* Channels share a connection unless told not to. */
static void open_channel(struct channel *c, const char *target)
{
    grpc_arg args[] = {
        {.type = GRPC_ARG_INTEGER, .key = GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, .value.integer = 1},
        {.type = GRPC_ARG_INTEGER, .key = GRPC_ARG_ENABLE_RETRIES, .value.integer = 0},
    };
    grpc_channel_args channel_args = {.num_args = sizeof args / sizeof *args, .args = args};
    grpc_channel_credentials *insecure = grpc_insecure_credentials_create();
    c->channel = grpc_channel_create(target, insecure, &channel_args);
    grpc_channel_credentials_release(insecure);
    c->method = grpc_channel_register_call(c->channel, export_method, NULL, NULL);
}

static struct sending *attach_shots(struct client *c)
{
    const struct load_options *o = &c->load->options;
    unsigned pool = o->pool > o->in_flight ? o->pool : o->in_flight;
    struct sending *sendings = calloc(pool, sizeof *sendings);
    if (!sendings)
        abort();
    for (unsigned i = 0; i < pool; i++) {
        sendings[i].shot = &c->load->shots[i];
        sendings[i].channel = &c->channels[i % o->connections];
        c->load->shots[i].transport = &sendings[i];
    }
    return sendings;
}

void load_run_grpc(struct load *l)
{
    grpc_init();
    struct client c = {.load = l, .queue = grpc_completion_queue_create_for_next(NULL)};
    c.encoding.key = grpc_slice_from_static_string("grpc-internal-encoding-request");
    c.encoding.value = grpc_slice_from_static_string("gzip");
    if (!(c.channels = calloc(l->options.connections, sizeof *c.channels)))
        abort();
    for (unsigned i = 0; i < l->options.connections; i++)
        open_channel(&c.channels[i], l->options.endpoint);
    struct sending *sendings = attach_shots(&c);
    pthread_t pacer;
    pthread_create(&pacer, NULL, pace, &c);
    while (!load_done(l)) {
        gpr_timespec soon =
            gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(100, GPR_TIMESPAN));
        grpc_event event = grpc_completion_queue_next(c.queue, soon, NULL);
        if (event.type != GRPC_OP_COMPLETE)
            continue;
        finish(&c, event.tag);
        pump(&c);
    }
    pthread_join(pacer, NULL);
    for (unsigned i = 0; i < l->options.connections; i++)
        grpc_channel_destroy(c.channels[i].channel);
    grpc_completion_queue_shutdown(c.queue);
    while (grpc_completion_queue_next(c.queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL).type !=
           GRPC_QUEUE_SHUTDOWN)
        ;
    grpc_completion_queue_destroy(c.queue);
    free(c.channels);
    free(sendings);
    grpc_shutdown();
}
