/* Rewriting: one walk that asks and writes.
 *
 * The new message grows in a buffer while the old one is walked; how long a message within it gets
 * is only known at its end, so its frame is written then. When nothing has changed the buffer is
 * thrown away, else it is copied into the batch, framed. */
#include "proto/rewrite.h"

#include "proto/attribute_writer.h"
#include "proto/batch_private.h"
#include "proto/buffer.h"
#include "proto/otlp_fields.h"
#include "proto/wire.h"

#include <assert.h>

#define GROUP_MESSAGE 1 /* the field that a Resource or InstrumentationScope is */

enum { KEY_VALUE_KEY = 1, KEY_VALUE_VALUE = 2, ELEMENTS = 1, ANY_ARRAY = 5, ANY_MAP = 6 };

struct rewriting {
    const struct rewriter *by;
    struct buffer out;
    bool changed;
};

const char *rewrite_place_name(enum rewrite_place place)
{
    static const char *const names[REWRITE_PLACES] = {
        [PLACE_SPAN_NAME] = "span_name",
        [PLACE_SPAN_ATTRIBUTE] = "span_attribute",
        [PLACE_STATUS_MESSAGE] = "status_message",
        [PLACE_TRACE_STATE] = "trace_state",
        [PLACE_EVENT_NAME] = "event_name",
        [PLACE_EVENT_ATTRIBUTE] = "event_attribute",
        [PLACE_LINK_ATTRIBUTE] = "link_attribute",
        [PLACE_LINK_TRACE_STATE] = "link_trace_state",
        [PLACE_RESOURCE_ATTRIBUTE] = "resource_attribute",
        [PLACE_SCOPE_NAME] = "scope_name",
        [PLACE_SCOPE_ATTRIBUTE] = "scope_attribute",
    };
    return names[place];
}

/* ---- writing ---- */

static void put_raw(struct rewriting *r, struct bytes b)
{
    if (b.len)
        buffer_append(&r->out, b.data, b.len);
}

/* Room for `len` bytes, which the caller fills; without memory there is none, and r->out has
 * failed.
 */
static struct wire_writer put_reserved(struct rewriting *r, size_t len)
{
    static uint8_t nothing;
    uint8_t *to = buffer_reserve(&r->out, len);
    if (!to)
        return wire_writer(&nothing, 0);
    r->out.len += len;
    return wire_writer(to, len);
}

static void put_bytes(struct rewriting *r, uint32_t number, struct bytes b)
{
    struct wire_writer w = put_reserved(r, wire_framed_size(number, b.len));
    wire_put_bytes(&w, number, b);
}

static void put_value(struct rewriting *r, uint32_t number, const struct value *v)
{
    size_t len = value_size(v);
    struct wire_writer w = put_reserved(r, wire_framed_size(number, len));
    wire_put_frame(&w, number, len);
    value_put(&w, v);
}

static void put_attribute(struct rewriting *r, uint32_t number, struct bytes key,
                          const struct value *v)
{
    size_t len = key_value_size(key, v);
    struct wire_writer w = put_reserved(r, wire_framed_size(number, len));
    wire_put_frame(&w, number, len);
    key_value_put(&w, key, v);
}

/* A message within the message, whose length is known at its end. Room is left for the frame of one
 * of the length that it had: its content has to move only when the new length takes more bytes to
 * write, or less. */
struct open_message {
    size_t begin;
    size_t room;
};

static struct open_message begin_message(struct rewriting *r, size_t len_before)
{
    struct open_message m = {.begin = r->out.len,
                             .room = wire_framed_size(1, len_before) - len_before};
    put_reserved(r, m.room);
    return m;
}

static void end_message(struct rewriting *r, struct open_message m, uint32_t number)
{
    if (r->out.failed)
        return;
    size_t len = r->out.len - m.begin - m.room;
    size_t frame_len = wire_framed_size(number, len) - len;
    if (frame_len > m.room && !buffer_reserve(&r->out, frame_len - m.room))
        return;
    uint8_t *frame = r->out.data + m.begin;
    if (frame_len != m.room)
        memmove(frame + frame_len, frame + m.room, len);
    struct wire_writer w = wire_writer(frame, frame_len);
    wire_put_frame(&w, number, len);
    r->out.len = m.begin + frame_len + len;
}

