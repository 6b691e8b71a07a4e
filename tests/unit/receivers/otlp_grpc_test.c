/* The receiver's gRPC side, called by C core's own client. */
#include "fixture.h"

#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb-c.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char any_port[] = "{protocols: {grpc: {endpoint: \"127.0.0.1:0\"}}}";
static const char export[] = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

struct client {
    grpc_completion_queue *queue;
    grpc_channel *channel;
};

struct call {
    grpc_call *call;
    grpc_metadata_array initial;
    grpc_metadata_array trailing;
    grpc_byte_buffer *reply;
    grpc_status_code status;
    grpc_slice details;
    /* after finish() */
    char message[512];
    struct buffer body;
    struct buffer status_details; /* grpc-status-details-bin */
};

static void client_open(struct client *c, const struct fixture *f, grpc_compression_algorithm a)
{
    char target[32];
    snprintf(target, sizeof target, "127.0.0.1:%u", f->grpc_port);
    grpc_arg args[] = {
        {.type = GRPC_ARG_INTEGER,
         .key = (char *)GRPC_COMPRESSION_CHANNEL_DEFAULT_ALGORITHM,
         .value.integer = (int)a},
        {.type = GRPC_ARG_INTEGER,
         .key = (char *)GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL,
         .value.integer = 1},
    };
    grpc_channel_args list = {.num_args = 2, .args = args};
    grpc_channel_credentials *insecure = grpc_insecure_credentials_create();
    c->queue = grpc_completion_queue_create_for_next(NULL);
    c->channel = grpc_channel_create(target, insecure, &list);
    grpc_channel_credentials_release(insecure);
}

static void client_close(struct client *c)
{
    grpc_channel_destroy(c->channel);
    grpc_completion_queue_shutdown(c->queue);
    while (grpc_completion_queue_next(c->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL).type !=
           GRPC_QUEUE_SHUTDOWN)
        ;
    grpc_completion_queue_destroy(c->queue);
}

/* `message` may be NULL: half-closes without one. */
static void begin(struct client *c, struct call *x, const char *method, const struct bytes *message)
{
    memset(x, 0, sizeof *x);
    x->call = grpc_channel_create_call(c->channel, NULL, GRPC_PROPAGATE_DEFAULTS, c->queue,
                                       grpc_slice_from_static_string(method), NULL,
                                       gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    grpc_byte_buffer *send = NULL;
    grpc_op ops[6] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA}, {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
        {.op = GRPC_OP_RECV_INITIAL_METADATA}, {.op = GRPC_OP_RECV_MESSAGE},
        {.op = GRPC_OP_RECV_STATUS_ON_CLIENT}, {.op = GRPC_OP_SEND_MESSAGE},
    };
    ops[2].data.recv_initial_metadata.recv_initial_metadata = &x->initial;
    ops[3].data.recv_message.recv_message = &x->reply;
    ops[4].data.recv_status_on_client.trailing_metadata = &x->trailing;
    ops[4].data.recv_status_on_client.status = &x->status;
    ops[4].data.recv_status_on_client.status_details = &x->details;
    if (message) {
        grpc_slice slice = grpc_slice_from_copied_buffer((const char *)message->data, message->len);
        send = grpc_raw_byte_buffer_create(&slice, 1);
        grpc_slice_unref(slice);
        ops[5].data.send_message.send_message = send;
    }
    assert_int_equal(grpc_call_start_batch(x->call, ops, message ? 6 : 5, x, NULL), GRPC_CALL_OK);
    if (send)
        grpc_byte_buffer_destroy(send);
}

static void copy_body(struct call *x)
{
    grpc_byte_buffer_reader reader;
    grpc_slice slice;
    if (!x->reply || !grpc_byte_buffer_reader_init(&reader, x->reply))
        return;
    while (grpc_byte_buffer_reader_next(&reader, &slice)) {
        buffer_append(&x->body, GRPC_SLICE_START_PTR(slice), GRPC_SLICE_LENGTH(slice));
        grpc_slice_unref(slice);
    }
    grpc_byte_buffer_reader_destroy(&reader);
    grpc_byte_buffer_destroy(x->reply);
}

