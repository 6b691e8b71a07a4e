/* Random requests for tests: everything that the schema allows, and what only the wire allows.
 *
 * Fields come in any order and more than once, between unknown ones, with tags and lengths that are
 * longer than they need be, and values nest. `weird` sets how often; 0 writes what an SDK writes.
 */
#ifndef TAILSPAN_TESTS_RANDOM_REQUEST_H
#define TAILSPAN_TESTS_RANDOM_REQUEST_H

#include "proto/buffer.h"
#include "proto/wire.h"

#include <stdlib.h>

struct dice {
    uint64_t state;
    unsigned weird; /* percent */
};

static inline uint32_t roll(struct dice *d, uint32_t below)
{
    uint64_t z = (d->state += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return (uint32_t)((z ^ (z >> 31)) >> 33) % below;
}

static inline bool weird(struct dice *d)
{
    return roll(d, 100) < d->weird;
}

static inline void put_varint(struct dice *d, struct buffer *out, uint64_t v, int longest)
{
    int extra = roll(d, 10000) < d->weird * d->weird ? (int)roll(d, 3) : 0;
    for (int i = 1; v >= 0x80 || (extra > 0 && i < longest); i++) {
        extra -= v < 0x80;
        buffer_append_byte(out, (uint8_t)(v | 0x80));
        v >>= 7;
    }
    buffer_append_byte(out, (uint8_t)v);
}

static inline void put_tag(struct dice *d, struct buffer *out, uint32_t number, enum wire_type type)
{
    put_varint(d, out, WIRE_TAG(number, type), 5);
}

static inline void put_bytes(struct dice *d, struct buffer *out, uint32_t number, const void *data,
                             size_t len)
{
    put_tag(d, out, number, WIRE_LENGTH);
    put_varint(d, out, len, 5);
    buffer_append(out, data, len);
}

/* A message's fields, kept apart until they are written in some order. */
struct fields {
    struct buffer of[64];
    unsigned count;
};

static inline struct buffer *field(struct fields *f)
{
    if (f->count == sizeof f->of / sizeof f->of[0])
        abort();
    f->of[f->count] = (struct buffer){0};
    return &f->of[f->count++];
}

static inline void random_text(struct dice *d, struct fields *f, uint32_t number, uint32_t longest)
{
    char text[512];
    uint32_t len = roll(d, longest + 1);
    if (len == 0 && number < 3)
        len = 1; /* where messages are merged protobuf-c takes an empty string for a missing one */
    for (uint32_t i = 0; i < len; i++)
        text[i] = (char)('a' + roll(d, 26));
    put_bytes(d, field(f), number, text, len);
}

static inline void random_number(struct dice *d, struct fields *f, uint32_t number, uint32_t below)
{
    struct buffer *out = field(f);
    put_tag(d, out, number, WIRE_VARINT);
    put_varint(d, out, roll(d, below), 10);
}

static inline void random_fixed(struct dice *d, struct fields *f, uint32_t number, size_t len)
{
    struct buffer *out = field(f);
    uint32_t words[2] = {roll(d, UINT32_MAX), roll(d, UINT32_MAX)};
    put_tag(d, out, number, len == 8 ? WIRE_FIXED64 : WIRE_FIXED32);
    buffer_append(out, words, len);
}

static inline void random_unknown(struct dice *d, struct fields *f)
{
    uint32_t number = 100 + roll(d, 5000);
    switch (roll(d, 4)) {
    case 0:
        random_number(d, f, number, UINT32_MAX);
        break;
    case 1:
        random_fixed(d, f, number, 8);
        break;
    case 2:
        random_fixed(d, f, number, 4);
        break;
    default:
        random_text(d, f, number, 40);
    }
}

/* Writes the fields into `out` and forgets them. */
static inline void put_fields(struct dice *d, struct fields *f, struct buffer *out)
{
    if (weird(d))
        random_unknown(d, f);
    for (unsigned i = f->count; weird(d) && i > 1; i--) {
        unsigned j = roll(d, i);
        struct buffer swapped = f->of[j];
        f->of[j] = f->of[i - 1];
        f->of[i - 1] = swapped;
    }
    for (unsigned i = 0; i < f->count; i++) {
        buffer_append(out, f->of[i].data, f->of[i].len);
        buffer_free(&f->of[i]);
    }
    f->count = 0;
}

static inline void put_message(struct dice *d, struct fields *f, uint32_t number,
                               struct fields *message)
{
    struct buffer body = {0};
    put_fields(d, message, &body);
    put_bytes(d, field(f), number, body.data, body.len);
    buffer_free(&body);
}

static inline void random_key_value(struct dice *d, struct fields *f, uint32_t number,
                                    unsigned depth);

static inline void random_value(struct dice *d, struct fields *f, uint32_t number, unsigned depth)
{
    struct fields v = {.count = 0};
    struct fields list = {.count = 0};
    uint32_t sort = roll(d, depth > 4 ? 5 : 8);
    if (weird(d) && roll(d, 3) == 0)
        random_number(d, &v, 2, 2); /* a member that the next one overrides, or the other way */
    switch (sort) {
    case 0:
    case 1:
        random_text(d, &v, 1, roll(d, 10) ? 30 : 300);
        break;
    case 2:
        random_number(d, &v, 2, 2);
        break;
    case 3:
        random_number(d, &v, 3, roll(d, 2) ? 300 : UINT32_MAX);
        break;
    case 4:
        random_fixed(d, &v, 4, 8);
        break;
    case 5:
    case 6:
        for (uint32_t i = roll(d, 4); i > 0; i--) {
            if (sort == 5)
                random_value(d, &list, 1, depth + 1);
            else
                random_key_value(d, &list, 1, depth + 1);
        }
        put_message(d, &v, sort, &list);
        break;
    default:
        if (roll(d, 2))
            random_text(d, &v, 7, 30);
    }
    put_message(d, f, number, &v);
}

static inline void random_key_value(struct dice *d, struct fields *f, uint32_t number,
                                    unsigned depth)
{
    static const char *const keys[] = {"http.route", "db.statement", "user.email", "k", "port", ""};
    struct fields kv = {.count = 0};
    if (roll(d, 3)) {
        const char *key = keys[roll(d, sizeof keys / sizeof keys[0])];
        put_bytes(d, field(&kv), 1, key, strlen(key));
    } else {
        random_text(d, &kv, 1, weird(d) ? 200 : 20);
    }
    if (!weird(d))
        random_value(d, &kv, 2, depth + 1);
    put_message(d, f, number, &kv);
}

static inline void random_attributes(struct dice *d, struct fields *f, uint32_t number,
                                     uint32_t most)
{
    for (uint32_t i = roll(d, most + 1); i > 0; i--)
        random_key_value(d, f, number, 0);
}

static inline void random_id(struct dice *d, struct fields *f, uint32_t number, size_t len)
{
    uint8_t id[32];
    bool zero = weird(d) && roll(d, 4) == 0;
    for (size_t i = 0; i < sizeof id; i++)
        id[i] = zero ? 0 : (uint8_t)roll(d, 256);
    if (weird(d) && roll(d, 4) == 0)
        len = roll(d, sizeof id);
    put_bytes(d, field(f), number, id, len);
}

static inline void random_status(struct dice *d, struct fields *f)
{
    struct fields status = {.count = 0};
    if (roll(d, 2))
        random_text(d, &status, 2, 20);
    if (roll(d, 2))
        random_number(d, &status, 3, 4);
    put_message(d, f, 15, &status);
}

static inline void random_event(struct dice *d, struct fields *f)
{
    struct fields event = {.count = 0};
    random_fixed(d, &event, 1, 8);
    random_text(d, &event, 2, 20);
    random_attributes(d, &event, 3, 3);
    put_message(d, f, 11, &event);
}

static inline void random_link(struct dice *d, struct fields *f)
{
    struct fields link = {.count = 0};
    random_id(d, &link, 1, 16);
    random_id(d, &link, 2, 8);
    random_text(d, &link, 3, 10);
    random_attributes(d, &link, 4, 2);
    random_fixed(d, &link, 6, 4);
    put_message(d, f, 13, &link);
}

static inline void random_span(struct dice *d, struct fields *f)
{
    struct fields s = {.count = 0};
    random_id(d, &s, 1, 16);
    random_id(d, &s, 2, 8);
    if (roll(d, 4) == 0)
        random_text(d, &s, 3, 20);
    if (roll(d, 2))
        random_id(d, &s, 4, 8);
    random_text(d, &s, 5, 30);
    random_number(d, &s, 6, 7);
    random_fixed(d, &s, 7, 8);
    random_fixed(d, &s, 8, 8);
    random_attributes(d, &s, 9, 12);
    for (uint32_t i = roll(d, 3); i > 0; i--)
        random_event(d, &s);
    for (uint32_t i = roll(d, 3); i > 0; i--)
        random_link(d, &s);
    if (roll(d, 2))
        random_status(d, &s);
    if (roll(d, 2))
        random_fixed(d, &s, 16, 4);
    if (weird(d)) {
        random_status(d, &s);
        random_text(d, &s, 5, 30);
        random_id(d, &s, 1 + roll(d, 2), 16);
        random_number(d, &s, 10, 100);
    }
    put_message(d, f, 2, &s);
}

static inline void random_scope_spans(struct dice *d, struct fields *f)
{
    struct fields s = {.count = 0};
    for (int i = 0; i < 1 + 2 * weird(d); i++) {
        struct fields scope = {.count = 0};
        random_text(d, &scope, 1, 20);
        random_text(d, &scope, 2, 5);
        random_attributes(d, &scope, 3, 2);
        put_message(d, &s, 1, &scope);
    }
    for (uint32_t i = roll(d, 6); i > 0; i--)
        random_span(d, &s);
    if (roll(d, 2))
        random_text(d, &s, 3, 20);
    put_message(d, f, 2, &s);
}

static inline void random_resource_spans(struct dice *d, struct fields *f)
{
    struct fields r = {.count = 0};
    for (int i = 0; i < 1 + 2 * weird(d); i++) {
        struct fields resource = {.count = 0};
        struct fields kv = {.count = 0};
        random_attributes(d, &resource, 1, 4);
        put_bytes(d, field(&kv), 1, "service.name", 12);
        random_value(d, &kv, 2, 5);
        put_message(d, &resource, 1, &kv);
        put_message(d, &r, 1, &resource);
    }
    for (uint32_t i = roll(d, 4); i > 0; i--)
        random_scope_spans(d, &r);
    if (roll(d, 2))
        random_text(d, &r, 3, 20);
    put_message(d, f, 1, &r);
}

/* An ExportTraceServiceRequest, to be freed. */
static inline struct buffer random_request(struct dice *d)
{
    struct buffer out = {0};
    struct fields request = {.count = 0};
    for (uint32_t i = roll(d, 4); i > 0; i--)
        random_resource_spans(d, &request);
    put_fields(d, &request, &out);
    return out;
}

#endif
