/* A scripted OTLP/gRPC backend on C core, with one thread of its own. `reply` decides about each
 * request; what is answered with OK is tallied. */
#ifndef TAILSPAN_TESTS_EXPORTERS_GRPC_BACKEND_H
#define TAILSPAN_TESTS_EXPORTERS_GRPC_BACKEND_H

#include "fixture.h"

#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/time.h>
#include <libdeflate.h>

struct backend_reply {
    grpc_status_code status;
    const char *message;
    struct bytes details;  /* grpc-status-details-bin */
    struct bytes response; /* with OK */
    bool never;            /* leave the request without an answer */
};

struct grpc_backend {
    struct tally *tally;
    struct backend_reply (*reply)(uint32_t request);
    grpc_server *server;
    grpc_completion_queue *queue;
    pthread_t thread;
    int port;
    atomic_uint requests;
    bool compressed; /* whether the last request was */
    char header[64]; /* its x-tenant */
    char authority[64];
};

struct backend_call {
    void (*next)(struct backend_call *c, bool ok);
    struct grpc_backend *backend;
    grpc_call *call;
    grpc_call_details details;
    grpc_metadata_array metadata;
    grpc_byte_buffer *request;
    grpc_byte_buffer *response;
    grpc_metadata trailing;
    grpc_slice message;
    int cancelled;
};

static inline void backend_accept(struct grpc_backend *b);

static inline void backend_call_free(struct backend_call *c)
{
    if (c->request)
        grpc_byte_buffer_destroy(c->request);
    if (c->response)
        grpc_byte_buffer_destroy(c->response);
    if (c->call)
        grpc_call_unref(c->call);
    grpc_slice_unref(c->message);
    grpc_slice_unref(c->trailing.value);
    grpc_call_details_destroy(&c->details);
    grpc_metadata_array_destroy(&c->metadata);
    free(c);
}

static inline void backend_finished(struct backend_call *c, bool ok)
{
    (void)ok;
    backend_call_free(c);
}

static inline void backend_answer(struct backend_call *c, const struct backend_reply *r)
{
    grpc_slice wire =
        grpc_slice_from_copied_buffer((const char *)r->response.data, r->response.len);
    c->response = grpc_raw_byte_buffer_create(&wire, 1);
    grpc_slice_unref(wire);
    c->message = grpc_slice_from_copied_string(r->message ? r->message : "");
    c->trailing.key = grpc_slice_from_static_string("grpc-status-details-bin");
    c->trailing.value =
        grpc_slice_from_copied_buffer((const char *)r->details.data, r->details.len);
    grpc_op ops[4] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},
        {.op = GRPC_OP_SEND_STATUS_FROM_SERVER,
         .data.send_status_from_server = {.status = r->status,
                                          .status_details = &c->message,
                                          .trailing_metadata = &c->trailing,
                                          .trailing_metadata_count = r->details.len ? 1 : 0}},
        {.op = GRPC_OP_RECV_CLOSE_ON_SERVER, .data.recv_close_on_server.cancelled = &c->cancelled},
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = c->response},
    };
    c->next = backend_finished;
    grpc_call_start_batch(c->call, ops, r->status == GRPC_STATUS_OK ? 4 : 3, c, NULL);
}

static inline void backend_wait_for_close(struct backend_call *c)
{
    grpc_op close = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER,
                     .data.recv_close_on_server.cancelled = &c->cancelled};
    c->next = backend_finished;
    grpc_call_start_batch(c->call, &close, 1, c, NULL);
}

/* C core is told not to inflate, so that the test sees what went over the wire. */
static inline void backend_tally(struct grpc_backend *b, grpc_byte_buffer *request)
{
    static uint8_t inflated[4 << 20];
    grpc_byte_buffer_reader reader;
    grpc_byte_buffer_reader_init(&reader, request);
    grpc_slice slice = grpc_byte_buffer_reader_readall(&reader);
    struct bytes wire = bytes_of(GRPC_SLICE_START_PTR(slice), GRPC_SLICE_LENGTH(slice));
    b->compressed = request->data.raw.compression == GRPC_COMPRESS_GZIP;
    if (b->compressed) {
        struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
        if (libdeflate_gzip_decompress(d, wire.data, wire.len, inflated, sizeof inflated,
                                       &wire.len) != LIBDEFLATE_SUCCESS)
            abort();
        wire.data = inflated;
        libdeflate_free_decompressor(d);
    }
    tally_request(b->tally, wire);
    grpc_slice_unref(slice);
    grpc_byte_buffer_reader_destroy(&reader);
}