/* ---- values ---- */

static void rewrite_item(struct rewriting *r, const struct rewrite_item *item, uint32_t number,
                         struct bytes framed);

static void rewrite_inside(struct rewriting *r, const struct rewrite_item *outer)
{
    struct rewrite_item item = *outer;
    item.depth++;
    item.element = outer->value.type == VALUE_ARRAY;
    if (item.element) {
        struct value_iterator it;
        const uint8_t *from = outer->value.bytes.data;
        for (value_begin(&it, outer->value.bytes); value_next(&it, &item.value); from = it.at)
            rewrite_item(r, &item, ELEMENTS, bytes_of(from, (size_t)(it.at - from)));
        return;
    }
    struct attribute_iterator it;
    struct attribute a;
    for (attribute_begin(&it, outer->value.bytes, ELEMENTS); attribute_next(&it, &a);) {
        item.key = a.key;
        item.value = a.value;
        rewrite_item(r, &item, ELEMENTS, a.framed);
    }
}

/* An array or map whose content is asked about; as it was when nothing in it changes. */
static void enter(struct rewriting *r, const struct rewrite_item *item, uint32_t number,
                  struct bytes framed)
{
    bool changed_before = r->changed;
    size_t begin = r->out.len, len = item->value.bytes.len;
    struct open_message pair = {0}, value;
    r->changed = false;
    if (!item->element) {
        pair = begin_message(r, framed.len);
        put_bytes(r, KEY_VALUE_KEY, item->key);
    }
    value = begin_message(r, wire_framed_size(ANY_ARRAY, len));
    struct open_message compound = begin_message(r, len);
    rewrite_inside(r, item);
    end_message(r, compound, item->value.type == VALUE_ARRAY ? ANY_ARRAY : ANY_MAP);
    end_message(r, value, item->element ? number : KEY_VALUE_VALUE);
    if (!item->element)
        end_message(r, pair, number);
    if (!r->changed && !r->out.failed) {
        r->out.len = begin;
        put_raw(r, framed);
    }
    r->changed |= changed_before;
}

/* An attribute, pair or element, which stands there as `framed`. */
static void rewrite_item(struct rewriting *r, const struct rewrite_item *item, uint32_t number,
                         struct bytes framed)
{
    struct rewrite_change change = {item->key, item->value};
    enum rewrite_verdict verdict = r->by->visit(r->by->context, item, &change);
    if (verdict == REWRITE_ENTER &&
        (item->value.type == VALUE_ARRAY || item->value.type == VALUE_MAP)) {
        enter(r, item, number, framed);
        return;
    }
    r->changed |= verdict == REWRITE_SET || verdict == REWRITE_REMOVE;
    if (verdict == REWRITE_REMOVE)
        return;
    if (verdict != REWRITE_SET) {
        put_raw(r, framed);
    } else if (item->element) {
        put_value(r, number, &change.value);
    } else {
        put_attribute(r, number, change.key, &change.value);
    }
}

/* ---- fields ---- */

static void rewrite_attribute(struct rewriting *r, enum rewrite_place place, uint32_t number,
                              const struct wire_field *f)
{
    struct attribute_iterator it;
    struct attribute a;
    attribute_begin(&it, f->framed, number);
    if (!attribute_next(&it, &a)) {
        put_raw(r, f->framed);
        return;
    }
    struct rewrite_item item = {.place = place, .key = a.key, .top_key = a.key, .value = a.value};
    rewrite_item(r, &item, number, f->framed);
}

static void rewrite_text(struct rewriting *r, enum rewrite_place place, uint32_t number,
                         const struct wire_field *f)
{
    struct rewrite_item item = {.place = place, .value = {.type = VALUE_STRING, .bytes = f->bytes}};
    struct rewrite_change change = {.value = item.value};
    enum rewrite_verdict verdict = r->by->visit(r->by->context, &item, &change);
    r->changed |= verdict == REWRITE_SET || verdict == REWRITE_REMOVE;
    if (verdict == REWRITE_SET)
        put_bytes(r, number, change.value.bytes);
    else if (verdict != REWRITE_REMOVE)
        put_raw(r, f->framed);
}

