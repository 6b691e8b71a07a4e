/* Rewriting: one walk that asks, and writes from the first change on.
 *
 * Until then nothing is copied or allocated. The first change opens the messages that it lies in:
 * what stands before it is copied in one piece, and so is what stands between one change and the
 * next. How long a message within gets is only known at its end, so its frame is written then. The
 * whole goes from its buffer into the batch. */
#include "proto/rewrite.h"

#include "proto/attribute_writer.h"
#include "proto/buffer.h"
#include "proto/span_writer.h"

#define GROUP_MESSAGE 1 /* the field that a Resource or InstrumentationScope is */

enum { KEY_VALUE_KEY = 1, KEY_VALUE_VALUE = 2, ELEMENTS = 1, ANY_ARRAY = 5, ANY_MAP = 6 };

/* A message within the message, whose length is known at its end. Room is left for the frame of one
 * of the length that it had: its content has to move only when the new length takes more bytes to
 * write, or less. */
struct frame {
    size_t begin;
    size_t room;
};

/* A message, array or map that the walk is in. */
struct level {
    struct level *outer;              /* NULL: this is all of the message */
    uint32_t number;                  /* the field that it is */
    struct bytes framed;              /* with tag and length, as it stands in what is read */
    struct bytes content;             /* of the message; the elements or pairs of a value */
    const struct rewrite_item *value; /* NULL: no array or map */
    struct bytes key;                 /* of the value, as it is to be written */

    bool open; /* its beginning is in the buffer */
    struct frame frame;
    struct frame any;      /* of a value: the AnyValue, and */
    struct frame compound; /* the ArrayValue or KeyValueList within */
};

