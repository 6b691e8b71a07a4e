/* Reading and writing protobuf's wire format, bounded.
 *
 * Readers take a position and the end of what may be read and return the position behind what they
 * read, or NULL when the bytes are malformed; so a walk keeps its position in a register. They
 * never read at or behind `end`. One-byte tags and lengths, which is nearly all of them, are
 * decided inline.
 *
 * Stricter than protobuf where leniency would only help an attacker: groups are refused, tags and
 * lengths have at most five bytes and fit 32 and 31 bits. Source: protobuf.dev, "Encoding".
 *
 * The writer fills memory of the caller's. It never writes past its end; what did not fit is told
 * once, by `overflow`. */
#ifndef TAILSPAN_PROTO_WIRE_H
#define TAILSPAN_PROTO_WIRE_H

#include "proto/bytes.h"

#include <endian.h>

enum wire_type {
    WIRE_VARINT = 0,
    WIRE_FIXED64 = 1,
    WIRE_LENGTH = 2,
    WIRE_FIXED32 = 5,
};

#define WIRE_TAG(number, type)   ((uint32_t)(number) << 3 | (uint32_t)(type))
#define WIRE_MAX_VARINT          10
#define WIRE_MAX_FRAME           10 /* a tag and a length, five bytes each */
#define wire_likely(condition)   __builtin_expect(!!(condition), 1)
#define wire_unlikely(condition) __builtin_expect(!!(condition), 0)

/* Where a message ends; also of one that is not there, whose data may be NULL. */
static inline const uint8_t *wire_end(struct bytes message)
{
    return message.len > 0 ? message.data + message.len : message.data;
}

static inline uint32_t wire_number(uint32_t tag)
{
    return tag >> 3;
}

static inline enum wire_type wire_type(uint32_t tag)
{
    return (enum wire_type)(tag & 7);
}

static inline uint64_t wire_load64(const uint8_t *at)
{
    uint64_t v;
    memcpy(&v, at, sizeof v);
    return le64toh(v);
}

static inline uint32_t wire_load32(const uint8_t *at)
{
    uint32_t v;
    memcpy(&v, at, sizeof v);
    return le32toh(v);
}

/* A varint of up to `max` bytes. Bits above the 64th are dropped, as protobuf does. */
static inline const uint8_t *wire_long_varint(const uint8_t *at, const uint8_t *end, int max,
                                              uint64_t *out)
{
    uint64_t v = 0;
    for (int i = 0; i < max && at < end; i++) {
        uint8_t byte = *at++;
        v |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *out = v;
            return at;
        }
    }
    return NULL;
}

static inline const uint8_t *wire_varint(const uint8_t *at, const uint8_t *end, uint64_t *out)
{
    if (wire_likely(at < end && *at < 0x80)) {
        *out = *at;
        return at + 1;
    }
    return wire_long_varint(at, end, WIRE_MAX_VARINT, out);
}

/* A tag. Field number 0, numbers over 2^29 - 1, and wire types that do not exist or are groups are
 * malformed. */
static inline const uint8_t *wire_tag(const uint8_t *at, const uint8_t *end, uint32_t *tag)
{
    uint64_t v;
    if (wire_likely(at < end && *at < 0x80)) {
        v = *at++;
    } else {
        at = wire_long_varint(at, end, 5, &v);
        if (!at || v > UINT32_MAX)
            return NULL;
    }
    static const uint8_t allowed =
        1 << WIRE_VARINT | 1 << WIRE_FIXED64 | 1 << WIRE_LENGTH | 1 << WIRE_FIXED32;
    if (v < 8 || !(allowed >> (v & 7) & 1))
        return NULL;
    *tag = (uint32_t)v;
    return at;
}

/* A length; returns where its content begins. The content lies before `end`. */
static inline const uint8_t *wire_length(const uint8_t *at, const uint8_t *end, size_t *len)
{
    uint64_t v;
    if (wire_likely(at < end && *at < 0x80)) {
        v = *at++;
    } else if (wire_likely(end - at >= 2 && at[1] < 0x80)) {
        v = (uint64_t)(at[0] & 0x7f) | (uint64_t)at[1] << 7;
        at += 2;
    } else {
        at = wire_long_varint(at, end, 5, &v);
        if (!at)
            return NULL;
    }
    if (wire_unlikely(v > (size_t)(end - at)) || v > INT32_MAX)
        return NULL;
    *len = (size_t)v;
    return at;
}

/* Skips the value of a field with this wire type. */
static inline const uint8_t *wire_skip(const uint8_t *at, const uint8_t *end, enum wire_type type)
{
    uint64_t v;
    size_t len;
    switch (type) {
    case WIRE_VARINT:
        return wire_varint(at, end, &v);
    case WIRE_FIXED64:
        return end - at >= 8 ? at + 8 : NULL;
    case WIRE_FIXED32:
        return end - at >= 4 ? at + 4 : NULL;
    case WIRE_LENGTH:
        at = wire_length(at, end, &len);
        return at ? at + len : NULL;
    }
    return NULL;
}

/* For walks that pass over nearly all fields: behind the field at `at` when its tag and value are
 * short and it is not among the last bytes; else `at`. */
static inline const uint8_t *wire_pass_short(const uint8_t *at, const uint8_t *end)
{
    const uint8_t *next = at;
    if (wire_unlikely(end - at < 10))
        return at;
    switch (at[0] & 0x87) {
    case WIRE_VARINT:
        next = at[1] < 0x80 ? at + 2 : at;
        break;
    case WIRE_FIXED64:
        next = at + 9;
        break;
    case WIRE_LENGTH:
        next = at[1] < 0x80 ? at + 2 + at[1] : at;
        break;
    }
    return next <= end ? next : at;
}

