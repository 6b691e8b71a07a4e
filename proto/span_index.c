/* Indexing one span: the collector's hottest code.
 *
 * What nearly every span consists of (one-byte tags, short lengths, attributes that are strings or
 * small integers) is decided inline, attribute after attribute without a call; whatever looks
 * different is left to the table in schema.c, so speed never decides what is well-formed. An
 * attribute's successor depends on its length byte alone, which lets the processor check several at
 * a time. */
#include "proto/span_index.h"

#include "proto/schema.h"
#include "proto/wire.h"

#define DEPTH_SPAN       4
#define DEPTH_SPAN_FIELD 5 /* attributes, events, links, status */

/* Whether an AnyValue is a string, a bool, an integer, a double or bytes, and nothing else. */
static inline bool plain_value(const uint8_t *at, const uint8_t *end)
{
    size_t len = (size_t)(end - at);
    if (wire_unlikely(len < 2))
        return len == 0;
    switch (*at) {
    case WIRE_TAG(1, WIRE_LENGTH):
    case WIRE_TAG(7, WIRE_LENGTH):
        at = wire_length(at + 1, end, &len);
        return at && at + len == end;
    case WIRE_TAG(2, WIRE_VARINT):
    case WIRE_TAG(3, WIRE_VARINT):
        return at[1] < 0x80 ? len == 2 : len == 3 && at[2] < 0x80;
    case WIRE_TAG(4, WIRE_FIXED64):
        return len == 9;
    }
    return false;
}

/* A KeyValue at `at`, behind its tag: NULL when malformed, else where the next field begins. */
static inline const uint8_t *key_value(const uint8_t *at, const uint8_t *end, unsigned depth)
{
    size_t len, key_len, value_len;
    const uint8_t *body = wire_length(at, end, &len);
    if (wire_unlikely(!body))
        return NULL;
    end = body + len;
    if (wire_likely(len >= 4 && body[0] == WIRE_TAG(1, WIRE_LENGTH) && body[1] < 0x80)) {
        key_len = body[1];
        const uint8_t *value = body + 2 + key_len;
        if (wire_likely(key_len + 4 <= len && value[0] == WIRE_TAG(2, WIRE_LENGTH))) {
            value = wire_length(value + 1, end, &value_len);
            if (wire_likely(value && value + value_len == end && plain_value(value, end)))
                return end;
        }
    }
    return schema_check(SCHEMA_KEY_VALUE, bytes_of(body, len), depth) ? end : NULL;
}

/* A message at `at`, behind its tag, checked by table. */
static const uint8_t *checked(const uint8_t *at, const uint8_t *end, enum schema_message type,
                              unsigned depth, struct bytes *body)
{
    size_t len;
    at = wire_length(at, end, &len);
    if (!at || !schema_check(type, bytes_of(at, len), depth))
        return NULL;
    *body = bytes_of(at, len);
    return at + len;
}

static const uint8_t *event(const uint8_t *at, const uint8_t *end)
{
    size_t len;
    at = wire_length(at, end, &len);
    if (!at)
        return NULL;
    const uint8_t *body = at;
    end = at + len;
    while (at < end) {
        if (*at == WIRE_TAG(1, WIRE_FIXED64) && end - at >= 9) {
            at += 9;
        } else if (*at == WIRE_TAG(2, WIRE_LENGTH)) {
            size_t name_len;
            at = wire_length(at + 1, end, &name_len);
            if (!at)
                return NULL;
            at += name_len;
        } else if (*at == WIRE_TAG(3, WIRE_LENGTH)) {
            at = key_value(at + 1, end, DEPTH_SPAN_FIELD + 1);
            if (!at)
                return NULL;
        } else {
            return schema_check(SCHEMA_EVENT, bytes_of(body, len), DEPTH_SPAN_FIELD) ? end : NULL;
        }
    }
    return end;
}

/* Lengths of the ids as they came last; the view has room for the right ones only. */
struct id_lengths {
    size_t trace;
    size_t span;
    size_t parent;
};

static inline const uint8_t *id(const uint8_t *at, const uint8_t *end, uint8_t *out, size_t wanted,
                                size_t *len)
{
    at = wire_length(at, end, len);
    if (wire_unlikely(!at))
        return NULL;
    if (wire_likely(*len == wanted))
        memcpy(out, at, wanted);
    else
        memset(out, 0, wanted);
    return at + *len;
}

