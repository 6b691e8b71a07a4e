/* Indexing a request that lies in parts, as a transport hands it over.
 *
 * Copying a request into one piece costs an eighth of what relaying it costs, most of it for memory
 * that is in no cache yet. So spans are indexed where they lie, and only those that lie across two
 * parts are copied: with parts of 8 KB one span in fifteen. What surrounds the spans is short; it
 * is gathered into memory of the batch.
 *
 * This is the fast way for what is in order. A request that is malformed, or has spans to reject,
 * is copied and indexed by index.c, which knows how to say what is wrong with it. */
#include "proto/buffer.h"
#include "proto/index.h"
#include "proto/schema.h"
#include "proto/wire.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

enum {
    PEEK = 2 * WIRE_MAX_FRAME, /* enough for a tag with any varint or length behind it */
};

enum level {
    LEVEL_RESOURCE,
    LEVEL_SCOPE,
    LEVELS,
};

/* Where the walk is. */
struct cursor {
    const struct bytes *part;
    const uint8_t *at;
    const uint8_t *end; /* of the part */
    size_t left;        /* in the request, from here */
};

struct walk {
    struct indexer ix;
    struct cursor c;
    struct buffer head[LEVELS];    /* fields around the children, framed */
    struct buffer message[LEVELS]; /* the Resource or InstrumentationScope */
};

static void settle(struct cursor *c)
{
    while (c->at == c->end && c->left > 0) {
        c->part++;
        c->at = c->part->data;
        c->end = c->part->data + c->part->len;
    }
}

static size_t in_part(const struct cursor *c)
{
    return (size_t)(c->end - c->at);
}

static void advance(struct cursor *c, size_t len)
{
    c->left -= len;
    while (len > in_part(c)) {
        len -= in_part(c);
        c->part++;
        c->at = c->part->data;
        c->end = c->part->data + c->part->len;
    }
    c->at += len;
    settle(c);
}

/* Copies the next `len` bytes, which there are, without moving. */
static void copy_ahead(struct cursor c, uint8_t *to, size_t len)
{
    while (len > 0) {
        size_t n = len < in_part(&c) ? len : in_part(&c);
        memcpy(to, c.at, n);
        to += n;
        len -= n;
        advance(&c, n);
    }
}

/* A field's tag, and its length or integer. */
struct head {
    uint32_t tag;
    uint64_t value;      /* a length that lies within the message, or a varint */
    size_t size;         /* bytes of tag and value */
    bool in_place;       /* they lie in one part */
    const uint8_t *from; /* where, then */
};

/* Reads the head of the next field of a message of which `left` bytes are left, and moves behind
 * it. False: malformed. */
static bool read_head(struct cursor *c, size_t left, struct head *h)
{
    uint8_t peeked[PEEK];
    size_t n = left < PEEK ? left : PEEK;
    const uint8_t *from = c->at;
    h->in_place = in_part(c) >= n;
    h->from = from;
    if (!h->in_place) {
        copy_ahead(*c, peeked, n);
        from = peeked;
    }
    const uint8_t *at = wire_tag(from, from + n, &h->tag);
    if (!at)
        return false;
    h->value = 0;
    bool is_length = wire_type(h->tag) == WIRE_LENGTH;
    if (is_length)
        at = wire_long_varint(at, from + n, 5, &h->value);
    else if (wire_type(h->tag) == WIRE_VARINT)
        at = wire_varint(at, from + n, &h->value);
    if (!at)
        return false;
    h->size = (size_t)(at - from);
    if (is_length && (h->value > left - h->size || h->value > INT32_MAX))
        return false;
    advance(c, h->size);
    return true;
}

/* The next `len` bytes in one piece: where they lie, or copied to memory of the batch. NULL: out of
 * memory. Does not move. */
static const uint8_t *whole(struct walk *w, size_t len)
{
    if (in_part(&w->c) >= len)
        return w->c.at;
    uint8_t *memory = batch_memory(w->ix.b, len);
    if (memory)
        copy_ahead(w->c, memory, len);
    w->ix.no_memory |= !memory;
    return memory;
}