/* Waits for the next call to be answered. */
static struct call *finish(struct client *c)
{
    grpc_event event =
        grpc_completion_queue_next(c->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    assert_int_equal(event.type, GRPC_OP_COMPLETE);
    struct call *x = event.tag;
    snprintf(x->message, sizeof x->message, "%.*s", (int)GRPC_SLICE_LENGTH(x->details),
             (const char *)GRPC_SLICE_START_PTR(x->details));
    for (size_t i = 0; i < x->trailing.count; i++)
        if (grpc_slice_str_cmp(x->trailing.metadata[i].key, "grpc-status-details-bin") == 0)
            buffer_append(&x->status_details, GRPC_SLICE_START_PTR(x->trailing.metadata[i].value),
                          GRPC_SLICE_LENGTH(x->trailing.metadata[i].value));
    copy_body(x);
    grpc_slice_unref(x->details);
    grpc_metadata_array_destroy(&x->initial);
    grpc_metadata_array_destroy(&x->trailing);
    grpc_call_unref(x->call);
    return x;
}

static void call_free(struct call *x)
{
    buffer_free(&x->body);
    buffer_free(&x->status_details);
}

static void ask(struct client *c, struct call *x, const char *method, struct bytes message)
{
    begin(c, x, method, &message);
    assert_ptr_equal(finish(c), x);
}

static void test_export(void **state)
{
    (void)state;
    struct fixture f;
    struct client c;
    struct call x;
    struct buffer request = {0};
    fixture_start(&f, any_port);
    client_open(&c, &f, GRPC_COMPRESS_NONE);
    make_request(&request, 2000, 0);
    for (int i = 0; i < 40; i++) { /* more than there are contexts */
        ask(&c, &x, export, buffer_bytes(&request));
        assert_int_equal(x.status, GRPC_STATUS_OK);
        assert_int_equal(x.body.len, 0);
        assert_true(bytes_equal(buffer_bytes(&f.sink.last), buffer_bytes(&request)));
        call_free(&x);
    }
    assert_int_equal(f.sink.spans, 80000);
    assert_int_equal(fixture_counter(&f, "otelcol_receiver_accepted_spans", "grpc", NULL), 80000);
    ask(&c, &x, export, bytes_of(NULL, 0));
    assert_int_equal(x.status, GRPC_STATUS_OK);
    call_free(&x);
    assert_int_equal(f.sink.requests, 40);
    client_close(&c);
    buffer_free(&request);
    fixture_stop(&f, 5000);
    assert_int_equal(batch_live_bytes(), 0);
}

static void test_compressed(void **state)
{
    (void)state;
    static const grpc_compression_algorithm algorithms[] = {GRPC_COMPRESS_GZIP,
                                                            GRPC_COMPRESS_DEFLATE};
    struct fixture f;
    struct client c;
    struct call x;
    struct buffer request = {0};
    fixture_start(&f, any_port);
    make_request(&request, 20000, 0);
    for (int i = 0; i < 2; i++) {
        client_open(&c, &f, algorithms[i]);
        ask(&c, &x, export, buffer_bytes(&request));
        assert_int_equal(x.status, GRPC_STATUS_OK);
        assert_true(bytes_equal(buffer_bytes(&f.sink.last), buffer_bytes(&request)));
        call_free(&x);
        client_close(&c);
    }
    buffer_free(&request);
    fixture_stop(&f, 5000);
}

/* What C core hands over as it came: the client compressed by itself. */
static void test_encodings_that_the_library_does_not_know(void **state)
{
    (void)state;
    struct fixture f;
    struct client c;
    struct call x;
    struct buffer request = {0}, packed = {0};
    fixture_start(&f, any_port);
    client_open(&c, &f, GRPC_COMPRESS_NONE);
    make_request(&request, 20000, 0);
    compress_zstd(buffer_bytes(&request), &packed);
    ask(&c, &x, export, buffer_bytes(&packed));
    assert_int_equal(x.status, GRPC_STATUS_OK);
    assert_true(bytes_equal(buffer_bytes(&f.sink.last), buffer_bytes(&request)));
    call_free(&x);
    ask(&c, &x, export, bytes_of("\xff\x06\x00\x00sNaPpY\x01", 11));
    assert_int_equal(x.status, GRPC_STATUS_UNIMPLEMENTED);
    call_free(&x);
    client_close(&c);
    buffer_free(&request);
    buffer_free(&packed);
    fixture_stop(&f, 5000);
}

static void test_too_large(void **state)
{
    (void)state;
    enum { MIB = 1 << 20 };
    struct fixture f;
    struct client c;
    struct call x;
    fixture_start(&f, "{protocols: {grpc: {endpoint: \"127.0.0.1:0\", max_recv_msg_size_mib: 1}}}");
    uint8_t *zeroes = calloc(64, MIB);
    /* plain, and inflated to more than the limit from less than it */
    for (int i = 0; i < 2; i++) {
        client_open(&c, &f, i ? GRPC_COMPRESS_GZIP : GRPC_COMPRESS_NONE);
        ask(&c, &x, export, bytes_of(zeroes, i ? (size_t)64 * MIB : MIB + 1));
        assert_int_equal(x.status, GRPC_STATUS_RESOURCE_EXHAUSTED);
        assert_int_equal(x.status_details.len, 0);
        call_free(&x);
        ask(&c, &x, export, bytes_of(zeroes, MIB)); /* the connection lives on */
        assert_int_equal(x.status, GRPC_STATUS_INVALID_ARGUMENT);
        call_free(&x);
        client_close(&c);
    }
    free(zeroes);
    fixture_stop(&f, 5000);
    assert_int_equal(batch_live_bytes(), 0);
}

static void test_malformed_says_where(void **state)
{
    (void)state;
    struct fixture f;
    struct client c;
    struct call x;
    fixture_start(&f, any_port);
    client_open(&c, &f, GRPC_COMPRESS_NONE);
    ask(&c, &x, export, bytes_of("\x0a\x05\x12", 3));
    assert_int_equal(x.status, GRPC_STATUS_INVALID_ARGUMENT);
    assert_non_null(strstr(x.message, "resource_spans"));
    call_free(&x);
    begin(&c, &x, export, NULL);
    finish(&c);
    assert_int_not_equal(x.status, GRPC_STATUS_OK);
    call_free(&x);
    client_close(&c);
    fixture_stop(&f, 5000);
}

static void test_other_signals_are_unimplemented(void **state)
{
    (void)state;
    struct fixture f;
    struct client c;
    struct call x;
    fixture_start(&f, any_port);
    client_open(&c, &f, GRPC_COMPRESS_NONE);
    ask(&c, &x, "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        bytes_of(NULL, 0));
    assert_int_equal(x.status, GRPC_STATUS_UNIMPLEMENTED);
    call_free(&x);
    client_close(&c);
    fixture_stop(&f, 5000);
}

static void test_partial_success(void **state)
{
    (void)state;
    struct fixture f;
    struct client c;
    struct call x;
    struct buffer request = {0};
    fixture_start(&f, any_port);
    client_open(&c, &f, GRPC_COMPRESS_NONE);
    make_request(&request, 5, 2);
    ask(&c, &x, export, buffer_bytes(&request));
    assert_int_equal(x.status, GRPC_STATUS_OK);
    Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceResponse *response =
        opentelemetry__proto__collector__trace__v1__export_trace_service_response__unpack(
            NULL, x.body.len, x.body.data);
    assert_non_null(response);
    assert_int_equal(response->partial_success->rejected_spans, 2);
    assert_non_null(strstr(response->partial_success->error_message, "spans[0]"));
    opentelemetry__proto__collector__trace__v1__export_trace_service_response__free_unpacked(
        response, NULL);
    call_free(&x);
    assert_int_equal(f.sink.spans, 3);
    client_close(&c);
    buffer_free(&request);
    fixture_stop(&f, 5000);
}

static void test_busy_with_advice(void **state)
{
    (void)state;
    struct fixture f;
    struct client c;
    struct call x;
    struct buffer request = {0};
    fixture_start(&f, any_port);
    client_open(&c, &f, GRPC_COMPRESS_NONE);
    make_request(&request, 2, 0);
    sink_answer(&f.sink, outcome_busy(250, "memory is short"));
    ask(&c, &x, export, buffer_bytes(&request));
    assert_int_equal(x.status, GRPC_STATUS_UNAVAILABLE);
    assert_string_equal(x.message, "memory is short");
    Google__Rpc__Status *status =
        google__rpc__status__unpack(NULL, x.status_details.len, x.status_details.data);
    assert_non_null(status);
    assert_int_equal(status->code, GRPC_STATUS_UNAVAILABLE);
    Google__Rpc__RetryInfo *info = google__rpc__retry_info__unpack(
        NULL, status->details[0]->value.len, status->details[0]->value.data);
    assert_int_equal(info->retry_delay->nanos, 250000000);
    google__rpc__retry_info__free_unpacked(info, NULL);
    google__rpc__status__free_unpacked(status, NULL);
    call_free(&x);

    sink_answer(&f.sink, outcome_rejected(0, "never"));
    ask(&c, &x, export, buffer_bytes(&request));
    assert_int_equal(x.status, GRPC_STATUS_INTERNAL);
    assert_int_equal(x.status_details.len, 0);
    call_free(&x);
    assert_int_equal(fixture_counter(&f, "otelcol_receiver_refused_spans", "grpc", NULL), 4);
    client_close(&c);
    buffer_free(&request);
    fixture_stop(&f, 5000);
}

enum { CALLS = 40 };

static void test_pending_answers_come_from_other_threads(void **state)
{
    (void)state;
    struct fixture f;
    struct client c;
    static struct call x[CALLS];
    struct buffer request = {0};
    fixture_start(&f, any_port);
    client_open(&c, &f, GRPC_COMPRESS_NONE);
    make_request(&request, 2, 0);
    struct bytes message = buffer_bytes(&request);
    sink_answer(&f.sink, outcome_pending());
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < CALLS; i++)
            begin(&c, &x[i], export, &message);
        sink_wait_held(&f.sink, CALLS);
        sink_resolve(&f.sink, round < 2 ? outcome_accepted() : outcome_busy(0, "down"));
        for (int i = 0; i < CALLS; i++) {
            struct call *done = finish(&c);
            assert_int_equal(done->status, round < 2 ? GRPC_STATUS_OK : GRPC_STATUS_UNAVAILABLE);
            call_free(done);
        }
    }
    client_close(&c);
    buffer_free(&request);
    fixture_stop(&f, 5000);
}