static const uint8_t *status(struct span_view *s, const uint8_t *at, const uint8_t *end)
{
    struct bytes body;
    const uint8_t *next = checked(at, end, SCHEMA_STATUS, DEPTH_SPAN_FIELD, &body);
    if (!next)
        return NULL;
    const uint8_t *body_end = body.data + body.len;
    struct wire_field f;
    for (at = body.data; at < body_end && (at = wire_field(at, body_end, &f));) {
        if (f.tag == WIRE_TAG(3, WIRE_VARINT))
            s->status_code = (uint32_t)f.integer <= 2 ? (uint8_t)f.integer : 0;
    }
    return next;
}

static const uint8_t *name(struct span_view *s, const uint8_t *at, const uint8_t *end)
{
    size_t len;
    at = wire_length(at, end, &len);
    if (!at)
        return NULL;
    s->name_offset = (uint32_t)(at - s->data);
    s->name_len = (uint32_t)len;
    return at + len;
}

/* Any field of a Span that the loop in span_fields() does not know by its tag byte. */
static const uint8_t *other_field(struct span_view *s, const uint8_t *at, const uint8_t *end,
                                  struct id_lengths *ids)
{
    uint32_t tag;
    uint64_t v;
    const uint8_t *field = at;
    at = wire_tag(at, end, &tag);
    if (!at)
        return NULL;
    switch (tag) {
    case WIRE_TAG(1, WIRE_LENGTH):
        return id(at, end, s->trace_id, sizeof s->trace_id, &ids->trace);
    case WIRE_TAG(2, WIRE_LENGTH):
        return id(at, end, s->span_id, sizeof s->span_id, &ids->span);
    case WIRE_TAG(4, WIRE_LENGTH):
        return id(at, end, s->parent_span_id, sizeof s->parent_span_id, &ids->parent);
    case WIRE_TAG(5, WIRE_LENGTH):
        return name(s, at, end);
    case WIRE_TAG(6, WIRE_VARINT):
        at = wire_varint(at, end, &v);
        s->kind = at && (uint32_t)v <= 5 ? (uint8_t)v : 0;
        return at;
    case WIRE_TAG(7, WIRE_FIXED64):
    case WIRE_TAG(8, WIRE_FIXED64):
        if (end - at < 8)
            return NULL;
        *(wire_number(tag) == 7 ? &s->start_ns : &s->end_ns) = wire_load64(at);
        return at + 8;
    case WIRE_TAG(15, WIRE_LENGTH):
        return status(s, at, end);
    case WIRE_TAG(16, WIRE_FIXED32):
        if (end - at < 4)
            return NULL;
        s->flags = wire_load32(at);
        return at + 4;
    }
    at = wire_skip(at, end, wire_type(tag));
    if (!at || !schema_check(SCHEMA_SPAN, bytes_of(field, (size_t)(at - field)), DEPTH_SPAN))
        return NULL;
    return at;
}

/* Walks a Span's fields into the view. False: malformed. */
static bool span_fields(struct span_view *s, const uint8_t *at, const uint8_t *end,
                        struct id_lengths *ids)
{
    while (at < end) {
        switch (*at) {
        case WIRE_TAG(1, WIRE_LENGTH):
            at = id(at + 1, end, s->trace_id, sizeof s->trace_id, &ids->trace);
            break;
        case WIRE_TAG(2, WIRE_LENGTH):
            at = id(at + 1, end, s->span_id, sizeof s->span_id, &ids->span);
            break;
        case WIRE_TAG(4, WIRE_LENGTH):
            at = id(at + 1, end, s->parent_span_id, sizeof s->parent_span_id, &ids->parent);
            break;
        case WIRE_TAG(5, WIRE_LENGTH):
            at = name(s, at + 1, end);
            break;
        case WIRE_TAG(9, WIRE_LENGTH):
            do
                at = key_value(at + 1, end, DEPTH_SPAN_FIELD);
            while (at && at < end && *at == WIRE_TAG(9, WIRE_LENGTH));
            break;
        case WIRE_TAG(11, WIRE_LENGTH):
            at = event(at + 1, end);
            break;
        default:
            at = other_field(s, at, end, ids);
        }
        if (wire_unlikely(!at))
            return false;
    }
    return true;
}

bool span_index(struct span_view *s, bool *identified)
{
    struct id_lengths ids = {0};
    if (!span_fields(s, s->data, s->data + s->len, &ids))
        return false;
    *identified = ids.trace == sizeof s->trace_id && ids.span == sizeof s->span_id &&
                  (ids.parent == 0 || ids.parent == sizeof s->parent_span_id) &&
                  (wire_load64(s->trace_id) | wire_load64(s->trace_id + 8)) != 0 &&
                  wire_load64(s->span_id) != 0;
    return true;
}