static void append_attributes(struct rewriting *r, enum rewrite_place place, uint32_t number)
{
    const struct link_attribute *added = NULL;
    size_t count = r->by->append ? r->by->append(r->by->context, place, &added) : 0;
    for (size_t i = 0; i < count; i++)
        put_attribute(r, number, added[i].key, &added[i].value);
    r->changed |= count > 0;
}

/* What the fields of a message are to the visitor. */
struct field_kind {
    uint32_t number;
    enum { SHOWN_TEXT, SHOWN_ATTRIBUTE, SHOWN_MESSAGE } kind;
    enum rewrite_place place;
    const struct message_kind *message;
};

struct message_kind {
    struct field_kind fields[7]; /* ends with number 0 */
};

static const struct message_kind status = {{
    {STATUS_MESSAGE, SHOWN_TEXT, PLACE_STATUS_MESSAGE, NULL},
}};
static const struct message_kind event = {{
    {2, SHOWN_TEXT, PLACE_EVENT_NAME, NULL},
    {EVENT_ATTRIBUTES, SHOWN_ATTRIBUTE, PLACE_EVENT_ATTRIBUTE, NULL},
}};
static const struct message_kind link = {{
    {3, SHOWN_TEXT, PLACE_LINK_TRACE_STATE, NULL},
    {LINK_ATTRIBUTES, SHOWN_ATTRIBUTE, PLACE_LINK_ATTRIBUTE, NULL},
}};
static const struct message_kind span_kind = {{
    {SPAN_ATTRIBUTES, SHOWN_ATTRIBUTE, PLACE_SPAN_ATTRIBUTE, NULL},
    {SPAN_NAME, SHOWN_TEXT, PLACE_SPAN_NAME, NULL},
    {SPAN_TRACE_STATE, SHOWN_TEXT, PLACE_TRACE_STATE, NULL},
    {SPAN_EVENTS, SHOWN_MESSAGE, 0, &event},
    {SPAN_LINKS, SHOWN_MESSAGE, 0, &link},
    {SPAN_STATUS, SHOWN_MESSAGE, 0, &status},
}};
static const struct message_kind scope_kind = {{
    {SCOPE_NAME, SHOWN_TEXT, PLACE_SCOPE_NAME, NULL},
    {SCOPE_ATTRIBUTES, SHOWN_ATTRIBUTE, PLACE_SCOPE_ATTRIBUTE, NULL},
}};
static const struct message_kind resource_kind = {{
    {RESOURCE_ATTRIBUTES, SHOWN_ATTRIBUTE, PLACE_RESOURCE_ATTRIBUTE, NULL},
}};

static void rewrite_message(struct rewriting *r, const struct message_kind *kind,
                            struct bytes message);

static void rewrite_field(struct rewriting *r, const struct message_kind *kind,
                          const struct wire_field *f)
{
    const struct field_kind *k = kind->fields;
    while (k->number && f->tag != WIRE_TAG(k->number, WIRE_LENGTH))
        k++;
    if (!k->number) {
        put_raw(r, f->framed);
    } else if (k->kind == SHOWN_TEXT) {
        rewrite_text(r, k->place, k->number, f);
    } else if (k->kind == SHOWN_ATTRIBUTE) {
        rewrite_attribute(r, k->place, k->number, f);
    } else {
        struct open_message m = begin_message(r, f->bytes.len);
        rewrite_message(r, k->message, f->bytes);
        end_message(r, m, k->number);
    }
}

static void rewrite_message(struct rewriting *r, const struct message_kind *kind,
                            struct bytes message)
{
    const uint8_t *at = message.data, *end = wire_end(message);
    struct wire_field f;
    while (at < end && (at = wire_field(at, end, &f)))
        rewrite_field(r, kind, &f);
    for (const struct field_kind *k = kind->fields; k->number; k++) {
        if (k->kind == SHOWN_ATTRIBUTE)
            append_attributes(r, k->place, k->number);
    }
}

/* ---- the batch ---- */

