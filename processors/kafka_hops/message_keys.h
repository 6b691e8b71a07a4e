/* What an attribute's key says that its value is: the many spellings of messaging attributes. */
#ifndef TAILSPAN_PROCESSORS_KAFKA_HOPS_MESSAGE_KEYS_H
#define TAILSPAN_PROCESSORS_KAFKA_HOPS_MESSAGE_KEYS_H

#include "proto/word.h"

enum message_field {
    MESSAGE_FIELD_UNKNOWN,
    MESSAGE_FIELD_SYSTEM,
    MESSAGE_FIELD_TOPIC,
    MESSAGE_FIELD_PARTITION,
    MESSAGE_FIELD_OFFSET,
    MESSAGE_FIELD_KEY,
    MESSAGE_FIELD_ID,
    MESSAGE_FIELD_GROUP,
    MESSAGE_FIELD_OPERATION,
    MESSAGE_FIELD_OPERATION_TYPE,
    MESSAGE_FIELD_CLUSTER,
    MESSAGE_FIELD_ADDRESSES,
    MESSAGE_FIELD_HEADER,
};

enum { MESSAGE_HEADER_PREFIX = sizeof "messaging.header." - 1 };

enum message_field message_field_of(struct bytes key);

/* The keys of the span that was read last, by position: spans of one place write the same ones in
 * the same order, so as a rule a key is only compared. Zeroed: none. One thread at a time. */
enum { MESSAGE_KEYS = 24, MESSAGE_KEY_MAX = 46 };

struct message_key {
    uint8_t len; /* 0: none */
    uint8_t field;
    uint8_t text[MESSAGE_KEY_MAX];
};

struct message_keys {
    struct message_key items[MESSAGE_KEYS];
};

/* The same for the key at this position of a span. */
static inline enum message_field message_keys_field(struct message_keys *keys, unsigned position,
                                                    struct bytes key)
{
    if (position >= MESSAGE_KEYS || key.len == 0 || key.len > MESSAGE_KEY_MAX)
        return message_field_of(key);
    struct message_key *k = &keys->items[position];
    if (k->len == key.len && words_are_same(k->text, key.data, key.len))
        return (enum message_field)k->field;
    k->len = (uint8_t)key.len;
    k->field = (uint8_t)message_field_of(key);
    memcpy(k->text, key.data, key.len);
    return (enum message_field)k->field;
}

#endif
