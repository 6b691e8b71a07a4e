/* The end of the line: an OTLP backend that counts spans and acknowledges.
 *
 *     sink [--http] [--verify] HOST:PORT
 *
 * It answers each line on standard input with a line of JSON, its counts so far, and prints the
 * last on SIGTERM. --verify looks for span ids that came twice. Counting costs it little, so that
 * it can share a core with the load generator. */
#include "tests/bench/sink.h"

#include "tests/bench/export_server.h"

#include <grpc/byte_buffer.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INFLATED_MAX = 64 << 20 };

static void grow(struct iovec *buffer, size_t len)
{
    if (len <= buffer->iov_len)
        return;
    if (!(buffer->iov_base = realloc(buffer->iov_base, len)))
        abort();
    buffer->iov_len = len;
}

static size_t gather(struct iovec *into, const struct iovec *slices, size_t slice_count)
{
    size_t len = 0;
    for (size_t i = 0; i < slice_count; i++) {
        grow(into, len + slices[i].iov_len);
        memcpy((char *)into->iov_base + len, slices[i].iov_base, slices[i].iov_len);
        len += slices[i].iov_len;
    }
    return len;
}

/* *out is good until the next call. False: not gzip, or too large. */
static bool inflate_request(struct inflater *f, const struct iovec *slices, size_t slice_count,
                            struct iovec *out)
{
    if (!f->decompressor && !(f->decompressor = libdeflate_alloc_decompressor()))
        abort();
    size_t len = gather(&f->gathered, slices, slice_count);
    for (size_t room = 1 << 20; room <= INFLATED_MAX; room *= 2) {
        size_t used = 0;
        grow(&f->inflated, room);
        enum libdeflate_result result =
            libdeflate_gzip_decompress(f->decompressor, f->gathered.iov_base, len,
                                       f->inflated.iov_base, f->inflated.iov_len, &used);
        if (result == LIBDEFLATE_SUCCESS) {
            *out = (struct iovec){.iov_base = f->inflated.iov_base, .iov_len = used};
            return true;
        }
        if (result != LIBDEFLATE_INSUFFICIENT_SPACE)
            return false;
    }
    return false;
}

static void free_inflater(struct inflater *f)
{
    libdeflate_free_decompressor(f->decompressor);
    free(f->gathered.iov_base);
    free(f->inflated.iov_base);
}

void sink_take(struct sink *s, const struct iovec *slices, size_t slice_count, bool gzip)
{
    struct span_count found = {0};
    struct iovec inflated;
    size_t wire = 0;
    for (size_t i = 0; i < slice_count; i++)
        wire += slices[i].iov_len;
    if (!gzip)
        count_spans(slices, slice_count, s->ids, &found);
    else if (inflate_request(&s->inflater, slices, slice_count, &inflated))
        count_spans(&inflated, 1, s->ids, &found);
    else
        found.malformed = true;
    pthread_mutex_lock(&s->lock);
    s->requests++;
    s->wire_bytes += wire;
    s->malformed += found.malformed;
    s->total.spans += found.spans;
    s->total.duplicates += found.duplicates;
    pthread_mutex_unlock(&s->lock);
}

static void receive(void *context, struct export_call *call, grpc_byte_buffer *body)
{
    if (body) {
        const grpc_slice_buffer *from = &body->data.raw.slice_buffer;
        struct iovec *slices = calloc(from->count + 1, sizeof *slices);
        if (!slices)
            abort();
        for (size_t i = 0; i < from->count; i++)
            slices[i] = (struct iovec){.iov_base = GRPC_SLICE_START_PTR(from->slices[i]),
                                       .iov_len = GRPC_SLICE_LENGTH(from->slices[i])};
        sink_take(context, slices, from->count, body->data.raw.compression == GRPC_COMPRESS_GZIP);
        free(slices);
        grpc_byte_buffer_destroy(body);
    }
    export_call_accept(call);
}

void sink_serve_grpc(struct sink *s, const char *endpoint)
{
    struct export_server_options o = {
        .endpoint = endpoint, .requested = 64, .receive = receive, .context = s};
    struct export_server *server = export_server_start(&o);
    export_server_run(server);
    export_server_stop(server);
}

static void report(struct sink *s)
{
    pthread_mutex_lock(&s->lock);
    printf("{\"spans\": %" PRIu64 ", \"requests\": %" PRIu64 ", \"wire_bytes\": %" PRIu64
           ", \"malformed\": %" PRIu64 ", \"duplicates\": %" PRIu64 "}\n",
           s->total.spans, s->requests, s->wire_bytes, s->malformed, s->total.duplicates);
    fflush(stdout);
    pthread_mutex_unlock(&s->lock);
}

static void *answer_lines(void *sink)
{
    char line[64];
    while (fgets(line, sizeof line, stdin))
        report(sink);
    return NULL;
}

int main(int argc, char **argv)
{
    bool http = false, verify = false;
    const char *endpoint = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--http") == 0)
            http = true;
        else if (strcmp(argv[i], "--verify") == 0)
            verify = true;
        else
            endpoint = argv[i];
    }
    if (!endpoint) {
        fprintf(stderr, "usage: %s [--http] [--verify] HOST:PORT\n", argv[0]);
        return 2;
    }
    struct id_set ids = {0};
    static struct sink s = {.lock = PTHREAD_MUTEX_INITIALIZER};
    s.ids = verify ? &ids : NULL;
    pthread_t lines;
    sigset_t set;
    sigfillset(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL); /* the control thread gets no signals */
    pthread_create(&lines, NULL, answer_lines, &s);
    pthread_detach(lines);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    (http ? sink_serve_http : sink_serve_grpc)(&s, endpoint);
    report(&s);
    id_set_free(&ids);
    if (s.inflater.decompressor)
        free_inflater(&s.inflater);
    return 0;
}