static struct rewriting begin_rewriting(const struct rewriter *by, const struct message_kind *kind,
                                        struct bytes message)
{
    struct rewriting r = {.by = by};
    buffer_reserve(&r.out, message.len + message.len / 8 + 64);
    rewrite_message(&r, kind, message);
    return r;
}

/* Ends one that needs no writing any more; false: out of memory. */
static bool end_rewriting(struct rewriting *r, bool written)
{
    buffer_free(&r->out);
    return written;
}

static struct bytes last_name(struct bytes span)
{
    const uint8_t *at = span.data;
    struct bytes name = {.data = span.data};
    struct wire_part f;
    while (wire_next(&at, wire_end(span), SPAN_NAME, &f))
        name = f.bytes;
    return name;
}

bool span_rewrite(struct batch *b, uint32_t span, const struct rewriter *w)
{
    assert(span < b->span_count && atomic_load(&b->private->references) == 1);
    struct span_view *s = &b->spans[span];
    struct rewriting r = begin_rewriting(w, &span_kind, span_bytes(s));
    if (r.out.failed || !r.changed)
        return end_rewriting(&r, !r.out.failed);
    size_t len = r.out.len, size = wire_framed_size(SCOPE_SPANS_SPANS, len);
    uint8_t *memory = len <= INT32_MAX ? batch_memory(b, size) : NULL;
    if (!memory)
        return end_rewriting(&r, false);
    struct wire_writer out = wire_writer(memory, size);
    wire_put_frame(&out, SCOPE_SPANS_SPANS, len);
    const uint8_t *data = out.at;
    wire_put_raw(&out, buffer_bytes(&r.out));

    b->span_bytes += len - s->len;
    batch_forget_request(b);
    s->data = data;
    s->len = (uint32_t)len;
    s->frame_len = (uint8_t)(data - memory);
    struct bytes name = last_name(span_bytes(s));
    s->name_offset = (uint32_t)(name.data - data);
    s->name_len = (uint32_t)name.len;
    return end_rewriting(&r, true);
}

/* Fields of a head or tail but for the message. */
static void put_others(struct wire_writer *w, struct bytes fields)
{
    const uint8_t *at = fields.data, *end = wire_end(fields);
    struct wire_field f;
    while (at < end && (at = wire_field(at, end, &f))) {
        if (f.tag != WIRE_TAG(GROUP_MESSAGE, WIRE_LENGTH))
            wire_put_raw(w, f.framed);
    }
}

/* The Resource or InstrumentationScope of a group moves to the front of the head. */
static bool rewrite_group(struct batch *b, const struct rewriter *by,
                          const struct message_kind *kind, struct bytes *message,
                          struct bytes *head, struct bytes *tail)
{
    assert(atomic_load(&b->private->references) == 1);
    struct rewriting r = begin_rewriting(by, kind, *message);
    if (r.out.failed || !r.changed)
        return end_rewriting(&r, !r.out.failed);
    size_t len = r.out.len, most = wire_framed_size(GROUP_MESSAGE, len) + head->len + tail->len;
    uint8_t *memory = len <= INT32_MAX ? batch_memory(b, most) : NULL;
    if (!memory)
        return end_rewriting(&r, false);
    struct wire_writer w = wire_writer(memory, most);
    wire_put_frame(&w, GROUP_MESSAGE, len);
    const uint8_t *data = w.at;
    wire_put_raw(&w, buffer_bytes(&r.out));
    put_others(&w, *head);
    const uint8_t *behind_head = w.at;
    put_others(&w, *tail);

    batch_forget_request(b);
    *message = bytes_of(data, len);
    *head = bytes_of(memory, (size_t)(behind_head - memory));
    *tail = bytes_of(behind_head, (size_t)(w.at - behind_head));
    return end_rewriting(&r, true);
}

bool scope_rewrite(struct batch *b, uint32_t scope, const struct rewriter *w)
{
    struct scope_view *s = &b->scopes[scope];
    return rewrite_group(b, w, &scope_kind, &s->message, &s->head, &s->tail);
}

bool resource_rewrite(struct batch *b, uint32_t resource, const struct rewriter *w)
{
    struct resource_view *r = &b->resources[resource];
    return rewrite_group(b, w, &resource_kind, &r->message, &r->head, &r->tail);
}
