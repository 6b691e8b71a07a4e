#include "fixture.h"

#include "proto/frame.h"
#include "receivers/otlp.h"
#include "receivers/receivers.h"

#include <ctype.h>
#include <libdeflate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

/* ---- configuration: YAML's flow maps and lists of plain or double-quoted scalars ---- */

static void skip_space(const char **at)
{
    *at += strspn(*at, " \n");
}

static char *scan_scalar(const char **at, const char *ends)
{
    size_t len;
    char *text;
    if (**at == '"') {
        len = strcspn(++*at, "\"");
        text = strndup(*at, len);
        *at += len + 1;
        return text;
    }
    len = strcspn(*at, ends);
    text = strndup(*at, len);
    *at += len;
    while (len > 0 && text[len - 1] == ' ')
        text[--len] = 0;
    return text;
}

static struct config_value *parse_value(const char **at, struct config_value *parent)
{
    struct config_value *v = calloc(1, sizeof *v);
    v->parent = parent;
    v->file = "test.yaml";
    v->line = 1;
    skip_space(at);
    char open = **at;
    if (open != '{' && open != '[') {
        v->text = scan_scalar(at, ",]}");
        v->type = v->text[0] || (*at)[-1] == '"' ? CONFIG_SCALAR : CONFIG_NULL;
        return v;
    }
    v->type = open == '{' ? CONFIG_MAP : CONFIG_LIST;
    ++*at;
    struct config_value **link = &v->children;
    for (skip_space(at); **at != '}' && **at != ']'; skip_space(at)) {
        char *key = NULL;
        if (open == '{') {
            key = scan_scalar(at, ":,}");
            if (**at == ':')
                ++*at;
        }
        *link = parse_value(at, v);
        (*link)->key = key;
        link = &(*link)->next;
        skip_space(at);
        if (**at == ',')
            ++*at;
    }
    ++*at;
    return v;
}

struct config_value *flow_parse(const char *yaml)
{
    return parse_value(&yaml, NULL);
}

void flow_free(struct config_value *v)
{
    while (v) {
        struct config_value *next = v->next;
        flow_free(v->children);
        free((char *)v->key);
        free((char *)v->text);
        free(v);
        v = next;
    }
}

/* ---- the consumer ---- */

static struct outcome sink_consume(struct component *c, struct batch *b, struct receipt *r)
{
    struct sink *s = (struct sink *)c;
    pthread_mutex_lock(&s->lock);
    s->requests++;
    s->spans += b->span_count;
    s->last.len = 0;
    if (b->request.len > 0 || b->part_count > 0)
        frame_batch(b, &s->last);
    struct outcome answer = s->answer;
    if (answer.verdict == VERDICT_PENDING) {
        receipt_hold(r);
        s->receipts[s->held++] = r;
    }
    pthread_cond_broadcast(&s->arrived);
    pthread_mutex_unlock(&s->lock);
    batch_release(b);
    return answer;
}

static const struct component_ops sink_ops = {.consume = sink_consume};

void sink_answer(struct sink *s, struct outcome answer)
{
    pthread_mutex_lock(&s->lock);
    s->answer = answer;
    pthread_mutex_unlock(&s->lock);
}

void sink_wait_held(struct sink *s, unsigned count)
{
    pthread_mutex_lock(&s->lock);
    while (s->held < count)
        pthread_cond_wait(&s->arrived, &s->lock);
    pthread_mutex_unlock(&s->lock);
}

struct resolution {
    struct sink *sink;
    struct outcome answer;
};

static void *resolve(void *context)
{
    struct resolution *r = context;
    struct receipt *receipts[64];
    pthread_mutex_lock(&r->sink->lock);
    unsigned held = r->sink->held;
    for (unsigned i = 0; i < held; i++)
        receipts[i] = r->sink->receipts[i];
    r->sink->held = 0;
    pthread_mutex_unlock(&r->sink->lock);
    for (unsigned i = 0; i < held; i++)
        receipt_resolve(receipts[i], &r->answer);
    return NULL;
}

void sink_resolve(struct sink *s, struct outcome answer)
{
    struct resolution r = {s, answer};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, resolve, &r), 0);
    pthread_join(thread, NULL);
}

/* ---- the receiver ---- */

static void open_spec(struct fixture *f, const char *yaml)
{
    grpc_init();
    memset(f, 0, sizeof *f);
    f->telemetry = telemetry_create();
    for (int i = 0; i < 2; i++) {
        f->lanes[i] = lane_create("lane");
        assert_true(lane_start(f->lanes[i]));
    }
    f->spec = (struct component_spec){
        .kind = &otlp_receiver,
        .id = "otlp",
        .config = flow_parse(yaml),
        .lanes = f->lanes,
        .lane_count = 2,
        .telemetry = f->telemetry,
        .data_directory = "/tmp",
    };
    pthread_mutex_init(&f->sink.lock, NULL);
    pthread_cond_init(&f->sink.arrived, NULL);
    struct component_spec sink_spec = f->spec;
    sink_spec.id = "sink";
    component_init(&f->sink.component, &sink_spec, &sink_ops);
}