struct rewriting {
    const struct rewriter *by;
    struct buffer out;   /* empty until something changes */
    const uint8_t *read; /* up to here what was read is in `out`, once that has begun */
    size_t message_len;
    size_t name, name_len; /* where a span's name comes to stand */
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

static struct frame begin_frame(struct rewriting *r, size_t len_before)
{
    struct frame f = {.begin = r->out.len, .room = wire_framed_size(1, len_before) - len_before};
    put_reserved(r, f.room);
    return f;
}

static void end_frame(struct rewriting *r, struct frame f, uint32_t number)
{
    if (r->out.failed)
        return;
    size_t len = r->out.len - f.begin - f.room;
    size_t frame_len = wire_framed_size(number, len) - len;
    if (frame_len > f.room && !buffer_reserve(&r->out, frame_len - f.room))
        return;
    uint8_t *at = r->out.data + f.begin;
    if (frame_len != f.room)
        memmove(at + frame_len, at + f.room, len);
    struct wire_writer w = wire_writer(at, frame_len);
    wire_put_frame(&w, number, len);
    r->out.len = f.begin + frame_len + len;
}

/* ---- levels ---- */

static void copy_until(struct rewriting *r, const uint8_t *end)
{
    put_raw(r, bytes_of(r->read, (size_t)(end - r->read)));
    r->read = end;
}

static void open_value(struct rewriting *r, struct level *l)
{
    size_t len = l->content.len;
    if (!l->value->element) {
        l->frame = begin_frame(r, l->framed.len);
        put_bytes(r, KEY_VALUE_KEY, l->key);
    }
    l->any = begin_frame(r, wire_framed_size(ANY_ARRAY, len));
    l->compound = begin_frame(r, len);
}

static void open_level(struct rewriting *r, struct level *l)
{
    if (l->open)
        return;
    l->open = true;
    if (!l->outer) {
        buffer_reserve(&r->out, r->message_len + r->message_len / 8 + 64);
        r->read = l->content.data;
        return;
    }
    open_level(r, l->outer);
    copy_until(r, l->framed.data);
    if (l->value)
        open_value(r, l);
    else
        l->frame = begin_frame(r, l->content.len);
    r->read = l->content.data;
}

static void close_level(struct rewriting *r, const struct level *l)
{
    if (!l->open)
        return;
    copy_until(r, wire_end(l->content));
    if (!l->outer)
        return;
    if (l->value) {
        end_frame(r, l->compound, l->value->value.type == VALUE_ARRAY ? ANY_ARRAY : ANY_MAP);
        end_frame(r, l->any, l->value->element ? l->number : KEY_VALUE_VALUE);
    }
    if (!l->value || !l->value->element)
        end_frame(r, l->frame, l->number);
    r->read = wire_end(l->framed);
}

/* Leaves out what stands there; the caller writes what comes in its place. */
static void cut(struct rewriting *r, struct level *in, struct bytes framed)
{
    open_level(r, in);
    copy_until(r, framed.data);
    r->read = wire_end(framed);
}

/* ---- values ---- */

static void rewrite_item(struct rewriting *r, struct level *in, const struct rewrite_item *item,
                         uint32_t number, struct bytes framed);

static void rewrite_inside(struct rewriting *r, struct level *in)
{
    struct rewrite_item item = *in->value;
    item.depth++;
    item.element = item.value.type == VALUE_ARRAY;
    if (item.element) {
        struct value_iterator it;
        const uint8_t *from = in->content.data;
        for (value_begin(&it, in->content); value_next(&it, &item.value); from = it.at)
            rewrite_item(r, in, &item, ELEMENTS, bytes_of(from, (size_t)(it.at - from)));
        return;
    }
    struct attribute_iterator it;
    struct attribute a;
    for (attribute_begin(&it, in->content, ELEMENTS); attribute_next(&it, &a);) {
        item.key = a.key;
        item.value = a.value;
        rewrite_item(r, in, &item, ELEMENTS, a.framed);
    }
}

static bool is_same(struct bytes a, struct bytes b)
{
    return a.data == b.data && a.len == b.len;
}

/* How many arrays and maps stand in what is read as one value: in an AnyValue, or as `depth` says
 * in the fields `number` around it. */
static unsigned compounds_in(struct bytes message, uint32_t number, unsigned depth)
{
    const uint8_t *at = message.data, *end = wire_end(message);
    unsigned count = 0;
    struct wire_field f;
    while (at < end && (at = wire_field(at, end, &f))) {
        if (wire_type(f.tag) != WIRE_LENGTH)
            continue;
        uint32_t n = wire_number(f.tag);
        if (depth == 0)
            count += n == ANY_ARRAY || n == ANY_MAP;
        else if (n == number)
            count += compounds_in(f.bytes, KEY_VALUE_VALUE, depth - 1);
    }
    return count;
}

/* Whether more stands there than the value as it is read: of repeated arrays some readers take the
 * last one, as we do, and others put them together. As a rule the length tells that there is none.
 */
static bool is_more_than_read(const struct rewrite_item *item, uint32_t number, struct bytes framed)
{
    size_t len = wire_framed_size(ANY_ARRAY, item->value.bytes.len);
    if (!item->element)
        len =
            wire_framed_size(KEY_VALUE_KEY, item->key.len) + wire_framed_size(KEY_VALUE_VALUE, len);
    return framed.len != wire_framed_size(number, len) &&
           compounds_in(framed, number, item->element ? 1 : 2) > 1;
}

/* What was not shown does not leave. */
static void enter(struct rewriting *r, struct level *in, const struct rewrite_item *item,
                  uint32_t number, struct bytes framed, struct bytes key)
{
    struct level l = {.outer = in,
                      .number = number,
                      .framed = framed,
                      .content = item->value.bytes,
                      .value = item,
                      .key = key};
    bool renamed = !item->element && !is_same(key, item->key);
    if (renamed || is_more_than_read(item, number, framed))
        open_level(r, &l);
    rewrite_inside(r, &l);
    close_level(r, &l);
}

/* An attribute, pair or element, which stands there as `framed`. */
static void rewrite_item(struct rewriting *r, struct level *in, const struct rewrite_item *item,
                         uint32_t number, struct bytes framed)
{
    struct rewrite_change change = {item->key, item->value};
    enum rewrite_verdict verdict = r->by->visit(r->by->context, item, &change);
    bool holds_more = item->value.type == VALUE_ARRAY || item->value.type == VALUE_MAP;
    if (verdict == REWRITE_ENTER && holds_more)
        enter(r, in, item, number, framed, change.key);
    if (verdict != REWRITE_SET && verdict != REWRITE_REMOVE)
        return;
    cut(r, in, framed);
    if (verdict == REWRITE_REMOVE)
        return;
    if (item->element)
        put_value(r, number, &change.value);
    else
        attribute_append(&r->out, number, change.key, &change.value);
}

/* ---- fields ---- */

/* What a field of a message is to the visitor. */
struct field_kind {
    enum { NOT_SHOWN, SHOWN_TEXT, SHOWN_ATTRIBUTE, SHOWN_MESSAGE } kind;
    enum rewrite_place place;
    const struct message_kind *message;
};

enum { FIELDS = 16 }; /* no number that is shown is larger, nor that of a tag of one byte */

struct message_kind {
    struct field_kind fields[FIELDS]; /* by number */
    uint32_t attributes;              /* the number of their list; 0: it has none */
};

static void rewrite_attribute(struct rewriting *r, struct level *in, enum rewrite_place place,
                              uint32_t number, struct bytes framed, struct bytes key_value)
{
    struct attribute a;
    if (!attribute_read(key_value, &a))
        return;
    struct rewrite_item item = {.place = place, .key = a.key, .top_key = a.key, .value = a.value};
    rewrite_item(r, in, &item, number, framed);
}

/* The last one counts. What stands before it in the span is written before it, and stays there. */
static void note_name(struct rewriting *r, size_t at, size_t len)
{
    r->name = at;
    r->name_len = len;
}

static void rewrite_text(struct rewriting *r, struct level *in, enum rewrite_place place,
                         uint32_t number, struct bytes framed, struct bytes text)
{
    struct rewrite_item item = {.place = place, .value = {.type = VALUE_STRING, .bytes = text}};
    struct rewrite_change change = {.value = item.value};
    enum rewrite_verdict verdict = r->by->visit(r->by->context, &item, &change);
    if (verdict != REWRITE_SET && verdict != REWRITE_REMOVE) {
        if (place == PLACE_SPAN_NAME)
            note_name(r, r->out.len + (size_t)(text.data - (in->open ? r->read : in->content.data)),
                      text.len);
        return;
    }
    cut(r, in, framed);
    if (verdict == REWRITE_REMOVE)
        return;
    put_bytes(r, number, change.value.bytes);
    if (place == PLACE_SPAN_NAME)
        note_name(r, r->out.len - change.value.bytes.len, change.value.bytes.len);
}

static void append_attributes(struct rewriting *r, struct level *in, enum rewrite_place place,
                              uint32_t number)
{
    const struct link_attribute *added = NULL;
    size_t count = r->by->append(r->by->context, place, &added);
    if (count == 0)
        return;
    open_level(r, in);
    copy_until(r, wire_end(in->content));
    for (size_t i = 0; i < count; i++)
        attribute_append(&r->out, number, added[i].key, &added[i].value);
}

static const struct message_kind status = {
    .fields = {[STATUS_MESSAGE] = {SHOWN_TEXT, PLACE_STATUS_MESSAGE, NULL}},
};
static const struct message_kind event = {
    .fields = {[EVENT_NAME] = {SHOWN_TEXT, PLACE_EVENT_NAME, NULL},
               [EVENT_ATTRIBUTES] = {SHOWN_ATTRIBUTE, PLACE_EVENT_ATTRIBUTE, NULL}},
    .attributes = EVENT_ATTRIBUTES,
};
static const struct message_kind link = {
    .fields = {[LINK_TRACE_STATE] = {SHOWN_TEXT, PLACE_LINK_TRACE_STATE, NULL},
               [LINK_ATTRIBUTES] = {SHOWN_ATTRIBUTE, PLACE_LINK_ATTRIBUTE, NULL}},
    .attributes = LINK_ATTRIBUTES,
};
static const struct message_kind span_kind = {
    .fields = {[SPAN_ATTRIBUTES] = {SHOWN_ATTRIBUTE, PLACE_SPAN_ATTRIBUTE, NULL},
               [SPAN_NAME] = {SHOWN_TEXT, PLACE_SPAN_NAME, NULL},
               [SPAN_TRACE_STATE] = {SHOWN_TEXT, PLACE_TRACE_STATE, NULL},
               [SPAN_EVENTS] = {SHOWN_MESSAGE, 0, &event},
               [SPAN_LINKS] = {SHOWN_MESSAGE, 0, &link},
               [SPAN_STATUS] = {SHOWN_MESSAGE, 0, &status}},
    .attributes = SPAN_ATTRIBUTES,
};
static const struct message_kind scope_kind = {
    .fields = {[SCOPE_NAME] = {SHOWN_TEXT, PLACE_SCOPE_NAME, NULL},
               [SCOPE_ATTRIBUTES] = {SHOWN_ATTRIBUTE, PLACE_SCOPE_ATTRIBUTE, NULL}},
    .attributes = SCOPE_ATTRIBUTES,
};
static const struct message_kind resource_kind = {
    .fields = {[RESOURCE_ATTRIBUTES] = {SHOWN_ATTRIBUTE, PLACE_RESOURCE_ATTRIBUTE, NULL}},
    .attributes = RESOURCE_ATTRIBUTES,
};

static void rewrite_message(struct rewriting *r, const struct message_kind *kind, struct level *l);

__attribute__((noinline)) static void rewrite_content(struct rewriting *r,
                                                      const struct field_kind *k, struct level *in,
                                                      uint32_t number, struct bytes framed,
                                                      struct bytes content)
{
    if (k->kind == SHOWN_ATTRIBUTE) {
        rewrite_attribute(r, in, k->place, number, framed, content);
    } else if (k->kind == SHOWN_TEXT) {
        rewrite_text(r, in, k->place, number, framed, content);
    } else {
        struct level l = {.outer = in, .number = number, .framed = framed, .content = content};
        rewrite_message(r, k->message, &l);
        close_level(r, &l);
    }
}

/* Returns where the field at `at` ends; NULL: it is malformed. */
static inline const uint8_t *rewrite_field(struct rewriting *r, const struct message_kind *kind,
                                           struct level *l, const uint8_t *at, const uint8_t *end)
{
    const uint8_t *field = at;
    uint32_t tag;
    size_t len;
    if (!(at = wire_tag(at, end, &tag)))
        return NULL;
    if (wire_type(tag) != WIRE_LENGTH)
        return wire_skip(at, end, wire_type(tag));
    if (!(at = wire_length(at, end, &len)))
        return NULL;
    uint32_t number = wire_number(tag);
    if (number < FIELDS && kind->fields[number].kind != NOT_SHOWN)
        rewrite_content(r, &kind->fields[number], l, number,
                        bytes_of(field, (size_t)(at + len - field)), bytes_of(at, len));
    return at + len;
}

/* Over fields that are not shown; those that are not short are left to rewrite_field(). */
static inline const uint8_t *pass_unshown(const struct message_kind *kind, const uint8_t *at,
                                          const uint8_t *end)
{
    while (at < end && *at < 0x80 && kind->fields[*at >> 3].kind == NOT_SHOWN) {
        const uint8_t *next = wire_pass_short(at, end);
        if (next == at)
            break;
        at = next;
    }
    return at;
}

static void rewrite_message(struct rewriting *r, const struct message_kind *kind, struct level *l)
{
    const struct rewriter *by = r->by;
    const uint8_t *at = l->content.data, *end = wire_end(l->content);
    const enum rewrite_place place = kind->fields[kind->attributes].place;
    const uint8_t attribute = (uint8_t)WIRE_TAG(kind->attributes, WIRE_LENGTH);
    while (at && at < end) {
        at = pass_unshown(kind, at, end);
        if (by->skip && at < end && *at == attribute && kind->attributes)
            at = by->skip(by->context, place, at, end);
        if (at < end)
            at = rewrite_field(r, kind, l, at, end);
    }
    if (by->append && kind->attributes)
        append_attributes(r, l, place, kind->attributes);
}

/* ---- the batch ---- */

/* The message as it is to be, in r.out; nothing there: it stays as it is. */
static struct rewriting rewrite(const struct rewriter *by, const struct message_kind *kind,
                                struct bytes message, bool *changed)
{
    struct rewriting r = {.by = by, .message_len = message.len};
    struct level l = {.content = message};
    if (by->scratch) {
        r.out = *by->scratch;
        r.out.len = 0;
    }
    rewrite_message(&r, kind, &l);
    close_level(&r, &l);
    *changed = l.open;
    return r;
}

/* Ends one that needs no writing any more; false: out of memory. */
static bool end_rewriting(struct rewriting *r, bool written)
{
    if (r->by->scratch)
        *r->by->scratch = r->out;
    else
        buffer_free(&r->out);
    return written;
}

bool span_rewrite(struct batch *b, uint32_t span, const struct rewriter *w)
{
    assert(span < b->span_count && atomic_load(&b->private->references) == 1);
    struct span_view *s = &b->spans[span];
    bool changed;
    struct rewriting r = rewrite(w, &span_kind, span_bytes(s), &changed);
    if (r.out.failed || !changed)
        return end_rewriting(&r, !r.out.failed);
    struct span_writer out;
    if (!span_write_begin(b, r.out.len, &out))
        return end_rewriting(&r, false);
    wire_put_raw(&out.out, buffer_bytes(&r.out));
    span_write_end(b, s, &out);
    s->name_offset = (uint32_t)r.name;
    s->name_len = (uint32_t)r.name_len;
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
    bool changed;
    struct rewriting r = rewrite(by, kind, *message, &changed);
    if (r.out.failed || !changed)
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
