/* Looking at a message without decoding it: attributes, events and links, in place.
 *
 * All views borrow the bytes they were made from. Input is bytes that batch_index() has accepted;
 * on other input an iterator ends early and never reads outside of what it was given. */
#ifndef TAILSPAN_PROTO_ATTRIBUTE_H
#define TAILSPAN_PROTO_ATTRIBUTE_H

#include "proto/bytes.h"

/* Where KeyValue lists live, by message. Source: OTLP 1.x field numbers. */
enum attribute_field {
    RESOURCE_ATTRIBUTES = 1,
    SCOPE_ATTRIBUTES = 3,
    SPAN_ATTRIBUTES = 9,
    EVENT_ATTRIBUTES = 3,
    LINK_ATTRIBUTES = 4,
};

enum value_type {
    VALUE_EMPTY, /* AnyValue without a value */
    VALUE_STRING,
    VALUE_BOOL,
    VALUE_INT,
    VALUE_DOUBLE,
    VALUE_ARRAY,
    VALUE_MAP,
    VALUE_BYTES,
};

struct value {
    enum value_type type;
    struct bytes
        bytes; /* string, bytes: the content; array, map: the ArrayValue's or KeyValueList's body */
    union {
        bool boolean;
        int64_t integer;
        double real;
    };
};

struct attribute {
    struct bytes key;
    struct value value;
    struct bytes key_value; /* the KeyValue's body */
    struct bytes framed;    /* the same with its tag and length, as it stands in the parent */
};

struct attribute_iterator {
    const uint8_t *at;
    const uint8_t *end;
    uint32_t field;
};

void attribute_begin(struct attribute_iterator *it, struct bytes message, uint32_t field);
bool attribute_next(struct attribute_iterator *it, struct attribute *a);

/* The KeyValue with this body; `framed` is left as it was. */
bool attribute_read(struct bytes key_value, struct attribute *a);

/* The last attribute with this key (the one that counts, should a sender repeat it). */
bool attribute_find(struct bytes message, uint32_t field, struct bytes key, struct attribute *a);

/* The key in a KeyValue's body. */
struct bytes attribute_key(struct bytes key_value);

/* Elements of an ArrayValue's body; pairs of a KeyValueList's body are attribute_begin(…, 1). */
struct value_iterator {
    const uint8_t *at;
    const uint8_t *end;
};
void value_begin(struct value_iterator *it, struct bytes array);
bool value_next(struct value_iterator *it, struct value *v);

struct event_view {
    uint64_t time_ns;
    struct bytes name;
    struct bytes message; /* the Event's body, for its attributes */
};

struct link_view {
    struct bytes trace_id; /* 16 bytes, or what the sender put there */
    struct bytes span_id;
    struct bytes trace_state;
    struct bytes message;
    uint32_t flags;
};

/* Walks one repeated message field of a Span: event_next and link_next share the cursor type. */
struct span_cursor {
    const uint8_t *at;
    const uint8_t *end;
};
void span_events_begin(struct span_cursor *c, struct bytes span);
bool event_next(struct span_cursor *c, struct event_view *e);
void span_links_begin(struct span_cursor *c, struct bytes span);
bool link_next(struct span_cursor *c, struct link_view *l);

struct bytes span_trace_state(struct bytes span);
struct bytes span_status_message(struct bytes span);

/* InstrumentationScope's name and version. */
struct bytes scope_name(struct bytes scope);
struct bytes scope_version(struct bytes scope);

#endif
