/* Reading messaging attributes. Sources: semantic conventions 1.0 to 1.44, docs/messaging/kafka.md,
 * and what instrumentations send of them. */
#include "processors/kafka_hops/message.h"

#include "processors/kafka_hops/hop_link.h"
#include "processors/kafka_hops/number_text.h"
#include "proto/attribute_plain.h"
#include "proto/otlp_fields.h"
#include "proto/span_kind.h"
#include "proto/wire.h"

#include <strings.h>

static struct bytes after(struct bytes text, size_t len)
{
    return bytes_of(text.data + len, text.len - len);
}

/* ---- a quick look ---- */

/* Whether an attribute of less than 128 bytes stands here, as nearly all do. */
static inline bool is_small_attribute(const uint8_t *at, const uint8_t *end)
{
    return wire_likely(end - at >= 2 && at[0] == WIRE_TAG(SPAN_ATTRIBUTES, WIRE_LENGTH) &&
                       at[1] < 0x80 && at[1] <= end - at - 2);
}

/* Moves behind the next attribute of a span. */
static inline bool next_attribute(const uint8_t **cursor, const uint8_t *end,
                                  struct bytes *key_value)
{
    const uint8_t *at = *cursor;
    struct wire_part p;
    if (is_small_attribute(at, end)) {
        *key_value = bytes_of(at + 2, at[1]);
        *cursor = at + 2 + at[1];
        return true;
    }
    if (!wire_next(cursor, end, SPAN_ATTRIBUTES, &p))
        return false;
    *key_value = p.bytes;
    return true;
}

/* The key of an attribute, where it stands first and is short, as nearly always. */
static inline bool has_plain_key(struct bytes key_value)
{
    const uint8_t *at = key_value.data;
    return wire_likely(key_value.len >= 2 && at[0] == WIRE_TAG(1, WIRE_LENGTH) && at[1] < 0x80 &&
                       at[1] <= key_value.len - 2);
}

static inline struct bytes plain_key(struct bytes key_value)
{
    return bytes_of(key_value.data + 2, key_value.data[1]);
}

static inline bool is_system_key(struct bytes key_value)
{
    static const char key[] = "messaging.system";
    enum { LEN = sizeof key - 1 };
    if (has_plain_key(key_value))
        return key_value.data[1] == LEN && memcmp(key_value.data + 2, key, LEN) == 0;
    return bytes_equal_string(attribute_key(key_value), key);
}

typedef uint8_t sixteen __attribute__((vector_size(16)));

/* Where the bytes from `at` on are `byte`. */
static inline sixteen are(const uint8_t *at, uint8_t byte)
{
    sixteen v;
    memcpy(&v, at, sizeof v);
    return (sixteen)(v == byte);
}

/* Where "messaging.system" may begin, of the sixteen bytes from `at` on: two letters that seldom
 * stand so far from each other are enough. */
static inline sixteen may_begin(const uint8_t *at)
{
    return are(at + 8, 'g') & are(at + 11, 'y');
}

/* Whether "messaging.system" may stand anywhere in a span. Most clients' have it nowhere, and to
 * look at all bytes takes less time than to go from field to field. */
static bool may_mention_system(const uint8_t *data, size_t len)
{
    enum { AT_ONCE = 64, BEHIND = sizeof "messaging.system" - 2 };
    if (len < AT_ONCE + BEHIND)
        return true;
    const uint8_t *last = data + len - AT_ONCE - BEHIND;
    for (const uint8_t *at = data;; at = last - at > AT_ONCE ? at + AT_ONCE : last) {
        sixteen v =
            (may_begin(at) | may_begin(at + 16)) | (may_begin(at + 32) | may_begin(at + 48));
        uint64_t halves[2];
        memcpy(halves, &v, sizeof halves);
        if (wire_unlikely(halves[0] | halves[1]))
            return true;
        if (at == last)
            return false;
    }
}