static bool span_at(struct walk *w, const struct head *h, bool *noted)
{
    size_t len = (size_t)h->value;
    if (h->in_place && h->from + h->size == w->c.at && in_part(&w->c) >= len) {
        w->ix.end = w->c.end;
        if (!index_span(&w->ix, w->c.at, w->c.at + len, h->size, noted))
            return false;
        advance(&w->c, len);
        return true;
    }
    uint8_t *memory = batch_memory(w->ix.b, WIRE_MAX_FRAME + len);
    if (!memory) {
        w->ix.no_memory = true;
        return false;
    }
    struct wire_writer frame = wire_writer(memory, WIRE_MAX_FRAME);
    wire_put_frame(&frame, GROUP_CHILD, len);
    copy_ahead(w->c, frame.at, len);
    w->ix.end = frame.at + len;
    advance(&w->c, len);
    return index_span(&w->ix, frame.at, frame.at + len, (size_t)(frame.at - memory), noted);
}

static size_t value_size(const struct head *h)
{
    switch (wire_type(h->tag)) {
    case WIRE_LENGTH:
        return (size_t)h->value;
    case WIRE_FIXED64:
        return 8;
    case WIRE_FIXED32:
        return 4;
    default:
        return 0; /* a varint is part of the head */
    }
}

/* A field beside the children: noted in the group's head, and as its message. `left` is what the
 * group has from here. */
static bool other_field(struct walk *w, const struct head *h, size_t left, enum level level)
{
    uint32_t number = wire_number(h->tag);
    size_t len = value_size(h);
    if (len > left || (number <= GROUP_URL && wire_type(h->tag) != WIRE_LENGTH))
        return false;
    uint8_t written[PEEK];
    struct wire_writer out = wire_writer(written, sizeof written);
    wire_put_varint(&out, h->tag);
    if (wire_type(h->tag) == WIRE_LENGTH || wire_type(h->tag) == WIRE_VARINT)
        wire_put_varint(&out, h->value);
    const uint8_t *value = whole(w, len);
    if (!value)
        return false;
    buffer_append(&w->head[level], written, (size_t)(out.at - written));
    buffer_append(&w->head[level], value, len);
    if (number == GROUP_MESSAGE) {
        bool scope = level == LEVEL_SCOPE;
        if (!schema_check(scope ? SCHEMA_SCOPE : SCHEMA_RESOURCE, bytes_of(value, len),
                          scope ? DEPTH_SCOPE : DEPTH_RESOURCE))
            return false;
        buffer_append(&w->message[level], value, len);
    }
    advance(&w->c, len);
    return true;
}

/* A copy in memory of the batch. */
static bool keep(struct walk *w, const struct buffer *from, struct bytes *out)
{
    *out = bytes_of(NULL, 0);
    if (from->len == 0)
        return !from->failed;
    uint8_t *memory = from->failed ? NULL : batch_memory(w->ix.b, from->len);
    w->ix.no_memory |= !memory;
    if (!memory)
        return false;
    memcpy(memory, from->data, from->len);
    *out = bytes_of(memory, from->len);
    return true;
}

static void begin_group(struct walk *w, enum level level)
{
    w->head[level].len = 0;
    w->message[level].len = 0;
}

/* The length of a Span that begins here and ends before the part does, and the bytes before it; 0
 * for anything else, which is no matter: read_head() and span_at() know all. Nearly every span is
 * found here. */
static size_t span_in_place(const struct cursor *c, size_t left, size_t *size)
{
    size_t room = in_part(c) < left ? in_part(c) : left;
    const uint8_t *at = c->at;
    if (room < 4 || at[0] != WIRE_TAG(GROUP_CHILD, WIRE_LENGTH))
        return 0;
    size_t len = at[1];
    *size = 2;
    if (len >= 0x80) {
        if (at[2] >= 0x80)
            return 0;
        len = (len & 0x7f) | (size_t)at[2] << 7;
        *size = 3;
    }
    return *size + len < in_part(c) && *size + len <= left ? len : 0;
}

static bool walk_scope(struct walk *w, size_t left)
{
    bool noted = false;
    begin_group(w, LEVEL_SCOPE);
    while (left > 0) {
        size_t size;
        size_t span = span_in_place(&w->c, left, &size);
        if (wire_likely(span > 0)) {
            w->ix.end = w->c.end;
            if (!index_span(&w->ix, w->c.at + size, w->c.at + size + span, size, &noted))
                return false;
            w->c.at += size + span;
            w->c.left -= size + span;
            left -= size + span;
            continue;
        }
        struct head h;
        if (!read_head(&w->c, left, &h))
            return false;
        left -= h.size;
        size_t len = value_size(&h);
        if (wire_likely(h.tag == WIRE_TAG(GROUP_CHILD, WIRE_LENGTH))) {
            if (!span_at(w, &h, &noted))
                return false;
        } else if (!other_field(w, &h, left, LEVEL_SCOPE)) {
            return false;
        }
        left -= len;
    }
    if (!noted)
        return true;
    struct scope_view *v = &w->ix.b->scopes[w->ix.b->scope_count - 1];
    v->tail = bytes_of(NULL, 0);
    return keep(w, &w->message[LEVEL_SCOPE], &v->message) &&
           keep(w, &w->head[LEVEL_SCOPE], &v->head);
}

