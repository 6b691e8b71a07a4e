/* The writing half of attribute.c. */
#include "proto/attribute_writer.h"

/* Field numbers of AnyValue's members, by value_type; 0 for VALUE_EMPTY. */
static const uint8_t member[] = {0, 1, 2, 3, 4, 5, 6, 7};

size_t value_size(const struct value *v)
{
    switch (v->type) {
    case VALUE_EMPTY:
        return 0;
    case VALUE_BOOL:
        return 2;
    case VALUE_INT:
        return 1 + wire_varint_size((uint64_t)v->integer);
    case VALUE_DOUBLE:
        return 9;
    case VALUE_STRING:
    case VALUE_ARRAY:
    case VALUE_MAP:
    case VALUE_BYTES:
        return wire_framed_size(member[v->type], v->bytes.len);
    }
    return 0;
}

void value_put(struct wire_writer *w, const struct value *v)
{
    switch (v->type) {
    case VALUE_EMPTY:
        break;
    case VALUE_BOOL:
        wire_put_integer(w, member[v->type], v->boolean);
        break;
    case VALUE_INT:
        wire_put_integer(w, member[v->type], (uint64_t)v->integer);
        break;
    case VALUE_DOUBLE:
        wire_put_double(w, member[v->type], v->real);
        break;
    case VALUE_STRING:
    case VALUE_ARRAY:
    case VALUE_MAP:
    case VALUE_BYTES:
        wire_put_bytes(w, member[v->type], v->bytes);
        break;
    }
}

size_t key_value_size(struct bytes key, const struct value *v)
{
    return wire_framed_size(1, key.len) + wire_framed_size(2, value_size(v));
}

void key_value_put(struct wire_writer *w, struct bytes key, const struct value *v)
{
    wire_put_bytes(w, 1, key);
    wire_put_frame(w, 2, value_size(v));
    value_put(w, v);
}

void attribute_append(struct buffer *b, uint32_t number, struct bytes key, const struct value *v)
{
    size_t len = key_value_size(key, v), size = wire_framed_size(number, len);
    uint8_t *at = buffer_reserve(b, size);
    if (!at)
        return;
    struct wire_writer w = wire_writer(at, size);
    wire_put_frame(&w, number, len);
    key_value_put(&w, key, v);
    b->len += size;
}