bool message_possible(const struct span_view *s)
{
    if (wire_likely(s->kind < SPAN_KIND_CLIENT))
        return false;
    const uint8_t *at = s->data, *end = s->data + s->len;
    struct bytes key_value;
    if (s->kind == SPAN_KIND_CLIENT && !may_mention_system(at, s->len))
        return false;
    while (next_attribute(&at, end, &key_value)) {
        if (is_system_key(key_value))
            return true;
    }
    return false;
}

/* ---- values ---- */

static struct bytes text_of(const struct value *v)
{
    struct value_iterator it;
    struct value first;
    if (wire_likely(v->type == VALUE_STRING))
        return v->bytes;
    if (v->type == VALUE_ARRAY) {
        value_begin(&it, v->bytes);
        return value_next(&it, &first) && first.type == VALUE_STRING ? first.bytes
                                                                     : bytes_of(NULL, 0);
    }
    return v->type == VALUE_BYTES ? v->bytes : bytes_of(NULL, 0);
}

/* A number that is at least 0 and at most `most`, however it was written; else -1. */
static int64_t number_of(const struct value *v, int64_t most)
{
    int64_t n = -1;
    if (v->type == VALUE_INT)
        n = v->integer;
    else if (v->type == VALUE_DOUBLE && v->real >= 0 && v->real < 9e15)
        n = (int64_t)v->real;
    else
        n = number_text(text_of(v));
    return n >= 0 && n <= most ? n : -1;
}

/* ---- headers of retry and dead-letter records ---- */

/* Instrumentations write captured names in lower case, some with _ for -. */
static bool header_is(struct bytes name, const char *wanted)
{
    if (name.len != strlen(wanted))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.data[i], w = (uint8_t)wanted[i];
        if (c >= 'A' && c <= 'Z')
            c |= 0x20;
        if (w >= 'A' && w <= 'Z')
            w |= 0x20;
        if (c != w && !(w == '-' && c == '_') && !(w == '.' && c == '_'))
            return false;
    }
    return true;
}

static bool header_is_any(struct bytes name, const char *const *wanted)
{
    while (*wanted && !header_is(name, *wanted))
        wanted++;
    return *wanted != NULL;
}

/* Numbers that a framework wrote as binary and an instrumentation captured as text. */
static int64_t header_number(const struct value *v, int64_t most)
{
    struct bytes text = text_of(v);
    int64_t n = number_of(v, most);
    if (n < 0 && (text.len == 4 || text.len == 8)) {
        n = 0;
        for (size_t i = 0; i < text.len; i++)
            n = (int64_t)((uint64_t)n << 8 | text.data[i]);
    }
    return n >= 0 && n <= most ? n : -1;
}

static void read_header(struct message *m, struct bytes name, const struct value *v)
{
    static const char *const topics[] = {"kafka_dlt-original-topic", "kafka_original-topic",
                                         "__connect.errors.topic", NULL};
    static const char *const partitions[] = {"kafka_dlt-original-partition",
                                             "kafka_original-partition",
                                             "__connect.errors.partition", NULL};
    static const char *const offsets[] = {"kafka_dlt-original-offset", "kafka_original-offset",
                                          "__connect.errors.offset", NULL};
    static const char *const attempts[] = {"kafka_deliveryAttempt", "retry_topic-attempts", NULL};
    if (header_is_any(name, topics))
        m->original.topic = text_of(v);
    else if (header_is_any(name, partitions))
        m->original.partition = (int32_t)header_number(v, INT32_MAX);
    else if (header_is_any(name, offsets))
        m->original.offset = header_number(v, INT64_MAX);
    else if (header_is_any(name, attempts) && header_number(v, UINT16_MAX) > 0)
        m->attempt = (uint32_t)header_number(v, UINT16_MAX);
}

/* ---- a span ---- */

struct reading {
    struct message *m;
    struct message_keys *keys;
    unsigned position; /* of the next attribute, among those with a plain key */
    struct bytes system;
    struct bytes message_id;
    struct bytes operation;
    struct bytes operation_type;
};

static void take_topic(struct message *m, struct bytes text)
{
    if (text.len > 0)
        m->place.topic = text;
}

