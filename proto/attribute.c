/* Reading messages in place.
 *
 * Repeated fields are walked; of a field that may occur once and was sent twice the last counts, as
 * everywhere in protobuf. An AnyValue is a oneof, so there the last member counts. */
#include "proto/attribute.h"

#include "proto/attribute_plain.h"
#include "proto/otlp_fields.h"

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

__attribute__((noinline)) static bool any_read(struct bytes body, struct attribute *a)
{
    const uint8_t *at = body.data;
    const uint8_t *end = wire_end(body);
    struct wire_field f;
    a->key = bytes_of(NULL, 0);
    a->value = (struct value){.type = VALUE_EMPTY};
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

static inline bool key_value_read(struct bytes body, struct attribute *a)
{
    a->key_value = body;
    return wire_likely(attribute_read_plain(body, a)) || any_read(body, a);
}

bool attribute_read(struct bytes key_value, struct attribute *a)
{
    return key_value_read(key_value, a);
}

bool attribute_next(struct attribute_iterator *it, struct attribute *a)
{
    struct wire_part m;
    if (!wire_next(&it->at, it->end, it->field, &m))
        return false;
    a->framed = m.framed;
    if (wire_likely(key_value_read(m.bytes, a)))
        return true;
    it->at = it->end;
    return false;
}

struct bytes attribute_key(struct bytes key_value)
{
    const uint8_t *at = key_value.data;
    const uint8_t *end = wire_end(key_value);
    struct bytes key = {0};
    struct wire_part m;
    if (wire_likely(key_value.len >= 4 && at[0] == WIRE_TAG(1, WIRE_LENGTH) && at[1] < 0x80)) {
        size_t len = at[1];
        /* the value follows and is the last field */
        if (wire_likely(len + 4 <= key_value.len && at[len + 2] == WIRE_TAG(2, WIRE_LENGTH) &&
                        at[len + 3] < 0x80 && len + 4 + at[len + 3] == key_value.len))
            return bytes_of(at + 2, len);
    }
    while (wire_next(&at, end, 1, &m))
        key = m.bytes;
    return key;
}

bool attribute_find(struct bytes message, uint32_t field, struct bytes key, struct attribute *a)
{
    const uint8_t *at = message.data;
    const uint8_t *end = wire_end(message);
    struct wire_part m, last = {0};
    while (wire_next(&at, end, field, &m)) {
        if (bytes_equal(attribute_key(m.bytes), key))
            last = m;
    }
    a->framed = last.framed;
    return last.framed.len > 0 && key_value_read(last.bytes, a);
}

void value_begin(struct value_iterator *it, struct bytes array)
{
    it->at = array.data;
    it->end = wire_end(array);
}

bool value_next(struct value_iterator *it, struct value *v)
{
    struct wire_part m;
    if (!wire_next(&it->at, it->end, 1, &m))
        return false;
    *v = (struct value){.type = VALUE_EMPTY};
    if (wire_likely(value_read(m.bytes, v)))
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
    struct wire_part m;
    struct wire_field f;
    if (!wire_next(&c->at, c->end, SPAN_EVENTS, &m))
        return false;
    *e = (struct event_view){.message = m.bytes};
    const uint8_t *at = m.bytes.data;
    const uint8_t *end = wire_end(m.bytes);
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
    struct wire_part m;
    struct wire_field f;
    if (!wire_next(&c->at, c->end, SPAN_LINKS, &m))
        return false;
    *l = (struct link_view){.message = m.bytes};
    const uint8_t *at = m.bytes.data;
    const uint8_t *end = wire_end(m.bytes);
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
    struct wire_part m;
    while (wire_next(&at, end, number, &m))
        found = m.bytes;
    return found;
}

struct bytes span_trace_state(struct bytes span)
{
    return last_bytes(span, SPAN_TRACE_STATE);
}

struct bytes span_status_message(struct bytes span)
{
    const uint8_t *at = span.data;
    const uint8_t *end = wire_end(span);
    struct bytes found = {0};
    struct wire_part status, text;
    while (wire_next(&at, end, SPAN_STATUS, &status)) {
        const uint8_t *in = status.bytes.data;
        while (wire_next(&in, wire_end(status.bytes), STATUS_MESSAGE, &text))
            found = text.bytes;
    }
    return found;
}

struct bytes scope_name(struct bytes scope)
{
    return last_bytes(scope, SCOPE_NAME);
}

struct bytes scope_version(struct bytes scope)
{
    return last_bytes(scope, SCOPE_VERSION);
}