static void *drain(void *context)
{
    struct fixture *f = context;
    f->receiver->ops->drain(f->receiver, monotonic_ns() + UINT64_C(60000000000));
    return NULL;
}

static void test_drain_waits_for_the_pipeline(void **state)
{
    (void)state;
    struct fixture f;
    struct client c;
    struct call x;
    struct buffer request = {0};
    pthread_t thread;
    fixture_start(&f, any_port);
    client_open(&c, &f, GRPC_COMPRESS_NONE);
    make_request(&request, 1, 0);
    struct bytes message = buffer_bytes(&request);
    sink_answer(&f.sink, outcome_pending());
    begin(&c, &x, export, &message);
    sink_wait_held(&f.sink, 1);
    assert_int_equal(pthread_create(&thread, NULL, drain, &f), 0);
    sink_resolve(&f.sink, outcome_accepted());
    assert_ptr_equal(finish(&c), &x);
    assert_int_equal(x.status, GRPC_STATUS_OK);
    call_free(&x);
    pthread_join(thread, NULL);

    ask(&c, &x, export, message); /* nobody listens any more */
    /* CANCELLED when the client has not heard of the shutdown yet; OTLP retries both */
    assert_true(x.status == GRPC_STATUS_UNAVAILABLE || x.status == GRPC_STATUS_CANCELLED);
    call_free(&x);
    client_close(&c);
    buffer_free(&request);
    fixture_stop(&f, 5000);
}