static inline void backend_received(struct backend_call *c, bool ok)
{
    struct grpc_backend *b = c->backend;
    if (!ok || !c->request) {
        backend_wait_for_close(c);
        return;
    }
    struct backend_reply r = {.status = GRPC_STATUS_OK};
    uint32_t number = atomic_fetch_add(&b->requests, 1);
    if (b->reply)
        r = b->reply(number);
    if (r.never) {
        backend_wait_for_close(c);
        return;
    }
    if (r.status == GRPC_STATUS_OK)
        backend_tally(b, c->request);
    backend_answer(c, &r);
}

static inline void backend_keep(grpc_slice s, char *out, size_t len)
{
    snprintf(out, len, "%.*s", (int)GRPC_SLICE_LENGTH(s), (const char *)GRPC_SLICE_START_PTR(s));
}

static inline void backend_note_metadata(struct backend_call *c)
{
    struct grpc_backend *b = c->backend;
    pthread_mutex_lock(&b->tally->lock);
    backend_keep(c->details.host, b->authority, sizeof b->authority);
    for (size_t i = 0; i < c->metadata.count; i++) {
        grpc_metadata *m = &c->metadata.metadata[i];
        if (grpc_slice_str_cmp(m->key, "x-tenant") == 0)
            backend_keep(m->value, b->header, sizeof b->header);
    }
    pthread_mutex_unlock(&b->tally->lock);
}

static inline void backend_accepted(struct backend_call *c, bool ok)
{
    if (!ok) { /* shutting down */
        backend_call_free(c);
        return;
    }
    backend_note_metadata(c);
    grpc_op receive = {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &c->request};
    c->next = backend_received;
    grpc_call_start_batch(c->call, &receive, 1, c, NULL);
    backend_accept(c->backend);
}

static inline void backend_accept(struct grpc_backend *b)
{
    struct backend_call *c = calloc(1, sizeof *c);
    c->next = backend_accepted;
    c->backend = b;
    grpc_call_details_init(&c->details);
    grpc_metadata_array_init(&c->metadata);
    if (grpc_server_request_call(b->server, &c->call, &c->details, &c->metadata, b->queue, b->queue,
                                 c) != GRPC_CALL_OK)
        backend_call_free(c);
}

static inline void *backend_run(void *arg)
{
    struct grpc_backend *b = arg;
    for (;;) {
        grpc_event e =
            grpc_completion_queue_next(b->queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
        if (e.type == GRPC_QUEUE_SHUTDOWN)
            return NULL;
        if (e.tag == b) { /* the server is down */
            grpc_completion_queue_shutdown(b->queue);
            continue;
        }
        struct backend_call *c = e.tag;
        c->next(c, e.success);
    }
}

/* Listens at `port`, or where there is room when it is 0. */
static inline void backend_start(struct grpc_backend *b, int port, grpc_server_credentials *c)
{
    char address[64];
    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    b->queue = grpc_completion_queue_create_for_next(NULL);
    grpc_arg as_sent = {.type = GRPC_ARG_INTEGER,
                        .key = GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION,
                        .value.integer = 0};
    grpc_channel_args all = {.num_args = 1, .args = &as_sent};
    b->server = grpc_server_create(&all, NULL);
    grpc_server_register_completion_queue(b->server, b->queue, NULL);
    if (!c)
        c = grpc_insecure_server_credentials_create();
    b->port = grpc_server_add_http2_port(b->server, address, c);
    grpc_server_credentials_release(c);
    assert_true(b->port > 0);
    grpc_server_start(b->server);
    backend_accept(b);
    pthread_create(&b->thread, NULL, backend_run, b);
}

static inline void backend_stop(struct grpc_backend *b)
{
    grpc_server_shutdown_and_notify(b->server, b->queue, b);
    grpc_server_cancel_all_calls(b->server);
    pthread_join(b->thread, NULL);
    grpc_server_destroy(b->server);
    grpc_completion_queue_destroy(b->queue);
}

#endif