static void take(struct reading *r, enum message_field field, const struct attribute *a)
{
    struct message *m = r->m;
    switch (field) {
    case MESSAGE_FIELD_SYSTEM:
        r->system = text_of(&a->value);
        break;
    case MESSAGE_FIELD_TOPIC:
        take_topic(m, text_of(&a->value));
        break;
    case MESSAGE_FIELD_PARTITION:
        m->place.partition = (int32_t)number_of(&a->value, INT32_MAX);
        break;
    case MESSAGE_FIELD_OFFSET:
        m->place.offset = number_of(&a->value, INT64_MAX);
        break;
    case MESSAGE_FIELD_KEY:
        m->key = text_of(&a->value);
        break;
    case MESSAGE_FIELD_ID:
        r->message_id = text_of(&a->value);
        break;
    case MESSAGE_FIELD_GROUP:
        m->group = text_of(&a->value);
        break;
    case MESSAGE_FIELD_OPERATION:
        r->operation = text_of(&a->value);
        break;
    case MESSAGE_FIELD_OPERATION_TYPE:
        r->operation_type = text_of(&a->value);
        break;
    case MESSAGE_FIELD_CLUSTER:
        m->cluster_id = text_of(&a->value);
        break;
    case MESSAGE_FIELD_ADDRESSES:
        m->addresses = text_of(&a->value);
        break;
    case MESSAGE_FIELD_HEADER:
        read_header(m, after(a->key, MESSAGE_HEADER_PREFIX), &a->value);
        break;
    case MESSAGE_FIELD_UNKNOWN:
        break;
    }
}

/* "T.p.o" names a whole place; its topic may hold dots, so it is cut from the right. */
static bool split_message_id(struct bytes id, struct record_place *place)
{
    size_t offset_at = id.len, partition_at;
    while (offset_at > 0 && id.data[offset_at - 1] != '.')
        offset_at--;
    if (offset_at < 2)
        return false;
    partition_at = offset_at - 1;
    while (partition_at > 0 && id.data[partition_at - 1] != '.')
        partition_at--;
    if (partition_at < 2)
        return false;
    struct bytes topic = bytes_of(id.data, partition_at - 1);
    int64_t offset = number_text(after(id, offset_at));
    int64_t partition = number_text(bytes_of(id.data + partition_at, offset_at - 1 - partition_at));
    if (offset < 0 || partition < 0 || partition > INT32_MAX ||
        (place->topic.len > 0 && !bytes_equal(place->topic, topic)) ||
        (place->partition >= 0 && place->partition != partition))
        return false;
    *place = (struct record_place){topic, offset, (int32_t)partition};
    return true;
}

/* Offsets that hide in the message's id: "T.p.o", or a bare number, which is an offset only where
 * the partition is known. */
static void read_message_id(struct record_place *place, struct bytes id)
{
    if (place->offset >= 0 || id.len == 0 || split_message_id(id, place))
        return;
    if (place->partition >= 0)
        place->offset = number_text(id);
}

/* ---- operations ---- */

enum meaning {
    SETTLES = 1,
    SENDS = 2,
    TAKES = 4,
    FETCHES = 8, /* from the broker */
};

struct operation {
    const char *text;
    uint8_t len;
    uint8_t means;
};

#define OPERATION(text_, means_)                                                                   \
    {                                                                                              \
        text_, sizeof text_ - 1, means_                                                            \
    }

static const struct operation operations[] = {
    OPERATION("process", TAKES),        OPERATION("publish", SENDS),
    OPERATION("send", SENDS),           OPERATION("receive", TAKES | FETCHES),
    OPERATION("poll", TAKES | FETCHES), OPERATION("consume", TAKES),
    OPERATION("create", SENDS),         OPERATION("produce", SENDS),
    OPERATION("recv", TAKES | FETCHES), OPERATION("fetch", TAKES | FETCHES),
    OPERATION("deliver", TAKES),        OPERATION("settle", SETTLES),
    OPERATION("commit", SETTLES),       OPERATION("ack", SETTLES),
    OPERATION("nack", SETTLES),
};