static void close_spec(struct fixture *f)
{
    for (int i = 0; i < 2; i++)
        lane_destroy(f->lanes[i]);
    telemetry_destroy(f->telemetry);
    buffer_free(&f->sink.last);
    flow_free((struct config_value *)f->spec.config);
    grpc_shutdown();
}

static bool create_and_start(struct fixture *f, struct error *e)
{
    f->receiver = otlp_receiver.create(&f->spec, e);
    if (!f->receiver)
        return false;
    f->receiver->next = &f->sink.component;
    if (f->receiver->ops->start(f->receiver, e))
        return true;
    f->receiver->ops->destroy(f->receiver);
    return false;
}

void fixture_start(struct fixture *f, const char *yaml)
{
    struct error e = {""};
    open_spec(f, yaml);
    if (!create_and_start(f, &e))
        fail_msg("%s", e.text);
    otlp_receiver_ports(f->receiver, &f->grpc_port, &f->http_port);
}

void fixture_stop(struct fixture *f, unsigned drain_ms)
{
    f->receiver->ops->drain(f->receiver, monotonic_ns() + drain_ms * UINT64_C(1000000));
    f->receiver->ops->stop(f->receiver);
    f->receiver->ops->destroy(f->receiver);
    close_spec(f);
}

const char *fixture_error(const char *yaml)
{
    static struct error e;
    struct fixture f;
    e.text[0] = 0;
    open_spec(&f, yaml);
    if (create_and_start(&f, &e))
        fail_msg("accepted: %s", yaml);
    close_spec(&f);
    return e.text;
}

uint64_t fixture_counter(struct fixture *f, const char *name, const char *transport,
                         const char *reason)
{
    return counter_read(telemetry_counter(f->telemetry, name, "",
                                          LABELS({"receiver", "otlp"}, {"transport", transport},
                                                 {reason ? "reason" : NULL, reason})));
}

/* ---- requests ---- */

static void append_field(struct buffer *out, unsigned number, const void *data, size_t len)
{
    buffer_append_byte(out, (uint8_t)(number << 3 | 2));
    size_t rest = len;
    for (; rest >= 0x80; rest >>= 7)
        buffer_append_byte(out, (uint8_t)(rest | 0x80));
    buffer_append_byte(out, (uint8_t)rest);
    buffer_append(out, data, len);
}

static void append_span(struct buffer *out, unsigned i, bool bad)
{
    struct buffer span = {0};
    uint8_t trace_id[16] = {0}, span_id[8] = {0};
    char name[32];
    if (!bad)
        memcpy(trace_id, &(uint32_t){i + 1}, 4);
    memcpy(span_id, &(uint32_t){i + 1}, 4);
    append_field(&span, 1, trace_id, sizeof trace_id);
    append_field(&span, 2, span_id, sizeof span_id);
    int len = snprintf(name, sizeof name, "GET /orders/%u", i);
    append_field(&span, 5, name, (size_t)len);
    append_field(out, 2, span.data, span.len);
    buffer_free(&span);
}

void make_request(struct buffer *out, unsigned spans, unsigned bad)
{
    struct buffer scope = {0}, resource = {0};
    for (unsigned i = 0; i < spans; i++)
        append_span(&scope, i, i < bad);
    append_field(&resource, 2, scope.data, scope.len);
    append_field(out, 1, resource.data, resource.len);
    buffer_free(&scope);
    buffer_free(&resource);
}

static void compress(struct bytes in, struct buffer *out,
                     size_t (*function)(struct libdeflate_compressor *, const void *, size_t,
                                        void *, size_t))
{
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(6);
    size_t room = in.len + in.len / 8 + 256;
    uint8_t *at = buffer_reserve(out, room);
    assert_non_null(at);
    size_t n = function(c, in.data, in.len, at, room);
    assert_true(n > 0);
    out->len += n;
    libdeflate_free_compressor(c);
}

void compress_gzip(struct bytes in, struct buffer *out)
{
    compress(in, out, libdeflate_gzip_compress);
}

void compress_zlib(struct bytes in, struct buffer *out)
{
    compress(in, out, libdeflate_zlib_compress);
}

void compress_deflate(struct bytes in, struct buffer *out)
{
    compress(in, out, libdeflate_deflate_compress);
}

void compress_zstd(struct bytes in, struct buffer *out)
{
    uint8_t *at = buffer_reserve(out, ZSTD_compressBound(in.len));
    assert_non_null(at);
    out->len += ZSTD_compress(at, ZSTD_compressBound(in.len), in.data, in.len, 3);
}