static bool walk_resource(struct walk *w, size_t left)
{
    w->ix.resource_noted = false;
    begin_group(w, LEVEL_RESOURCE);
    while (left > 0) {
        struct head h;
        if (!read_head(&w->c, left, &h))
            return false;
        left -= h.size;
        size_t len = value_size(&h);
        if (h.tag == WIRE_TAG(GROUP_CHILD, WIRE_LENGTH)) {
            if (!walk_scope(w, len))
                return false;
        } else if (!other_field(w, &h, left, LEVEL_RESOURCE)) {
            return false;
        }
        left -= len;
    }
    if (!w->ix.resource_noted)
        return true;
    struct resource_view *v = &w->ix.b->resources[w->ix.b->resource_count - 1];
    v->tail = bytes_of(NULL, 0);
    return keep(w, &w->message[LEVEL_RESOURCE], &v->message) &&
           keep(w, &w->head[LEVEL_RESOURCE], &v->head);
}

static bool walk_request(struct walk *w)
{
    while (w->c.left > 0) {
        struct head h;
        if (!read_head(&w->c, w->c.left, &h))
            return false;
        if (h.tag == WIRE_TAG(1, WIRE_LENGTH)) {
            if (!walk_resource(w, (size_t)h.value))
                return false;
            continue;
        }
        size_t len = value_size(&h);
        if (wire_number(h.tag) == 1 || len > w->c.left)
            return false;
        advance(&w->c, len);
    }
    return true;
}

static size_t total(const struct bytes *parts, uint32_t count)
{
    size_t len = 0;
    for (uint32_t i = 0; i < count; i++)
        len += parts[i].len;
    return len;
}

/* The way for requests with something wrong. */
static struct batch *from_copy(const struct bytes *parts, uint32_t count, size_t len,
                               struct batch_report *report)
{
    struct batch *b = batch_create(len);
    if (!b) {
        report->malformed = report->no_memory = true;
        memcpy(report->where, "out of memory", sizeof "out of memory");
        return NULL;
    }
    uint8_t *to = batch_payload(b);
    for (uint32_t i = 0; i < count; i++) {
        if (parts[i].len > 0)
            to = (uint8_t *)memcpy(to, parts[i].data, parts[i].len) + parts[i].len;
    }
    if (batch_index(b, len, report))
        return b;
    batch_release(b);
    return NULL;
}

/* Indexes the parts in place; false when that is not the way, `b` is then good for release only. */
static bool index_parts(struct batch *b, const struct bytes *parts, uint32_t count, size_t len,
                        struct batch_report *report)
{
    struct bytes *kept = (struct bytes *)(void *)batch_memory(b, sizeof *kept * count);
    if (!kept)
        return false;
    assert((uintptr_t)kept % _Alignof(struct bytes) == 0); /* the batch's first memory */
    memcpy(kept, parts, sizeof *kept * count);
    struct walk w = {
        .ix = {.b = b, .report = report},
        .c = {.part = kept, .at = kept->data, .end = kept->data + kept->len, .left = len}};
    settle(&w.c);
    bool ok = walk_request(&w) && report->rejected_spans == 0;
    for (int level = 0; level < LEVELS; level++) {
        ok = ok && !w.head[level].failed && !w.message[level].failed;
        buffer_free(&w.head[level]);
        buffer_free(&w.message[level]);
    }
    b->parts = kept;
    b->part_count = count;
    return ok;
}

struct batch *batch_from_parts(const struct bytes *parts, uint32_t count,
                               void (*release)(void *owner), void *owner,
                               struct batch_report *report)
{
    *report = (struct batch_report){0};
    size_t len = total(parts, count);
    struct batch *b = len > 0 ? batch_new((uint32_t)(len / 320 + 1), 16, 4, 0) : NULL;
    if (b && index_parts(b, parts, count, len, report)) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        b->received_ns = (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
        b->private->release_owner = release;
        b->private->owner = owner;
        b->private->owned_bytes = len;
        batch_count(&b->private->allocated, len);
        index_trim(b);
        return b;
    }
    batch_release(b);
    b = from_copy(parts, count, len, report);
    release(owner);
    return b;
}
