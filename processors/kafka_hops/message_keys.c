#include "processors/kafka_hops/message_keys.h"

static const char messaging[] = "messaging.";
static const char header[] = "header.";

enum { PREFIX = sizeof messaging - 1, HEADER_PREFIX = sizeof header - 1 };

static inline bool has_prefix(struct bytes text, const char *prefix, size_t len)
{
    return text.len > len && memcmp(text.data, prefix, len) == 0;
}

struct spelling {
    const char *text;
    uint8_t len; /* behind "messaging." */
    uint8_t field;
};

#define SPELLING(text_, field_)                                                                    \
    {                                                                                              \
        "messaging." text_, sizeof text_ - 1, field_                                               \
    }

/* By length, so that few are compared, the usual ones first. */
static const struct spelling spellings[] = {
    SPELLING("url", MESSAGE_FIELD_ADDRESSES),
    SPELLING("system", MESSAGE_FIELD_SYSTEM),
    SPELLING("source", MESSAGE_FIELD_TOPIC),
    SPELLING("operation", MESSAGE_FIELD_OPERATION),
    SPELLING("message.id", MESSAGE_FIELD_ID),
    SPELLING("message_id", MESSAGE_FIELD_ID),
    SPELLING("destination", MESSAGE_FIELD_TOPIC),
    SPELLING("source.name", MESSAGE_FIELD_TOPIC),
    SPELLING("kafka.offset", MESSAGE_FIELD_OFFSET),
    SPELLING("operation.name", MESSAGE_FIELD_OPERATION),
    SPELLING("operation.type", MESSAGE_FIELD_OPERATION_TYPE),
    SPELLING("kafka.partition", MESSAGE_FIELD_PARTITION),
    SPELLING("destination.name", MESSAGE_FIELD_TOPIC),
    SPELLING("kafka.cluster.id", MESSAGE_FIELD_CLUSTER),
    SPELLING("kafka.message.key", MESSAGE_FIELD_KEY),
    SPELLING("kafka.message_key", MESSAGE_FIELD_KEY),
    SPELLING("consumer.group.name", MESSAGE_FIELD_GROUP),
    SPELLING("source.partition.id", MESSAGE_FIELD_PARTITION),
    SPELLING("kafka.message.offset", MESSAGE_FIELD_OFFSET),
    SPELLING("kafka.consumer.group", MESSAGE_FIELD_GROUP),
    SPELLING("kafka.consumer_group", MESSAGE_FIELD_GROUP),
    SPELLING("kafka.source.partition", MESSAGE_FIELD_PARTITION),
    SPELLING("kafka.bootstrap.servers", MESSAGE_FIELD_ADDRESSES),
    SPELLING("destination.partition.id", MESSAGE_FIELD_PARTITION),
    SPELLING("kafka.destination.partition", MESSAGE_FIELD_PARTITION),
};

enum { SPELLINGS = sizeof spellings / sizeof *spellings, LONGEST = 27 };

/* Where spellings of each length begin in the table. */
static const uint8_t by_length[LONGEST + 2] = {
    [3] = 0,   [4] = 1,   [5] = 1,   [6] = 1,   [7] = 3,   [8] = 3,   [9] = 3,
    [10] = 4,  [11] = 6,  [12] = 8,  [13] = 9,  [14] = 9,  [15] = 11, [16] = 12,
    [17] = 14, [18] = 16, [19] = 16, [20] = 18, [21] = 21, [22] = 21, [23] = 22,
    [24] = 23, [25] = 24, [26] = 24, [27] = 24, [28] = 25,
};

/* Whether a text behind "messaging." is this one: both are read from the end in words, which the
 * prefix makes room for. */
static inline bool is_spelling(const char *end, const struct spelling *s)
{
    const char *text = s->text + PREFIX + s->len;
    size_t n = 0;
    do {
        n += 8;
        if (memcmp(end - n, text - n, 8) != 0)
            return false;
    } while (n < s->len);
    return true;
}

enum message_field message_field_of(struct bytes key)
{
    if (!has_prefix(key, messaging, PREFIX))
        return bytes_equal_string(key, "server.address") ? MESSAGE_FIELD_ADDRESSES
                                                         : MESSAGE_FIELD_UNKNOWN;
    size_t len = key.len - PREFIX;
    if (has_prefix(bytes_of(key.data + PREFIX, len), header, HEADER_PREFIX))
        return MESSAGE_FIELD_HEADER;
    if (len > LONGEST)
        return MESSAGE_FIELD_UNKNOWN;
    for (unsigned i = by_length[len]; i < by_length[len + 1]; i++) {
        if (is_spelling((const char *)key.data + key.len, &spellings[i]))
            return spellings[i].field;
    }
    return MESSAGE_FIELD_UNKNOWN;
}
