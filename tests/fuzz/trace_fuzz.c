/* Traces as nobody would make them, shown as Jaeger shows traces: parents in circles, spans that
 * are their own parents, ids and whole spans several times, times at both ends of the scale. The
 * input is a list of spans, SPAN bytes each. */
#include "proto/json_reader.h"
#include "proto/message_writer.h"
#include "query/adjust.h"
#include "query/jaeger_v1_trace.h"
#include "query/jaeger_v3_trace.h"

#include <stdlib.h>

enum { SPAN = 8, SPANS_MAX = 512, JSON_DEPTH = 200 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void put_id(struct buffer *b, uint32_t field, uint8_t n)
{
    const uint8_t id[8] = {[7] = n & 15};
    message_bytes(b, field, bytes_of(id, n & 128 ? 0 : sizeof id));
}

static uint64_t time_of(uint8_t n)
{
    static const uint64_t from[] = {0, 1700000000000000000, INT64_MAX - 8, UINT64_MAX - 63};
    return from[n >> 6] + (n & 63);
}

static void put_attribute(struct buffer *b, uint32_t field, uint8_t n)
{
    static const char *const keys[] = {
        "telemetry.sdk.name", "ip",    "peer.ipv4",        "host.ip",      "service.name",
        "host.name",          "event", "@jaeger@warnings", "service.name", "k"};
    size_t pair = message_begin(b, field);
    message_bytes(b, 1, bytes_of_string(keys[n % (sizeof keys / sizeof keys[0])]));
    size_t value = message_begin(b, 2);
    if (n & 64)
        message_integer(b, 3, (uint64_t)n << (n & 63));
    else if (n & 32)
        message_double(b, 4, n * 1e7);
    else if (n & 16)
        message_bytes(b, 5, bytes_of("\x0a\x03\x0a\x01x", 5));
    else
        message_bytes(b, 1, bytes_of(&n, n & 1));
    message_end(b, value);
    message_end(b, pair);
}

static void put_links(struct buffer *b, uint8_t n)
{
    const uint8_t id[16] = {1, [15] = n >> 4};
    for (uint8_t i = n & 7; i > 0; i--) {
        size_t link = message_begin(b, 13);
        message_bytes(b, 1, bytes_of(id, n & 8 ? 0 : sizeof id));
        put_id(b, 2, i);
        put_attribute(b, 4, n);
        message_end(b, link);
    }
}

static void put_events(struct buffer *b, uint8_t n)
{
    for (uint8_t i = n & 3; i > 0; i--) {
        size_t event = message_begin(b, 11);
        message_bytes(b, 2, bytes_of_string(i & 1 ? "e" : ""));
        put_attribute(b, 3, n);
        message_end(b, event);
    }
}

static void put_span(struct buffer *b, const uint8_t s[SPAN])
{
    static const uint8_t trace_id[16] = {1};
    size_t span = message_begin(b, 2);
    message_bytes(b, 1, bytes_of(trace_id, sizeof trace_id));
    put_id(b, 2, (s[0] & 15) | 1);
    put_id(b, 4, s[1]);
    message_bytes(b, 5, bytes_of_string(s[1] & 64 ? "name" : ""));
    message_integer(b, 6, s[2] % 7);
    message_fixed64(b, 7, time_of(s[3]));
    message_fixed64(b, 8, time_of(s[4]));
    for (uint8_t i = s[2] >> 6; i > 0; i--)
        put_attribute(b, 9, (uint8_t)(s[5] + i));
    put_links(b, s[6]);
    put_events(b, s[7]);
    message_end(b, span);
}

static void put_spans(struct buffer *b, const uint8_t *data, size_t count)
{
    for (size_t i = 0; i < count;) {
        size_t resource_spans = message_begin(b, 1);
        size_t resource = message_begin(b, 1);
        put_attribute(b, 1, data[i * SPAN + 5]);
        put_attribute(b, 1, data[i * SPAN]);
        message_end(b, resource);
        size_t scope_spans = message_begin(b, 2);
        do
            put_span(b, data + i * SPAN);
        while (++i < count && !(data[i * SPAN] & 16));
        message_end(b, scope_spans);
        message_end(b, resource_spans);
    }
}

static void check_json(struct buffer *b)
{
    struct json_reader r;
    json_read_begin(&r, buffer_bytes(b));
    check(!b->failed && json_skip_value(&r, JSON_DEPTH) && json_peek(&r) == 0 && r.at == r.end);
    b->len = 0;
}

static void show(const struct batch *b)
{
    struct arena arena = {0};
    struct trace t;
    struct jaeger_v1_writer v;
    struct json_writer w;
    struct buffer out = {0};
    check(trace_build(&t, &arena, b) && jaeger_v1_writer_begin(&v, &t, NULL));
    adjust_written(&t);
    adjust_read(&t);
    json_begin(&w, &out, false);
    jaeger_v1_trace_write(&v, &w, 0);
    check_json(&out);
    json_begin(&w, &out, false);
    json_array_begin(&w);
    check(jaeger_v3_trace_write(&w, &t));
    json_array_end(&w);
    check_json(&out);
    buffer_free(&out);
    arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer request = {0};
    struct batch_report report;
    size_t count = size / SPAN < SPANS_MAX ? size / SPAN : SPANS_MAX;
    if (count == 0)
        return 0;
    put_spans(&request, data, count);
    struct batch *b = batch_from_request(buffer_bytes(&request), &report);
    buffer_free(&request);
    check(b && b->span_count == count);
    show(b);
    batch_release(b);
    check(batch_live_bytes() == 0);
    return 0;
}