/* One field, with whatever value it has. */
struct wire_field {
    uint32_t tag;
    uint64_t integer;    /* varint, fixed */
    struct bytes bytes;  /* length-delimited: the content */
    struct bytes framed; /* tag, length and value, as they stand */
};

/* Reads the field at `at`. A walk ends in `end`; NULL before that means malformed. */
static inline const uint8_t *wire_field(const uint8_t *at, const uint8_t *end, struct wire_field *f)
{
    f->framed.data = at;
    f->integer = 0;
    f->bytes = bytes_of(NULL, 0);
    at = wire_tag(at, end, &f->tag);
    if (!at)
        return NULL;
    const uint8_t *value = at;
    if (wire_type(f->tag) == WIRE_LENGTH) {
        at = wire_length(at, end, &f->bytes.len);
        if (!at)
            return NULL;
        f->bytes.data = at;
        at += f->bytes.len;
    } else if (wire_type(f->tag) == WIRE_VARINT) {
        at = wire_varint(at, end, &f->integer);
    } else {
        at = wire_skip(at, end, wire_type(f->tag));
        if (at)
            f->integer = at - value == 8 ? wire_load64(value) : wire_load32(value);
    }
    if (!at)
        return NULL;
    f->framed.len = (size_t)(at - f->framed.data);
    return at;
}

/* A length-delimited field: all of it, and its content. */
struct wire_part {
    struct bytes framed;
    struct bytes bytes;
};

/* Finds the next length-delimited field with this number at or behind `*cursor` and moves behind
 * it. False at the end, or where the bytes are malformed. */
static inline __attribute__((always_inline)) bool wire_next(const uint8_t **cursor,
                                                            const uint8_t *end, uint32_t number,
                                                            struct wire_part *p)
{
    const uint32_t wanted = WIRE_TAG(number, WIRE_LENGTH);
    const uint8_t *at = *cursor;
    while (at < end) {
        const uint8_t *field = at;
        uint32_t tag;
        size_t len;
        at = wire_tag(at, end, &tag);
        if (wire_unlikely(!at))
            break;
        if (tag != wanted) {
            at = wire_skip(at, end, wire_type(tag));
            if (wire_unlikely(!at))
                break;
            continue;
        }
        at = wire_length(at, end, &len);
        if (wire_unlikely(!at))
            break;
        p->bytes = bytes_of(at, len);
        *cursor = at + len;
        p->framed = bytes_of(field, (size_t)(*cursor - field));
        return true;
    }
    *cursor = end;
    return false;
}

static inline size_t wire_varint_size(uint64_t v)
{
    return ((size_t)(63 - __builtin_clzll(v | 1)) * 9 + 73) / 64;
}

/* Bytes of a length-delimited field of `len` bytes, tag and length included. */
static inline size_t wire_framed_size(uint32_t number, size_t len)
{
    return wire_varint_size(WIRE_TAG(number, WIRE_LENGTH)) + wire_varint_size(len) + len;
}

struct wire_writer {
    uint8_t *at;
    uint8_t *end;
    bool overflow;
};

static inline struct wire_writer wire_writer(uint8_t *memory, size_t len)
{
    return (struct wire_writer){.at = memory, .end = memory + len};
}

static inline bool wire_has_room(struct wire_writer *w, size_t len)
{
    if (wire_likely((size_t)(w->end - w->at) >= len))
        return true;
    w->overflow = true;
    w->end = w->at;
    return false;
}

static inline void wire_put_varint(struct wire_writer *w, uint64_t v)
{
    if (!wire_has_room(w, wire_varint_size(v)))
        return;
    while (v >= 0x80) {
        *w->at++ = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    *w->at++ = (uint8_t)v;
}

/* Bytes as they are, without a tag. */
static inline void wire_put_raw(struct wire_writer *w, struct bytes b)
{
    if (b.len == 0 || !wire_has_room(w, b.len))
        return;
    memcpy(w->at, b.data, b.len);
    w->at += b.len;
}

static inline void wire_put_integer(struct wire_writer *w, uint32_t number, uint64_t v)
{
    wire_put_varint(w, WIRE_TAG(number, WIRE_VARINT));
    wire_put_varint(w, v);
}

/* Tag and length only: the content follows. */
static inline void wire_put_frame(struct wire_writer *w, uint32_t number, size_t len)
{
    wire_put_varint(w, WIRE_TAG(number, WIRE_LENGTH));
    wire_put_varint(w, len);
}

static inline void wire_put_bytes(struct wire_writer *w, uint32_t number, struct bytes b)
{
    wire_put_frame(w, number, b.len);
    wire_put_raw(w, b);
}

static inline void wire_put_fixed64(struct wire_writer *w, uint32_t number, uint64_t v)
{
    wire_put_varint(w, WIRE_TAG(number, WIRE_FIXED64));
    v = htole64(v);
    wire_put_raw(w, bytes_of(&v, sizeof v));
}

static inline void wire_put_fixed32(struct wire_writer *w, uint32_t number, uint32_t v)
{
    wire_put_varint(w, WIRE_TAG(number, WIRE_FIXED32));
    v = htole32(v);
    wire_put_raw(w, bytes_of(&v, sizeof v));
}

static inline void wire_put_double(struct wire_writer *w, uint32_t number, double d)
{
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    wire_put_fixed64(w, number, bits);
}

#endif
