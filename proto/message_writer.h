/* Writing protobuf messages into a growing buffer, nested ones included, front to back: the length
 * of a nested message is put before it when it is done. For messages that are made anew; spans are
 * framed around bytes that exist (frame.h). Failure is the buffer's. */
#ifndef TAILSPAN_PROTO_MESSAGE_WRITER_H
#define TAILSPAN_PROTO_MESSAGE_WRITER_H

#include "proto/buffer.h"
#include "proto/wire.h"

static inline void message_varint(struct buffer *b, uint64_t v)
{
    uint8_t *at = buffer_reserve(b, WIRE_MAX_VARINT);
    if (!at)
        return;
    struct wire_writer w = wire_writer(at, WIRE_MAX_VARINT);
    wire_put_varint(&w, v);
    b->len += (size_t)(w.at - at);
}

static inline void message_integer(struct buffer *b, uint32_t number, uint64_t v)
{
    message_varint(b, WIRE_TAG(number, WIRE_VARINT));
    message_varint(b, v);
}

/* sint32 and sint64 as a bare varint. */
static inline uint64_t message_zigzag(int64_t v)
{
    return (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0);
}

static inline void message_signed(struct buffer *b, uint32_t number, int64_t v)
{
    message_integer(b, number, message_zigzag(v));
}

static inline void message_fixed64(struct buffer *b, uint32_t number, uint64_t v)
{
    enum { ROOM = 5 + 8 };
    uint8_t *at = buffer_reserve(b, ROOM);
    if (!at)
        return;
    struct wire_writer w = wire_writer(at, ROOM);
    wire_put_fixed64(&w, number, v);
    b->len += (size_t)(w.at - at);
}

static inline void message_double(struct buffer *b, uint32_t number, double d)
{
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    message_fixed64(b, number, bits);
}

static inline void message_bytes(struct buffer *b, uint32_t number, struct bytes content)
{
    uint8_t *at = buffer_reserve(b, WIRE_MAX_FRAME + content.len);
    if (!at)
        return;
    struct wire_writer w = wire_writer(at, WIRE_MAX_FRAME + content.len);
    wire_put_bytes(&w, number, content);
    b->len += (size_t)(w.at - at);
}

/* Begins a nested message or a packed list; returns what message_end() wants. */
static inline size_t message_begin(struct buffer *b, uint32_t number)
{
    message_varint(b, WIRE_TAG(number, WIRE_LENGTH));
    buffer_append_byte(b, 0); /* where short lengths, nearly all of them, fit */
    return b->len;
}

static inline void message_end(struct buffer *b, size_t begin)
{
    if (b->failed)
        return;
    size_t len = b->len - begin;
    size_t more = wire_varint_size(len) - 1;
    if (more > 0) {
        if (!buffer_reserve(b, more))
            return;
        memmove(b->data + begin + more, b->data + begin, len);
        b->len += more;
    }
    struct wire_writer w = wire_writer(b->data + begin - 1, more + 1);
    wire_put_varint(&w, len);
}

#endif
