/* Reading a KeyValue as nearly all are written, inline: for walks over all attributes of all spans,
 * where a call for each would cost as much as the reading. */
#ifndef TAILSPAN_PROTO_ATTRIBUTE_PLAIN_H
#define TAILSPAN_PROTO_ATTRIBUTE_PLAIN_H

#include "proto/attribute.h"
#include "proto/wire.h"

/* A key, then a string or an integer, all lengths below 128. False: it is written in another way,
 * and attribute_read() has to see it. Sets the key and the value, nothing else. */
static inline bool attribute_read_plain(struct bytes key_value, struct attribute *a)
{
    const uint8_t *at = key_value.data;
    if (key_value.len < 6 || at[0] != WIRE_TAG(1, WIRE_LENGTH) || at[1] >= 0x80)
        return false;
    size_t key_len = at[1];
    size_t text_len = key_value.len - key_len - 6;
    if (text_len >= 0x7e) /* or negative */
        return false;
    const uint8_t *value = at + 2 + key_len;
    if (value[0] != WIRE_TAG(2, WIRE_LENGTH) || value[1] != text_len + 2)
        return false;
    a->key = bytes_of(at + 2, key_len);
    if (wire_likely(value[2] == WIRE_TAG(1, WIRE_LENGTH) && value[3] == text_len)) {
        a->value.type = VALUE_STRING;
        a->value.bytes = bytes_of(value + 4, text_len);
        a->value.integer = 0;
        return true;
    }
    uint64_t v = 0;
    const uint8_t *end = key_value.data + key_value.len;
    if (value[2] != WIRE_TAG(3, WIRE_VARINT) || wire_varint(value + 3, end, &v) != end)
        return false;
    a->value.type = VALUE_INT;
    a->value.bytes = bytes_of(NULL, 0);
    a->value.integer = (int64_t)v;
    return true;
}

#endif
