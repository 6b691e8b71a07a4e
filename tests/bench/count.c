/* The walk: only the fields that lead to spans are entered, everything else is stepped over. Each
 * level knows where it ends as a position in the whole request. */
#include "tests/bench/count.h"

#include <stdlib.h>
#include <string.h>

struct cursor {
    const struct iovec *slice;
    const struct iovec *last; /* one past */
    size_t offset;            /* in *slice */
    size_t position;          /* in the request */
    bool failed;
};

static void settle(struct cursor *c)
{
    while (c->slice < c->last && c->offset == c->slice->iov_len) {
        c->slice++;
        c->offset = 0;
    }
}

static uint8_t next_byte(struct cursor *c)
{
    settle(c);
    if (c->slice == c->last) {
        c->failed = true;
        return 0;
    }
    c->position++;
    return ((const uint8_t *)c->slice->iov_base)[c->offset++];
}

static uint64_t next_varint(struct cursor *c)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64 && !c->failed; shift += 7) {
        uint8_t byte = next_byte(c);
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return v;
    }
    c->failed = true;
    return 0;
}

static void skip(struct cursor *c, uint64_t len)
{
    while (len > 0) {
        settle(c);
        if (c->slice == c->last) {
            c->failed = true;
            return;
        }
        size_t room = c->slice->iov_len - c->offset;
        size_t step = len < room ? len : room;
        c->offset += step;
        c->position += step;
        len -= step;
    }
}

/* Steps to the next field of a message that ends at `end`. For a length-delimited one *len is its
 * length and the cursor stands before its content; others are already stepped over. */
static bool next_field(struct cursor *c, size_t end, uint32_t *field, uint64_t *len)
{
    while (!c->failed && c->position < end) {
        uint64_t tag = next_varint(c);
        switch (tag & 7) {
        case 0:
            next_varint(c);
            break;
        case 1:
            skip(c, 8);
            break;
        case 2:
            *field = (uint32_t)(tag >> 3);
            *len = next_varint(c);
            if (*len > end - c->position)
                c->failed = true;
            return !c->failed;
        case 5:
            skip(c, 4);
            break;
        default:
            c->failed = true;
        }
    }
    return false;
}

static void note_id(struct cursor *c, uint64_t len, struct id_set *ids, struct span_count *out)
{
    size_t end = c->position + len;
    uint32_t field;
    while (next_field(c, end, &field, &len)) {
        if (field != 2 || len != 8) {
            skip(c, len);
            continue;
        }
        uint64_t id = 0;
        for (int i = 0; i < 8; i++)
            id = id << 8 | next_byte(c);
        if (!id_set_add(ids, id))
            out->duplicates++;
    }
}

static void count_scope(struct cursor *c, uint64_t len, struct id_set *ids, struct span_count *out)
{
    size_t end = c->position + len;
    uint32_t field;
    while (next_field(c, end, &field, &len)) {
        if (field != 2) {
            skip(c, len);
            continue;
        }
        out->spans++;
        if (ids)
            note_id(c, len, ids, out);
        else
            skip(c, len);
    }
}

static void count_resource(struct cursor *c, uint64_t len, struct id_set *ids,
                           struct span_count *out)
{
    size_t end = c->position + len;
    uint32_t field;
    while (next_field(c, end, &field, &len)) {
        if (field == 2)
            count_scope(c, len, ids, out);
        else
            skip(c, len);
    }
}

void count_spans(const struct iovec *slices, size_t slice_count, struct id_set *ids,
                 struct span_count *out)
{
    struct cursor c = {.slice = slices, .last = slices + slice_count};
    size_t end = 0;
    for (size_t i = 0; i < slice_count; i++)
        end += slices[i].iov_len;
    uint32_t field;
    uint64_t len;
    while (next_field(&c, end, &field, &len)) {
        if (field == 1)
            count_resource(&c, len, ids, out);
        else
            skip(&c, len);
    }
    out->malformed |= c.failed;
}

/* Ids are random, so they are their own hash. */
static bool insert(uint64_t *slots, size_t capacity, uint64_t id)
{
    size_t at = id & (capacity - 1);
    while (slots[at] != 0) {
        if (slots[at] == id)
            return false;
        at = (at + 1) & (capacity - 1);
    }
    slots[at] = id;
    return true;
}

static void grow(struct id_set *s)
{
    size_t capacity = s->capacity ? s->capacity * 2 : 1 << 20;
    uint64_t *slots = calloc(capacity, sizeof *slots);
    if (!slots)
        abort();
    for (size_t i = 0; i < s->capacity; i++)
        if (s->slots[i])
            insert(slots, capacity, s->slots[i]);
    free(s->slots);
    s->slots = slots;
    s->capacity = capacity;
}

bool id_set_add(struct id_set *s, uint64_t id)
{
    if (s->count * 2 >= s->capacity)
        grow(s);
    if (!insert(s->slots, s->capacity, id))
        return false;
    s->count++;
    return true;
}

void id_set_free(struct id_set *s)
{
    free(s->slots);
    *s = (struct id_set){0};
}
