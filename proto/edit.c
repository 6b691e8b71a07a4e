/* Edits: one message, written anew with one of its fields changed.
 *
 * Every edit is the same walk. Fields that it names are left out; what replaces them is written
 * where the first of them stood, or at the end; everything else is copied as it stands, in runs. A
 * first walk finds the length, so that a message is written once, with its frame in front, and
 * spans that are edited in order lie together and leave as one slice. */
#include "proto/edit.h"

#include "proto/attribute_writer.h"
#include "proto/span_writer.h"

#define GROUP_MESSAGE 1 /* the field that a Resource or InstrumentationScope is */

struct edit {
    uint32_t number; /* of the field, length-delimited */
    bool (*names)(const struct edit *e, const struct wire_part *f); /* NULL: every such field */
    void (*put)(const struct edit *e, struct wire_writer *w); /* the new body; NULL: remove only */
    size_t put_len;                                           /* what put() writes */
    bool in_place_only; /* do nothing when the message has no such field */

    /* what names() and put() look at */
    struct bytes key;
    const struct value *value;
    struct bytes old;     /* framed attribute, or the whole span */
    struct bytes content; /* a string's */
    bool (*matches)(void *context, const struct event_view *event);
    void *context;
};

/* The next field that the edit names. */
static inline bool next_named(const struct edit *e, const uint8_t **at, const uint8_t *end,
                              struct wire_part *f)
{
    while (wire_next(at, end, e->number, f)) {
        if (!e->names || e->names(e, f))
            return true;
    }
    return false;
}

/* The length of the edited message; `found` tells how many fields the edit names. */
static size_t edited_len(const struct edit *e, struct bytes message, uint32_t *found)
{
    const uint8_t *at = message.data;
    const uint8_t *end = wire_end(message);
    size_t len = message.len;
    struct wire_part f;
    *found = 0;
    while (next_named(e, &at, end, &f)) {
        len -= f.framed.len;
        (*found)++;
    }
    if (e->put && (*found > 0 || !e->in_place_only))
        len += wire_framed_size(e->number, e->put_len);
    return len;
}

static void put_new(const struct edit *e, struct wire_writer *w)
{
    if (!e->put)
        return;
    wire_put_frame(w, e->number, e->put_len);
    e->put(e, w);
}

/* Writes the edited message. */
static void put_edited(const struct edit *e, struct bytes message, struct wire_writer *w)
{
    const uint8_t *at = message.data;
    const uint8_t *end = wire_end(message);
    const uint8_t *kept = at;
    bool done = false;
    struct wire_part f;
    while (next_named(e, &at, end, &f)) {
        wire_put_raw(w, bytes_of(kept, (size_t)(f.framed.data - kept)));
        kept = at;
        if (!done)
            put_new(e, w);
        done = true;
    }
    wire_put_raw(w, bytes_of(kept, (size_t)(end - kept)));
    if (!done && !e->in_place_only)
        put_new(e, w);
}

static struct bytes name_of(struct bytes span)
{
    const uint8_t *at = span.data;
    const uint8_t *end = wire_end(span);
    struct bytes name = {.data = span.data};
    struct wire_part f;
    while (wire_next(&at, end, SPAN_NAME, &f))
        name = f.bytes;
    return name;
}

static bool edit_span(struct batch *b, uint32_t span, const struct edit *e, bool *found)
{
    assert(span < b->span_count && atomic_load(&b->private->references) == 1);
    struct span_view *s = &b->spans[span];
    uint32_t count;
    size_t len = edited_len(e, span_bytes(s), &count);
    if (found)
        *found = count > 0;
    if (count == 0 && (!e->put || e->in_place_only))
        return true;
    struct span_writer w;
    if (!span_write_begin(b, len, &w))
        return false;
    put_edited(e, span_bytes(s), &w.out);
    span_write_end(b, s, &w);
    struct bytes name = name_of(span_bytes(s));
    s->name_offset = (uint32_t)(name.data - s->data);
    s->name_len = (uint32_t)name.len;
    return true;
}

/* Edits the Resource or InstrumentationScope of a group: it moves to the front of the head, and all
 * other fields of head and tail follow as they stand. */
static bool edit_group(struct batch *b, const struct edit *e, struct bytes *message,
                       struct bytes *head, struct bytes *tail, bool *found)
{
    static const struct edit drop = {.number = GROUP_MESSAGE};
    assert(atomic_load(&b->private->references) == 1);
    uint32_t count;
    size_t len = edited_len(e, *message, &count);
    if (found)
        *found = count > 0;
    if (count == 0 && !e->put)
        return true;
    uint32_t dropped;
    size_t tail_len = edited_len(&drop, *tail, &dropped);
    size_t head_len = wire_framed_size(GROUP_MESSAGE, len) + edited_len(&drop, *head, &dropped);
    uint8_t *memory = len <= INT32_MAX ? batch_memory(b, head_len + tail_len) : NULL;
    if (!memory)
        return false;

    struct wire_writer w = wire_writer(memory, head_len + tail_len);
    wire_put_frame(&w, GROUP_MESSAGE, len);
    const uint8_t *data = w.at;
    put_edited(e, *message, &w);
    put_edited(&drop, *head, &w);
    put_edited(&drop, *tail, &w);
    assert(!w.overflow && w.at == w.end);

    batch_forget_request(b);
    *message = bytes_of(data, len);
    *head = bytes_of(memory, head_len);
    *tail = bytes_of(memory + head_len, tail_len);
    return true;
}

static bool has_key(const struct edit *e, const struct wire_part *f)
{
    return bytes_equal(attribute_key(f->bytes), e->key);
}

