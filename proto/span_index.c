/* Indexing one span: the collector's hottest code.
 *
 * What nearly every span consists of (one-byte tags, short lengths, attributes that are strings or
 * small integers) is decided inline, attribute after attribute without a call; whatever looks
 * different is left to the table in schema.c, so speed never decides what is well-formed. An
 * attribute's successor depends on its length byte alone, which lets the processor check several at
 * a time. */
#include "proto/span_index.h"

#include "proto/attribute.h"
#include "proto/otlp_fields.h"
#include "proto/schema.h"
#include "proto/wire.h"

#define DEPTH_SPAN       4
#define DEPTH_SPAN_FIELD 5 /* attributes, events, links, status */

/* Whether [at, end), where there is at least one byte, is a string or an integer and no more. */
static bool is_plain_value(const uint8_t *at, const uint8_t *end)
{
    uint64_t v;
    size_t len;
    if (*at == WIRE_TAG(1, WIRE_LENGTH)) {
        at = wire_length(at + 1, end, &len);
        return at && at + len == end;
    }
    return *at == WIRE_TAG(3, WIRE_VARINT) && wire_varint(at + 1, end, &v) == end;
}

/* A KeyValue at `at`, behind its tag, of any form and length. NULL: malformed. */
__attribute__((noinline)) static const uint8_t *key_value(const uint8_t *at, const uint8_t *end,
                                                          unsigned depth)
{
    size_t len, part;
    const uint8_t *body = wire_length(at, end, &len);
    if (!body)
        return NULL;
    end = body + len;
    at = body;
    if (at < end && *at == WIRE_TAG(1, WIRE_LENGTH) && (at = wire_length(at + 1, end, &part)) &&
        (at += part) < end && *at == WIRE_TAG(2, WIRE_LENGTH) &&
        (at = wire_length(at + 1, end, &part)) && part > 0 && at + part == end &&
        is_plain_value(at, end))
        return end;
    return schema_check(SCHEMA_KEY_VALUE, bytes_of(body, len), depth) ? end : NULL;
}

/* Whether the `len` bytes at `at`, of which 8 can be read, are one varint and no more: all but the
 * last have their high bit set. Without branches, as the lengths of integers are hard to predict.
 */
static inline bool is_varint(const uint8_t *at, size_t len)
{
    if (wire_unlikely(len - 1 > 7))
        return false;
    uint64_t mask = 0x8080808080808080U >> (8 * (8 - len));
    return (wire_load64(at) & mask) == mask >> 8;
}

/* Walks over attributes for as long as each is a key, then a string or an integer, with lengths
 * below 128, and stops before the first that is not. At least PLAIN_MAX bytes can be read from
 * anywhere before `end`.
 *
 * Four bytes are compared at once. A KeyValue begins with its tag and length and the key's tag and
 * length. Behind the key come the value's tag and length and in it the string's, and both lengths
 * follow from the first two. */
#define PLAIN_MAX 144

