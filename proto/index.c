/* Indexing a request: one walk that checks every byte and notes where the spans lie.
 *
 * This file walks what surrounds the spans of a request in one piece; span_index.c walks the spans,
 * which is where the time goes. Views are made for valid spans only, scopes and resources when a
 * valid span needs them: a request cannot claim more index than its spans account for. */
#include "proto/index.h"
#include "proto/batch.h"
#include "proto/prefetch.h"
#include "proto/schema.h"
#include "proto/span_index.h"
#include "proto/wire.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

struct group {
    struct bytes body;
    struct bytes message; /* the Resource or InstrumentationScope that came last */
    const uint8_t *first; /* the first child's tag */
    const uint8_t *last;  /* behind the last child */
    uint32_t messages;    /* how often one came */
    bool scattered;       /* other fields lie between children */
};

static void group_child(struct group *g, const uint8_t *tag, const uint8_t *end)
{
    if (!g->first)
        g->first = tag;
    else if (g->last != tag)
        g->scattered = true;
    g->last = end;
}

/* Copies what belongs together but lies apart: all fields but the children with their tags, or the
 * bodies of a message that came in several parts, which is how protobuf merges them. */
static bool gather(struct batch *b, struct bytes body, bool messages, struct bytes *out)
{
    size_t len = 0;
    uint8_t *memory = NULL;
    for (int pass = 0; pass < 2; pass++) {
        const uint8_t *at = body.data;
        const uint8_t *end = wire_end(body);
        uint8_t *to = memory;
        struct wire_field f;
        while (at < end && (at = wire_field(at, end, &f))) {
            uint32_t number = wire_number(f.tag);
            if (messages ? number != GROUP_MESSAGE : number == GROUP_CHILD)
                continue;
            struct bytes part = messages ? f.bytes : f.framed;
            if (pass == 0)
                len += part.len;
            else if (part.len > 0)
                to = (uint8_t *)memcpy(to, part.data, part.len) + part.len;
        }
        if (pass == 0 && !(memory = batch_memory(b, len)))
            return false;
    }
    *out = bytes_of(memory, len);
    return true;
}

static bool group_finish(struct batch *b, const struct group *g, struct bytes *message,
                         struct bytes *head, struct bytes *tail)
{
    const uint8_t *end = wire_end(g->body);
    *message = g->message;
    if (g->messages > 1 && !gather(b, g->body, true, message))
        return false;
    if (g->scattered) {
        *tail = bytes_of(NULL, 0);
        return gather(b, g->body, false, head);
    }
    *head = bytes_of(g->body.data, (size_t)(g->first - g->body.data));
    *tail = bytes_of(g->last, (size_t)(end - g->last));
    return true;
}

/* A field of a group that is no child; notes the message. NULL: malformed. */
static const uint8_t *group_field(struct group *g, uint32_t tag, const uint8_t *at,
                                  const uint8_t *end, enum schema_message type, unsigned depth)
{
    uint32_t number = wire_number(tag);
    if (number >= GROUP_MESSAGE && number <= GROUP_URL && wire_type(tag) != WIRE_LENGTH)
        return NULL;
    if (number != GROUP_MESSAGE)
        return wire_skip(at, end, wire_type(tag));
    size_t len;
    at = wire_length(at, end, &len);
    if (!at || !schema_check(type, bytes_of(at, len), depth))
        return NULL;
    g->message = bytes_of(at, len);
    g->messages++;
    return at + len;
}

static bool reserve(struct batch_array *a, size_t item, uint32_t count, size_t *allocated)
{
    return wire_likely(count < a->capacity) ||
           batch_array_grow_within_limit(a, item, count, allocated);
}

/* Makes the index entries that the first valid span of a ScopeSpans needs. */
static bool note_scope(struct indexer *ix)
{
    struct batch *b = ix->b;
    struct batch_private *p = b->private;
    if (!reserve(&p->scopes, sizeof *b->scopes, b->scope_count, &p->allocated) ||
        !reserve(&p->resources, sizeof *b->resources, b->resource_count, &p->allocated))
        return false;
    b->scopes = p->scopes.items;
    b->resources = p->resources.items;
    if (!ix->resource_noted) {
        b->resource_count++;
        ix->resource_noted = true;
    }
    b->scopes[b->scope_count++].resource = b->resource_count - 1;
    return true;
}

bool index_span(struct indexer *ix, const uint8_t *at, const uint8_t *end, size_t frame_len,
                bool *scope_noted)
{
    /* A large request does not stay in the cache while it arrives; what comes next is on its way
     * while this span is read: a tenth of the index's time, measured in a relay. */
    for (const uint8_t *ahead = end + 512; ahead < end + 512 + (end - at); ahead += 64)
        prefetch(ahead);
    struct batch *b = ix->b;
    struct batch_private *p = b->private;
    if (wire_unlikely(!reserve(&p->spans, sizeof *b->spans, b->span_count, &p->allocated))) {
        ix->no_memory = true;
        return false;
    }
    b->spans = p->spans.items;
    struct span_view *s = &b->spans[b->span_count];
    *s = (struct span_view){
        .data = at, .len = (uint32_t)(end - at), .frame_len = (uint8_t)frame_len};
    bool identified;
    if (wire_unlikely(!span_index(s, ix->end, &identified)))
        return false;
    if (wire_unlikely(!identified)) {
        if (ix->report->rejected_spans++ == 0)
            ix->first_rejected = span_bytes(s);
        return true;
    }
    if (!*scope_noted) {
        if (!note_scope(ix)) {
            ix->no_memory = true;
            return false;
        }
        *scope_noted = true;
    }
    s->scope = b->scope_count - 1;
    b->span_bytes += s->len;
    b->span_count++;
    return true;
}