static bool is_old(const struct edit *e, const struct wire_part *f)
{
    return bytes_equal(f->framed, e->old);
}

static void put_attribute(const struct edit *e, struct wire_writer *w)
{
    key_value_put(w, e->key, e->value);
}

static struct edit setting(enum attribute_field field, struct bytes key, const struct value *v)
{
    return (struct edit){.number = field,
                         .names = has_key,
                         .put = put_attribute,
                         .put_len = key_value_size(key, v),
                         .key = key,
                         .value = v};
}

static struct edit removing(enum attribute_field field, struct bytes key)
{
    return (struct edit){.number = field, .names = has_key, .key = key};
}

bool span_set_attribute(struct batch *b, uint32_t span, struct bytes key, const struct value *v)
{
    struct edit e = setting(SPAN_ATTRIBUTES, key, v);
    return edit_span(b, span, &e, NULL);
}

bool scope_set_attribute(struct batch *b, uint32_t scope, struct bytes key, const struct value *v)
{
    struct edit e = setting(SCOPE_ATTRIBUTES, key, v);
    struct scope_view *s = &b->scopes[scope];
    return edit_group(b, &e, &s->message, &s->head, &s->tail, NULL);
}

bool resource_set_attribute(struct batch *b, uint32_t resource, struct bytes key,
                            const struct value *v)
{
    struct edit e = setting(RESOURCE_ATTRIBUTES, key, v);
    struct resource_view *r = &b->resources[resource];
    return edit_group(b, &e, &r->message, &r->head, &r->tail, NULL);
}

bool span_remove_attribute(struct batch *b, uint32_t span, struct bytes key, bool *removed)
{
    struct edit e = removing(SPAN_ATTRIBUTES, key);
    return edit_span(b, span, &e, removed);
}

bool scope_remove_attribute(struct batch *b, uint32_t scope, struct bytes key, bool *removed)
{
    struct edit e = removing(SCOPE_ATTRIBUTES, key);
    struct scope_view *s = &b->scopes[scope];
    return edit_group(b, &e, &s->message, &s->head, &s->tail, removed);
}

bool resource_remove_attribute(struct batch *b, uint32_t resource, struct bytes key, bool *removed)
{
    struct edit e = removing(RESOURCE_ATTRIBUTES, key);
    struct resource_view *r = &b->resources[resource];
    return edit_group(b, &e, &r->message, &r->head, &r->tail, removed);
}

bool span_replace_attribute(struct batch *b, uint32_t span, const struct attribute *old,
                            struct bytes key, const struct value *v)
{
    struct edit e = setting(SPAN_ATTRIBUTES, key, v);
    e.names = is_old;
    e.old = old->framed;
    e.in_place_only = true;
    return edit_span(b, span, &e, NULL);
}

static void put_content(const struct edit *e, struct wire_writer *w)
{
    wire_put_raw(w, e->content);
}

static bool set_string(struct batch *b, uint32_t span, uint32_t number, struct bytes content)
{
    struct edit e = {
        .number = number, .put = put_content, .put_len = content.len, .content = content};
    return edit_span(b, span, &e, NULL);
}

bool span_rename(struct batch *b, uint32_t span, struct bytes name)
{
    return set_string(b, span, SPAN_NAME, name);
}

bool span_set_trace_state(struct batch *b, uint32_t span, struct bytes trace_state)
{
    b->spans[span].trace_state = true;
    return set_string(b, span, SPAN_TRACE_STATE, trace_state);
}

/* Status: the message is its field 2. A Status that came in parts becomes one. */
static const struct edit drop_message = {.number = STATUS_MESSAGE};

static void put_status(const struct edit *e, struct wire_writer *w)
{
    const uint8_t *at = e->old.data;
    const uint8_t *end = wire_end(e->old);
    struct wire_part f;
    while (wire_next(&at, end, SPAN_STATUS, &f))
        put_edited(&drop_message, f.bytes, w);
    wire_put_bytes(w, drop_message.number, e->content);
}

bool span_set_status_message(struct batch *b, uint32_t span, struct bytes message)
{
    struct edit e = {.number = SPAN_STATUS,
                     .put = put_status,
                     .put_len = wire_framed_size(drop_message.number, message.len),
                     .old = span_bytes(&b->spans[span]),
                     .content = message};
    const uint8_t *at = e.old.data;
    const uint8_t *end = wire_end(e.old);
    struct wire_part f;
    uint32_t dropped;
    while (wire_next(&at, end, SPAN_STATUS, &f))
        e.put_len += edited_len(&drop_message, f.bytes, &dropped);
    return edit_span(b, span, &e, NULL);
}

static bool is_matching_event(const struct edit *e, const struct wire_part *f)
{
    struct span_cursor cursor;
    struct event_view event;
    span_events_begin(&cursor, f->framed);
    return event_next(&cursor, &event) && e->matches(e->context, &event);
}

bool span_remove_events(struct batch *b, uint32_t span,
                        bool (*matches)(void *context, const struct event_view *event),
                        void *context)
{
    struct edit e = {
        .number = SPAN_EVENTS, .names = is_matching_event, .matches = matches, .context = context};
    return edit_span(b, span, &e, NULL);
}

bool span_append(struct batch *b, uint32_t span, struct bytes fields)
{
    assert(span < b->span_count && atomic_load(&b->private->references) == 1);
    struct span_view *s = &b->spans[span];
    struct span_writer w;
    if (!span_write_begin(b, s->len + fields.len, &w))
        return false;
    wire_put_raw(&w.out, span_bytes(s));
    wire_put_raw(&w.out, fields);
    span_write_end(b, s, &w); /* the name stays where it was */
    return true;
}