enum { OPERATIONS = sizeof operations / sizeof *operations };

static bool is_word(struct bytes word, const char *text, size_t len)
{
    return word.len == len && (word.data[0] | 0x20) == text[0] &&
           strncasecmp((const char *)word.data, text, len) == 0;
}

/* What a word means; 0: nothing that we know. */
static unsigned meaning_of(struct bytes word)
{
    for (unsigned i = 0; i < OPERATIONS; i++) {
        if (is_word(word, operations[i].text, operations[i].len))
            return operations[i].means;
    }
    return 0;
}

static struct bytes first_word(struct bytes name)
{
    size_t end = 0;
    while (end < name.len && name.data[end] != ' ')
        end++;
    return bytes_of(name.data, end);
}

/* The operation's type tells more than its name, which may be anything; without both it is how the
 * span's name begins. */
static void read_role(const struct reading *r, const struct span_view *s)
{
    struct message *m = r->m;
    unsigned operation = meaning_of(r->operation), means = operation;
    if (r->operation_type.len > 0)
        means = meaning_of(r->operation_type);
    else if (r->operation.len == 0)
        means = meaning_of(first_word(span_name(s)));
    m->fetches = (means | operation) & FETCHES;
    if ((means | operation) & SETTLES)
        return;
    if (s->kind == SPAN_KIND_CONSUMER)
        m->role = MESSAGE_CONSUMER;
    else if (s->kind == SPAN_KIND_PRODUCER || means & SENDS)
        m->role = MESSAGE_PRODUCER;
    else if (means & TAKES)
        m->role = MESSAGE_RECEIVER;
}

/* ---- links ---- */

static bool is_zero(struct bytes id)
{
    static const uint8_t zero[16];
    return memcmp(id.data, zero, id.len) == 0;
}

static bool is_valid(const struct link_view *l)
{
    return l->trace_id.len == 16 && l->span_id.len == 8 && !is_zero(l->trace_id) &&
           !is_zero(l->span_id);
}

static void count_links(struct bytes links_on, struct message *m)
{
    struct span_cursor links;
    struct link_view l;
    span_links_begin(&links, links_on);
    while (!m->batch && link_next(&links, &l)) {
        m->batch = m->linked && is_valid(&l);
        m->linked |= is_valid(&l);
    }
}

static inline bool read_attribute(struct reading *r, struct bytes key_value)
{
    struct attribute a;
    bool plain = has_plain_key(key_value);
    enum message_field field =
        plain ? message_keys_field(r->keys, r->position++, plain_key(key_value))
              : MESSAGE_FIELD_UNKNOWN;
    if (plain && field == MESSAGE_FIELD_UNKNOWN)
        return true;
    if (!attribute_read_plain(key_value, &a) && !attribute_read(key_value, &a))
        return false;
    take(r, plain ? field : message_field_of(a.key), &a);
    return true;
}

/* Reads the attributes of a span; returns the rest of it from its first link on. */
static struct bytes read_attributes(struct reading *r, const struct span_view *s)
{
    const uint8_t *at = s->data, *end = s->data + s->len, *links = end;
    struct wire_field f;
    while (at < end) {
        const uint8_t *field = at;
        if (is_small_attribute(at, end)) {
            f.bytes = bytes_of(at + 2, at[1]);
            at += 2 + at[1];
        } else if (at[0] != WIRE_TAG(SPAN_LINKS, WIRE_LENGTH) &&
                   (at = wire_pass_short(at, end)) != field) {
            continue;
        } else {
            at = wire_field(at, end, &f);
            if (!at)
                break;
            if (f.tag == WIRE_TAG(SPAN_LINKS, WIRE_LENGTH) && links == end)
                links = field;
            if (f.tag != WIRE_TAG(SPAN_ATTRIBUTES, WIRE_LENGTH))
                continue;
        }
        if (!read_attribute(r, f.bytes))
            break;
    }
    return bytes_of(links, (size_t)(end - links));
}