static inline const uint8_t *plain_attributes(const uint8_t *at, const uint8_t *end, uint8_t tag)
{
    const uint32_t mask = 0x80ff80ff;
    const uint32_t begin = tag | WIRE_TAG(1, WIRE_LENGTH) << 16;
    const uint32_t string = WIRE_TAG(2, WIRE_LENGTH) | WIRE_TAG(1, WIRE_LENGTH) << 16;
    const uint32_t integer = WIRE_TAG(2, WIRE_LENGTH) | WIRE_TAG(3, WIRE_VARINT) << 16;
    for (;;) {
        uint32_t head = wire_load32(at);
        if ((head & mask) != begin)
            return at;
        size_t len = at[1]; /* loaded by itself: the walk waits for nothing else */
        size_t key_len = at[3];
        uint32_t text_len = (uint32_t)(len - key_len - 6); /* when it is a string */
        const uint8_t *next = at + 2 + len;
        if (text_len > 0x7f || next > end)
            return at;
        const uint8_t *value = at + 4 + key_len;
        uint32_t found = wire_load32(value);
        if (wire_likely(found == string + text_len * 0x01000100 + 0x200)) {
            at = next;
            continue;
        }
        if ((found & 0xffffff) != integer + text_len * 0x100 + 0x200 ||
            !is_varint(value + 3, text_len + 1))
            return at;
        at = next;
    }
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

__attribute__((noinline)) static const uint8_t *event(const uint8_t *at, const uint8_t *end)
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

__attribute__((noinline)) static const uint8_t *status(struct span_view *s, const uint8_t *at,
                                                       const uint8_t *end)
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

static inline const uint8_t *fixed64(const uint8_t *at, const uint8_t *end, uint64_t *out)
{
    if (wire_unlikely(end - at < 8))
        return NULL;
    *out = wire_load64(at);
    return at + 8;
}

static inline const uint8_t *kind(struct span_view *s, const uint8_t *at, const uint8_t *end)
{
    uint64_t v;
    at = wire_varint(at, end, &v);
    if (at)
        s->kind = (uint32_t)v <= 5 ? (uint8_t)v : 0;
    return at;
}

/* A field of a Span; `at` is behind its tag. */
static inline const uint8_t *field(struct span_view *s, uint32_t tag, const uint8_t *tag_at,
                                   const uint8_t *at, const uint8_t *end, struct id_lengths *ids)
{
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
        return kind(s, at, end);
    case WIRE_TAG(7, WIRE_FIXED64):
        return fixed64(at, end, &s->start_ns);
    case WIRE_TAG(8, WIRE_FIXED64):
        return fixed64(at, end, &s->end_ns);
    case WIRE_TAG(9, WIRE_LENGTH):
        return key_value(at, end, DEPTH_SPAN_FIELD);
    case WIRE_TAG(11, WIRE_LENGTH):
        return event(at, end);
    case WIRE_TAG(15, WIRE_LENGTH):
        return status(s, at, end);
    case WIRE_TAG(16, WIRE_FIXED32):
        if (end - at < 4)
            return NULL;
        s->flags = wire_load32(at);
        return at + 4;
    case WIRE_TAG(SPAN_TRACE_STATE, WIRE_LENGTH):
        s->trace_state = true;
        break;
    }
    at = wire_skip(at, end, wire_type(tag));
    if (!at || !schema_check(SCHEMA_SPAN, bytes_of(tag_at, (size_t)(at - tag_at)), DEPTH_SPAN))
        return NULL;
    return at;
}

static inline uint16_t load16(const uint8_t *at)
{
    uint16_t v;
    memcpy(&v, at, sizeof v);
    return le16toh(v);
}

/* A tag byte and the length byte behind it, as load16() sees them. */
static inline uint32_t tag_and_length(uint32_t tag, size_t len)
{
    return tag | (uint32_t)len << 8;
}

/* The ids as nearly everybody writes them: first, in order, of the right length. */
static inline const uint8_t *usual_ids(struct span_view *s, const uint8_t *at, const uint8_t *end,
                                       struct id_lengths *ids)
{
    if (end - at < 38 || load16(at) != tag_and_length(WIRE_TAG(1, WIRE_LENGTH), 16) ||
        load16(at + 18) != tag_and_length(WIRE_TAG(2, WIRE_LENGTH), 8))
        return at;
    memcpy(s->trace_id, at + 2, 16);
    memcpy(s->span_id, at + 20, 8);
    ids->trace = 16;
    ids->span = 8;
    at += 28;
    if (load16(at) != tag_and_length(WIRE_TAG(4, WIRE_LENGTH), 8))
        return at;
    memcpy(s->parent_span_id, at + 2, 8);
    ids->parent = 8;
    return at + 10;
}

/* Walks a Span's fields into the view. False: malformed. */
static bool span_fields(struct span_view *s, const uint8_t *end, bool far, struct id_lengths *ids)
{
    const uint8_t *at = usual_ids(s, s->data, end, ids);
    while (at < end) {
        uint32_t tag;
        const uint8_t *tag_at = at;
        if (*at == WIRE_TAG(SPAN_ATTRIBUTES, WIRE_LENGTH) && far) {
            at = plain_attributes(at, end, WIRE_TAG(SPAN_ATTRIBUTES, WIRE_LENGTH));
            if (at != tag_at)
                continue;
        }
        at = wire_tag(at, end, &tag);
        if (wire_unlikely(!at))
            return false;
        at = field(s, tag, tag_at, at, end, ids);
        if (wire_unlikely(!at))
            return false;
    }
    return true;
}

bool span_index(struct span_view *s, const uint8_t *readable, bool *identified)
{
    struct id_lengths ids = {0};
    const uint8_t *end = s->data + s->len;
    if (!span_fields(s, end, readable - end >= PLAIN_MAX, &ids))
        return false;
    *identified = ids.trace == sizeof s->trace_id && ids.span == sizeof s->span_id &&
                  (ids.parent == 0 || ids.parent == sizeof s->parent_span_id) &&
                  (wire_load64(s->trace_id) | wire_load64(s->trace_id + 8)) != 0 &&
                  wire_load64(s->span_id) != 0;
    return true;
}
