/* Reading messages in place.
 *
 * Repeated fields are walked; of a field that may occur once and was sent twice the last counts, as
 * everywhere in protobuf. An AnyValue is a oneof, so there the last member counts. */
#include "proto/attribute.h"

#include "proto/wire.h"

void attribute_begin(struct attribute_iterator *it, struct bytes message, uint32_t field)
{
    it->at = message.data;
    it->end = wire_end(message);
    it->field = field;
}

/* Takes the member of an AnyValue over into `v`. */
static void value_member(const struct wire_field *f, struct value *v)
{
    switch (f->tag) {
    case WIRE_TAG(1, WIRE_LENGTH):
        *v = (struct value){.type = VALUE_STRING, .bytes = f->bytes};
        break;
    case WIRE_TAG(2, WIRE_VARINT):
        *v = (struct value){.type = VALUE_BOOL, .boolean = f->integer != 0};
        break;
    case WIRE_TAG(3, WIRE_VARINT):
        *v = (struct value){.type = VALUE_INT, .integer = (int64_t)f->integer};
        break;
    case WIRE_TAG(4, WIRE_FIXED64):
        *v = (struct value){.type = VALUE_DOUBLE};
        memcpy(&v->real, &f->integer, sizeof v->real);
        break;
    case WIRE_TAG(5, WIRE_LENGTH):
        *v = (struct value){.type = VALUE_ARRAY, .bytes = f->bytes};
        break;
    case WIRE_TAG(6, WIRE_LENGTH):
        *v = (struct value){.type = VALUE_MAP, .bytes = f->bytes};
        break;
    case WIRE_TAG(7, WIRE_LENGTH):
        *v = (struct value){.type = VALUE_BYTES, .bytes = f->bytes};
        break;
    }
}

/* An AnyValue's body into `v`, which keeps what it has when the body sets nothing. */
static bool value_read(struct bytes body, struct value *v)
{
    const uint8_t *at = body.data;
    const uint8_t *end = wire_end(body);
    struct wire_field f;
    while (at < end) {
        at = wire_field(at, end, &f);
        if (wire_unlikely(!at))
            return false;
        value_member(&f, v);
    }
    return true;
}

static bool key_value_read(struct bytes body, struct attribute *a)
{
    const uint8_t *at = body.data;
    const uint8_t *end = wire_end(body);
    struct wire_field f;
    a->key = bytes_of(NULL, 0);
    a->value = (struct value){.type = VALUE_EMPTY};
    a->key_value = body;
    while (at < end) {
        at = wire_field(at, end, &f);
        if (wire_unlikely(!at))
            return false;
        if (f.tag == WIRE_TAG(1, WIRE_LENGTH))
            a->key = f.bytes;
        else if (f.tag == WIRE_TAG(2, WIRE_LENGTH) && !value_read(f.bytes, &a->value))
            return false;
    }
    return true;
}

/* The next length-delimited field with this number; false at the end. */
static bool next_message(const uint8_t **at, const uint8_t *end, uint32_t number,
                         struct wire_field *f)
{
    uint32_t wanted = WIRE_TAG(number, WIRE_LENGTH);
    while (*at < end) {
        const uint8_t *next = wire_field(*at, end, f);
        if (wire_unlikely(!next)) {
            *at = end;
            return false;
        }
        *at = next;
        if (f->tag == wanted)
            return true;
    }
    return false;
}

bool attribute_next(struct attribute_iterator *it, struct attribute *a)
{
    struct wire_field f;
    if (!next_message(&it->at, it->end, it->field, &f))
        return false;
    a->framed = f.framed;
    if (wire_likely(key_value_read(f.bytes, a)))
        return true;
    it->at = it->end;
    return false;
}

/* Whether a KeyValue's body may have this key: true unless its only key is a different one. */
static inline bool key_matches(struct bytes body, struct bytes key)
{
    if (wire_likely(body.len >= 2 && body.data[0] == WIRE_TAG(1, WIRE_LENGTH) &&
                    body.data[1] < 0x80)) {
        size_t len = body.data[1];
        /* followed by the value at once, so no second key in front of it */
        if (len + 2 < body.len && body.data[len + 2] == WIRE_TAG(2, WIRE_LENGTH))
            return bytes_equal(bytes_of(body.data + 2, len), key);
    }
    return true;
}