static const struct record_place nowhere = {.offset = -1, .partition = -1};

bool message_read(const struct span_view *s, struct message_keys *keys, struct message *m)
{
    static const char kafka[] = "kafka";
    struct reading r = {.m = m, .keys = keys};
    *m = (struct message){.place = nowhere, .original = nowhere};
    struct bytes links = read_attributes(&r, s);
    if (!is_word(r.system, kafka, sizeof kafka - 1))
        return false;
    read_role(&r, s);
    read_message_id(&m->place, r.message_id);
    if (m->role == MESSAGE_CONSUMER || m->role == MESSAGE_RECEIVER)
        count_links(links, m);
    return m->role != MESSAGE_NONE;
}

/* ---- the records of a batch ---- */

static void read_link_attributes(struct bytes message, struct message_link *link)
{
    struct message m = {.place = link->place};
    struct reading r = {.m = &m};
    struct attribute_iterator it;
    struct attribute a;
    attribute_begin(&it, message, LINK_ATTRIBUTES);
    while (attribute_next(&it, &a)) {
        if (bytes_equal_string(a.key, HOP_ATTRIBUTE_MATCHED_BY))
            link->found_by = text_of(&a.value);
        else if (bytes_equal_string(a.key, HOP_ATTRIBUTE_CONFIDENCE) &&
                 a.value.type == VALUE_DOUBLE && a.value.real >= 0 && a.value.real <= 1)
            link->confidence = (unsigned)(a.value.real * 100 + 0.5);
        else
            take(&r, message_field_of(a.key), &a);
    }
    read_message_id(&m.place, r.message_id);
    link->place = m.place;
    if (m.key.len > 0)
        link->key = m.key;
}

bool message_link_next(struct span_cursor *c, const struct message *m, struct message_link *link)
{
    struct link_view l;
    do {
        if (!link_next(c, &l))
            return false;
    } while (!is_valid(&l));
    *link = (struct message_link){.trace_id = l.trace_id.data,
                                  .span_id = l.span_id.data,
                                  .place = m->place,
                                  .key = m->key,
                                  .confidence = 100};
    if (m->batch) {
        link->place = nowhere;
        link->place.topic = m->place.topic;
        link->key = bytes_of(NULL, 0);
    }
    read_link_attributes(l.message, link);
    return true;
}

/* ---- clusters ---- */

static bool is_separator(uint8_t c)
{
    return c == ',' || c == ';' || c == ' ' || c == '[' || c == ']' || c == '"' || c == '\'';
}

/* The next address of a list, whether it was written "a:1,b:1" or as JSON. */
static bool address_next(struct bytes *list, struct bytes *address)
{
    while (list->len > 0 && is_separator(*list->data))
        *list = after(*list, 1);
    size_t len = 0;
    while (len < list->len && !is_separator(list->data[len]))
        len++;
    *address = bytes_of(list->data, len);
    *list = after(*list, len);
    return len > 0;
}

static struct bytes without_port(struct bytes address)
{
    size_t end = address.len;
    while (end > 0 && address.data[end - 1] >= '0' && address.data[end - 1] <= '9')
        end--;
    if (end > 1 && address.data[end - 1] == ':')
        address.len = end - 1;
    return address;
}

static bool share_address(struct bytes a, struct bytes b)
{
    struct bytes one, other;
    while (address_next(&a, &one)) {
        struct bytes rest = b;
        while (address_next(&rest, &other)) {
            if (bytes_equal(one, other) || bytes_equal(without_port(one), other) ||
                bytes_equal(one, without_port(other)))
                return true;
        }
    }
    return false;
}

bool clusters_compatible(struct bytes id_a, struct bytes addresses_a, struct bytes id_b,
                         struct bytes addresses_b)
{
    if (id_a.len > 0 && id_b.len > 0)
        return bytes_equal(id_a, id_b);
    if (addresses_a.len == 0 || addresses_b.len == 0)
        return true;
    return bytes_equal(addresses_a, addresses_b) || share_address(addresses_a, addresses_b);
}