/* The drain's deadline passes; the answer comes after it and before the stop. */
static void test_an_answer_after_the_drain(void **state)
{
    (void)state;
    struct fixture f;
    struct client c;
    struct call x;
    struct buffer request = {0};
    fixture_start(&f, any_port);
    client_open(&c, &f, GRPC_COMPRESS_NONE);
    make_request(&request, 1, 0);
    struct bytes message = buffer_bytes(&request);
    sink_answer(&f.sink, outcome_pending());
    begin(&c, &x, export, &message);
    sink_wait_held(&f.sink, 1);
    f.receiver->ops->drain(f.receiver, monotonic_ns() + 1000000);
    sink_resolve(&f.sink, outcome_accepted());
    assert_ptr_equal(finish(&c), &x);
    assert_int_equal(x.status, GRPC_STATUS_OK);
    call_free(&x);
    client_close(&c);
    buffer_free(&request);
    fixture_stop(&f, 1);
}

/* A client that goes away has its spans delivered all the same. */
static void test_a_client_that_went_away(void **state)
{
    (void)state;
    struct fixture f;
    struct client c;
    struct call x;
    struct buffer request = {0};
    fixture_start(&f, any_port);
    client_open(&c, &f, GRPC_COMPRESS_NONE);
    make_request(&request, 3, 0);
    struct bytes message = buffer_bytes(&request);
    sink_answer(&f.sink, outcome_pending());
    begin(&c, &x, export, &message);
    sink_wait_held(&f.sink, 1);
    grpc_call_cancel(x.call, NULL);
    finish(&c);
    assert_int_equal(x.status, GRPC_STATUS_CANCELLED);
    call_free(&x);
    sink_resolve(&f.sink, outcome_accepted());
    client_close(&c);
    buffer_free(&request);
    fixture_stop(&f, 5000);
    assert_int_equal(f.sink.spans, 3);
}