bool attribute_find(struct bytes message, uint32_t field, struct bytes key, struct attribute *a)
{
    const uint8_t *at = message.data;
    const uint8_t *end = wire_end(message);
    bool found = false;
    struct wire_field f;
    struct attribute candidate;
    while (next_message(&at, end, field, &f)) {
        if (!key_matches(f.bytes, key) || !key_value_read(f.bytes, &candidate) ||
            !bytes_equal(candidate.key, key))
            continue;
        *a = candidate;
        a->framed = f.framed;
        found = true;
    }
    return found;
}

void value_begin(struct value_iterator *it, struct bytes array)
{
    it->at = array.data;
    it->end = wire_end(array);
}

bool value_next(struct value_iterator *it, struct value *v)
{
    struct wire_field f;
    if (!next_message(&it->at, it->end, 1, &f))
        return false;
    *v = (struct value){.type = VALUE_EMPTY};
    if (wire_likely(value_read(f.bytes, v)))
        return true;
    it->at = it->end;
    return false;
}

void span_events_begin(struct span_cursor *c, struct bytes span)
{
    c->at = span.data;
    c->end = wire_end(span);
}

bool event_next(struct span_cursor *c, struct event_view *e)
{
    struct wire_field f;
    if (!next_message(&c->at, c->end, 11, &f))
        return false;
    *e = (struct event_view){.message = f.bytes};
    const uint8_t *at = f.bytes.data;
    const uint8_t *end = wire_end(f.bytes);
    while (at < end && (at = wire_field(at, end, &f))) {
        if (f.tag == WIRE_TAG(1, WIRE_FIXED64))
            e->time_ns = f.integer;
        else if (f.tag == WIRE_TAG(2, WIRE_LENGTH))
            e->name = f.bytes;
    }
    return true;
}

void span_links_begin(struct span_cursor *c, struct bytes span)
{
    span_events_begin(c, span);
}

bool link_next(struct span_cursor *c, struct link_view *l)
{
    struct wire_field f;
    if (!next_message(&c->at, c->end, 13, &f))
        return false;
    *l = (struct link_view){.message = f.bytes};
    const uint8_t *at = f.bytes.data;
    const uint8_t *end = wire_end(f.bytes);
    while (at < end && (at = wire_field(at, end, &f))) {
        switch (f.tag) {
        case WIRE_TAG(1, WIRE_LENGTH):
            l->trace_id = f.bytes;
            break;
        case WIRE_TAG(2, WIRE_LENGTH):
            l->span_id = f.bytes;
            break;
        case WIRE_TAG(3, WIRE_LENGTH):
            l->trace_state = f.bytes;
            break;
        case WIRE_TAG(6, WIRE_FIXED32):
            l->flags = (uint32_t)f.integer;
            break;
        }
    }
    return true;
}

/* The last occurrence of a string or bytes field. */
static struct bytes last_bytes(struct bytes message, uint32_t number)
{
    const uint8_t *at = message.data;
    const uint8_t *end = wire_end(message);
    struct bytes found = {0};
    struct wire_field f;
    while (next_message(&at, end, number, &f))
        found = f.bytes;
    return found;
}

struct bytes span_trace_state(struct bytes span)
{
    return last_bytes(span, 3);
}

struct bytes span_status_message(struct bytes span)
{
    const uint8_t *at = span.data;
    const uint8_t *end = wire_end(span);
    struct bytes found = {0};
    struct wire_field status, f;
    while (next_message(&at, end, 15, &status)) {
        const uint8_t *in = status.bytes.data;
        while (next_message(&in, wire_end(status.bytes), 2, &f))
            found = f.bytes;
    }
    return found;
}

struct bytes scope_name(struct bytes scope)
{
    return last_bytes(scope, 1);
}

struct bytes scope_version(struct bytes scope)
{
    return last_bytes(scope, 2);
}