static bool index_scope_spans(struct indexer *ix, const uint8_t *at, const uint8_t *end)
{
    struct group g = {.body = bytes_of(at, (size_t)(end - at))};
    bool noted = false;
    while (at < end) {
        const uint8_t *field = at;
        uint32_t tag;
        size_t len;
        at = wire_tag(at, end, &tag);
        if (!at)
            return false;
        if (wire_likely(tag == WIRE_TAG(GROUP_CHILD, WIRE_LENGTH))) {
            at = wire_length(at, end, &len);
            if (!at || !index_span(ix, at, at + len, (size_t)(at - field), &noted))
                return false;
            at += len;
            group_child(&g, field, at);
        } else if (!(at = group_field(&g, tag, at, end, SCHEMA_SCOPE, DEPTH_SCOPE))) {
            return false;
        }
    }
    if (!noted)
        return true;
    struct scope_view *v = &ix->b->scopes[ix->b->scope_count - 1];
    ix->no_memory = !group_finish(ix->b, &g, &v->message, &v->head, &v->tail);
    return !ix->no_memory;
}

static bool index_resource_spans(struct indexer *ix, const uint8_t *at, const uint8_t *end)
{
    struct group g = {.body = bytes_of(at, (size_t)(end - at))};
    ix->resource_noted = false;
    while (at < end) {
        const uint8_t *field = at;
        uint32_t tag;
        size_t len;
        at = wire_tag(at, end, &tag);
        if (!at)
            return false;
        if (tag == WIRE_TAG(GROUP_CHILD, WIRE_LENGTH)) {
            at = wire_length(at, end, &len);
            if (!at || !index_scope_spans(ix, at, at + len))
                return false;
            at += len;
            group_child(&g, field, at);
        } else if (!(at = group_field(&g, tag, at, end, SCHEMA_RESOURCE, DEPTH_RESOURCE))) {
            return false;
        }
    }
    if (!ix->resource_noted)
        return true;
    struct resource_view *v = &ix->b->resources[ix->b->resource_count - 1];
    ix->no_memory = !group_finish(ix->b, &g, &v->message, &v->head, &v->tail);
    return !ix->no_memory;
}

static bool index_request(struct indexer *ix, const uint8_t *at, const uint8_t *end)
{
    while (at < end) {
        uint32_t tag;
        size_t len;
        at = wire_tag(at, end, &tag);
        if (!at)
            return false;
        if (tag == WIRE_TAG(1, WIRE_LENGTH)) {
            at = wire_length(at, end, &len);
            if (!at || !index_resource_spans(ix, at, at + len))
                return false;
            at += len;
        } else if (wire_number(tag) == 1 || !(at = wire_skip(at, end, wire_type(tag)))) {
            return false;
        }
    }
    return true;
}

void index_trim(struct batch *b)
{
    struct batch_private *p = b->private;
    batch_array_trim(&p->spans, sizeof *b->spans, b->span_count, &p->allocated);
    batch_array_trim(&p->scopes, sizeof *b->scopes, b->scope_count, &p->allocated);
    batch_array_trim(&p->resources, sizeof *b->resources, b->resource_count, &p->allocated);
    b->spans = p->spans.items;
    b->scopes = p->scopes.items;
    b->resources = p->resources.items;
}

static void explain(struct indexer *ix, struct bytes request)
{
    struct batch_report *report = ix->report;
    struct batch *b = ix->b;
    b->span_count = b->scope_count = b->resource_count = 0;
    b->span_bytes = 0;
    report->rejected_spans = 0;
    report->malformed = true;
    report->no_memory = ix->no_memory;
    if (ix->no_memory)
        snprintf(report->where, sizeof report->where, "out of memory");
    else if (!schema_explain(request, report->where, sizeof report->where))
        assert(!"the index refuses what the schema allows");
}

bool batch_index(struct batch *b, size_t len, struct batch_report *report)
{
    assert(len <= b->private->capacity);
    *report = (struct batch_report){0};
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    b->received_ns = (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;

    struct bytes request = bytes_of(b->private->payload, len);
    struct indexer ix = {.b = b, .report = report, .end = request.data + len};
    if (!index_request(&ix, request.data, request.data + len)) {
        explain(&ix, request);
        return false;
    }
    if (report->rejected_spans == 0) {
        b->request = request;
        b->request_gzip = b->private->gzip;
    } else {
        schema_explain_ids(request, ix.first_rejected, report->where, sizeof report->where);
    }
    index_trim(b);
    return true;
}
