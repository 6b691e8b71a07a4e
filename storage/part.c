/* Spans of one scope follow each other, so a part is a list of groups:
 *
 *     resource's envelope, scope's envelope, length, framed spans
 *
 * An envelope is its code, or 0, a length and its bytes, when the slot has no room for more of
 * them. Unpacking writes the ExportTraceServiceRequest that this stands for and has it indexed like
 * any request from outside. */
#include "storage/part.h"

#include "proto/message_writer.h"
#include "proto/wire.h"

#include <stdlib.h>

/* The field of both messages that holds what they repeat: scopes, spans. */
#define CONTENT 2

/* A span with its ids, in its frame. */
#define SPAN_LEAST (2 + 18 + 10)

bool source_init(struct source *s, struct batch *b)
{
    size_t both = (size_t)b->resource_count + b->scope_count;
    size_t words = both + (both + b->resource_count + 1) / 2 + 1;
    *s = (struct source){.batch = b, .memory = calloc(words, sizeof *s->memory)};
    if (!s->memory)
        return false;
    s->resource_blocks = s->memory;
    s->scope_blocks = s->resource_blocks + b->resource_count;
    s->services = (uint32_t *)(s->memory + both);
    s->resource_codes = s->services + b->resource_count;
    s->scope_codes = s->resource_codes + b->resource_count;
    return true;
}

void source_free(struct source *s)
{
    free(s->memory);
    *s = (struct source){0};
}

static void put_envelope(struct names *names, uint32_t *code, struct bytes head, struct bytes tail,
                         struct buffer *out)
{
    if (!*code)
        *code = names_envelope(names, head, tail) + 1;
    message_varint(out, *code - 1);
    if (*code > 1)
        return;
    message_varint(out, head.len + tail.len);
    buffer_append(out, head.data, head.len);
    buffer_append(out, tail.data, tail.len);
}

static void put_spans(const struct batch *b, const struct span_ref *refs, uint32_t count,
                      struct buffer *out)
{
    size_t len = 0;
    for (uint32_t i = 0; i < count; i++)
        len += wire_framed_size(CONTENT, b->spans[refs[i].span].len);
    message_varint(out, len);
    uint8_t *at = buffer_reserve(out, len);
    if (!at)
        return;
    struct wire_writer w = wire_writer(at, len);
    for (uint32_t i = 0; i < count; i++)
        wire_put_bytes(&w, CONTENT, span_bytes(&b->spans[refs[i].span]));
    out->len += (size_t)(w.at - at);
}

void part_pack(struct names *names, struct source *sources, const struct span_ref *refs,
               uint32_t count, struct buffer *out)
{
    for (uint32_t i = 0, n; i < count; i += n) {
        struct source *s = &sources[refs[i].batch];
        struct batch *b = s->batch;
        uint32_t scope = b->spans[refs[i].span].scope;
        const struct scope_view *v = &b->scopes[scope];
        const struct resource_view *r = &b->resources[v->resource];
        for (n = 1; i + n < count && refs[i + n].batch == refs[i].batch &&
                    b->spans[refs[i + n].span].scope == scope;)
            n++;
        put_envelope(names, &s->resource_codes[v->resource], r->head, r->tail, out);
        put_envelope(names, &s->scope_codes[scope], v->head, v->tail, out);
        put_spans(b, refs + i, n, out);
    }
}

struct packed_group {
    struct bytes resource;
    struct bytes scope;
    struct bytes spans;
    size_t resource_len; /* of the ResourceSpans that it begins; 0: it goes on with the last one */
};

struct unpacking {
    bool (*find)(void *context, uint32_t code, struct bytes *envelope);
    void *context;
    struct packed_group *groups;
    size_t count;
    size_t capacity;
};

static const uint8_t *take_envelope(const struct unpacking *u, const uint8_t *at,
                                    const uint8_t *end, struct bytes *out)
{
    uint64_t code;
    at = wire_varint(at, end, &code);
    if (!at || code > UINT32_MAX)
        return NULL;
    if (code > 0)
        return u->find(u->context, (uint32_t)code, out) ? at : NULL;
    at = wire_length(at, end, &out->len);
    out->data = at;
    return at ? at + out->len : NULL;
}

static const uint8_t *take_group(struct unpacking *u, const uint8_t *at, const uint8_t *end)
{
    if (u->count == u->capacity) {
        size_t capacity = u->capacity ? u->capacity * 2 : 16;
        struct packed_group *groups = reallocarray(u->groups, capacity, sizeof *groups);
        if (!groups)
            return NULL;
        u->groups = groups;
        u->capacity = capacity;
    }
    struct packed_group *g = &u->groups[u->count++];
    *g = (struct packed_group){0};
    at = take_envelope(u, at, end, &g->resource);
    if (at)
        at = take_envelope(u, at, end, &g->scope);
    if (at)
        at = wire_length(at, end, &g->spans.len);
    g->spans.data = at;
    return at && g->spans.len >= SPAN_LEAST ? at + g->spans.len : NULL;
}

static size_t scope_len(const struct packed_group *g)
{
    return wire_framed_size(CONTENT, g->scope.len + g->spans.len);
}

/* Joins groups of one resource and gives the request's length; 0 when it is over the limit. */
static size_t measure(struct unpacking *u, size_t limit)
{
    size_t total = 0;
    struct packed_group *first = NULL;
    for (size_t i = 0; i < u->count && total <= limit; i++) {
        struct packed_group *g = &u->groups[i];
        bool joins = first && g->resource.data == first->resource.data &&
                     g->resource.len == first->resource.len;
        if (!joins) {
            first = g;
            first->resource_len = g->resource.len;
        }
        first->resource_len += scope_len(g);
        total += scope_len(g) + (joins ? 0 : g->resource.len + WIRE_MAX_FRAME);
    }
    return total <= limit ? total : 0;
}

static void write_request(const struct unpacking *u, struct wire_writer *w)
{
    for (size_t i = 0; i < u->count; i++) {
        const struct packed_group *g = &u->groups[i];
        if (g->resource_len) {
            wire_put_frame(w, 1, g->resource_len);
            wire_put_raw(w, g->resource);
        }
        wire_put_frame(w, CONTENT, g->scope.len + g->spans.len);
        wire_put_raw(w, g->scope);
        wire_put_raw(w, g->spans);
    }
}

static struct batch *restore(struct unpacking *u, size_t limit)
{
    struct batch_report report;
    size_t len = measure(u, limit);
    struct batch *b = len ? batch_create(len) : NULL;
    if (!b)
        return NULL;
    struct wire_writer w = wire_writer(batch_payload(b), len);
    write_request(u, &w);
    if (!w.overflow && batch_index(b, (size_t)(w.at - batch_payload(b)), &report) && b->span_count)
        return b;
    batch_release(b);
    return NULL;
}

struct batch *part_unpack(struct bytes packed, size_t limit,
                          bool (*find)(void *context, uint32_t code, struct bytes *envelope),
                          void *context)
{
    struct unpacking u = {.find = find, .context = context};
    const uint8_t *at = packed.data;
    const uint8_t *end = packed.data + packed.len;
    while (at && at < end)
        at = take_group(&u, at, end);
    struct batch *b = at ? restore(&u, limit) : NULL;
    free(u.groups);
    return b;
}