/* ---- what a connection may do ---- */

/* The value of a setting that the server begins with; 0 when it names none. */
static uint32_t server_setting(const struct fixture *f, uint16_t wanted)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0";
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(f->grpc_port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(send(fd, preface, sizeof preface, MSG_NOSIGNAL), sizeof preface);
    uint8_t head[9], body[256];
    assert_int_equal(recv(fd, head, sizeof head, MSG_WAITALL), sizeof head);
    assert_int_equal(head[3], 4); /* SETTINGS comes first */
    size_t len = (size_t)head[1] << 8 | head[2];
    assert_true(len <= sizeof body);
    assert_int_equal(recv(fd, body, len, MSG_WAITALL), len);
    close(fd);
    uint32_t value = 0;
    for (size_t i = 0; i + 6 <= len; i += 6)
        if ((body[i] << 8 | body[i + 1]) == wanted)
            value = (uint32_t)body[i + 2] << 24 | (uint32_t)body[i + 3] << 16 |
                    (uint32_t)body[i + 4] << 8 | body[i + 5];
    return value;
}

static void test_calls_at_a_time_are_limited(void **state)
{
    (void)state;
    enum { MAX_CONCURRENT_STREAMS = 3 };
    struct fixture f;
    fixture_start(&f, "{protocols: {grpc: {endpoint: \"127.0.0.1:0\"}}}");
    assert_int_equal(server_setting(&f, MAX_CONCURRENT_STREAMS), 256);
    fixture_stop(&f, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_export),
        cmocka_unit_test(test_compressed),
        cmocka_unit_test(test_encodings_that_the_library_does_not_know),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_malformed_says_where),
        cmocka_unit_test(test_other_signals_are_unimplemented),
        cmocka_unit_test(test_partial_success),
        cmocka_unit_test(test_busy_with_advice),
        cmocka_unit_test(test_pending_answers_come_from_other_threads),
        cmocka_unit_test(test_drain_waits_for_the_pipeline),
        cmocka_unit_test(test_an_answer_after_the_drain),
        cmocka_unit_test(test_a_client_that_went_away),
        cmocka_unit_test(test_calls_at_a_time_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
