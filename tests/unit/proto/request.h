/* Requests written out by hand, for tests that say exactly what they send. */
#ifndef TAILSPAN_TESTS_REQUEST_H
#define TAILSPAN_TESTS_REQUEST_H

#include "proto/attribute_writer.h"
#include "proto/batch.h"
#include "proto/buffer.h"

/* Appends a message's body as a field of another, and frees it. */
static inline void message(struct buffer *out, uint32_t number, struct buffer *body)
{
    struct wire_writer w =
        wire_writer(buffer_reserve(out, body->len + WIRE_MAX_FRAME), body->len + WIRE_MAX_FRAME);
    const uint8_t *begin = w.at;
    wire_put_bytes(&w, number, buffer_bytes(body));
    out->len += (size_t)(w.at - begin);
    buffer_free(body);
}

static inline void bytes(struct buffer *out, uint32_t number, struct bytes b)
{
    struct buffer copy = {0};
    buffer_append(&copy, b.data, b.len);
    message(out, number, &copy);
}

static inline void text(struct buffer *out, uint32_t number, const char *s)
{
    bytes(out, number, bytes_of_string(s));
}

static inline void integer(struct buffer *out, uint32_t number, uint64_t v)
{
    uint8_t memory[2 * WIRE_MAX_VARINT];
    struct wire_writer w = wire_writer(memory, sizeof memory);
    wire_put_integer(&w, number, v);
    buffer_append(out, memory, (size_t)(w.at - memory));
}

static inline void fixed64(struct buffer *out, uint32_t number, uint64_t v)
{
    uint8_t memory[2 * WIRE_MAX_VARINT];
    struct wire_writer w = wire_writer(memory, sizeof memory);
    wire_put_fixed64(&w, number, v);
    buffer_append(out, memory, (size_t)(w.at - memory));
}

static inline void attribute(struct buffer *out, uint32_t number, const char *key, struct value v)
{
    uint8_t memory[512];
    struct wire_writer w = wire_writer(memory, sizeof memory);
    key_value_put(&w, bytes_of_string(key), &v);
    bytes(out, number, bytes_of(memory, (size_t)(w.at - memory)));
}

static inline struct value string_value(const char *s)
{
    return (struct value){.type = VALUE_STRING, .bytes = bytes_of_string(s)};
}

static inline struct value int_value(int64_t n)
{
    return (struct value){.type = VALUE_INT, .integer = n};
}

/* A span whose ids are made of `id` and 0x10 + `id`. */
static inline struct buffer span(uint8_t id, const char *name)
{
    struct buffer s = {0};
    uint8_t ids[16];
    memset(ids, id, sizeof ids);
    bytes(&s, 1, bytes_of(ids, 16));
    memset(ids, 0x10 + id, sizeof ids);
    bytes(&s, 2, bytes_of(ids, 8));
    text(&s, 5, name);
    integer(&s, 6, 2);
    fixed64(&s, 7, 1000);
    fixed64(&s, 8, 2000);
    attribute(&s, SPAN_ATTRIBUTES, "http.route", string_value("/cart"));
    return s;
}

/* `count` spans with ids from `first` on, in one scope of one resource. */
static inline struct buffer request(const char *service, const char *scope, uint8_t first,
                                    unsigned count)
{
    struct buffer all = {0}, resource_spans = {0}, resource = {0}, scope_spans = {0}, s = {0};
    attribute(&resource, RESOURCE_ATTRIBUTES, "service.name", string_value(service));
    message(&resource_spans, 1, &resource);
    text(&s, 1, scope);
    message(&scope_spans, 1, &s);
    for (unsigned i = 0; i < count; i++) {
        struct buffer one = span((uint8_t)(first + i), "GET /cart");
        message(&scope_spans, 2, &one);
    }
    text(&scope_spans, 3, "https://scope.example/1");
    message(&resource_spans, 2, &scope_spans);
    text(&resource_spans, 3, "https://resource.example/1");
    message(&all, 1, &resource_spans);
    return all;
}

static inline struct batch *indexed(struct buffer *r)
{
    struct batch_report report;
    struct batch *b = batch_from_request(buffer_bytes(r), &report);
    buffer_free(r);
    return b;
}

#endif
