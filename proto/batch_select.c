/* Batches made of other batches' spans: a private copy, a choice, a gathering.
 *
 * Only views are copied. The new batch keeps the ones that it was made from alive, and with them
 * the bytes that its views point into. */
#include "proto/batch.h"
#include "proto/batch_private.h"

#include <assert.h>
#include <stdlib.h>

static struct batch *copy_index(struct batch *b)
{
    struct batch *copy = batch_new(b->span_count, b->scope_count, b->resource_count, 1);
    if (!copy)
        return NULL;
    memcpy(copy->spans, b->spans, sizeof *b->spans * b->span_count);
    memcpy(copy->scopes, b->scopes, sizeof *b->scopes * b->scope_count);
    memcpy(copy->resources, b->resources, sizeof *b->resources * b->resource_count);
    copy->span_count = b->span_count;
    copy->scope_count = b->scope_count;
    copy->resource_count = b->resource_count;
    copy->span_bytes = b->span_bytes;
    copy->request = b->request;
    copy->parts = b->parts;
    copy->part_count = b->part_count;
    copy->request_gzip = b->request_gzip;
    copy->received_ns = b->received_ns;
    batch_keep(copy, b);
    return copy;
}

struct batch *batch_writable(struct batch *b)
{
    if (atomic_load_explicit(&b->private->references, memory_order_acquire) == 1)
        return b;
    struct batch *copy = copy_index(b);
    batch_release(b);
    return copy;
}

/* Appends a view of span `i` of `from`; its scope and resource are taken over unless they are those
 * that were appended last. The arrays have room. */
static void append(struct batch *b, const struct batch *from, uint32_t i, bool same_scope,
                   bool same_resource)
{
    const struct span_view *s = &from->spans[i];
    const struct scope_view *scope = span_scope(from, s);
    if (!same_resource)
        b->resources[b->resource_count++] = *span_resource(from, s);
    if (!same_scope) {
        b->scopes[b->scope_count] = *scope;
        b->scopes[b->scope_count++].resource = b->resource_count - 1;
    }
    b->spans[b->span_count] = *s;
    b->spans[b->span_count++].scope = b->scope_count - 1;
    b->span_bytes += s->len;
}

struct batch *batch_select(struct batch *b, const uint32_t *indices, uint32_t count)
{
    if (count == b->span_count)
        return copy_index(b);
    uint32_t scopes = count < b->scope_count ? count : b->scope_count;
    uint32_t resources = count < b->resource_count ? count : b->resource_count;
    struct batch *chosen = batch_new(count, scopes, resources, 1);
    if (!chosen)
        return NULL;
    chosen->received_ns = b->received_ns;
    batch_keep(chosen, b);
    uint32_t scope = UINT32_MAX;
    uint32_t resource = UINT32_MAX;
    for (uint32_t i = 0; i < count; i++) {
        assert(indices[i] < b->span_count && (i == 0 || indices[i] > indices[i - 1]));
        uint32_t next_scope = b->spans[indices[i]].scope;
        uint32_t next_resource = b->scopes[next_scope].resource;
        append(chosen, b, indices[i], next_scope == scope, next_resource == resource);
        scope = next_scope;
        resource = next_resource;
    }
    return chosen;
}

struct batch_builder {
    struct batch *batch;
    struct batch *from; /* of the span that was added last */
    uint32_t scope;     /* its scope and resource there */
    uint32_t resource;
};

struct batch_builder *batch_builder_create(void)
{
    struct batch_builder *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->batch = batch_new(0, 0, 0, 0);
    if (w->batch)
        return w;
    free(w);
    return NULL;
}

/* Room for one more of everything. */
static bool reserve(struct batch *b)
{
    struct batch_private *p = b->private;
    size_t *allocated = &p->allocated;
    bool room =
        batch_array_reserve(&p->spans, sizeof *b->spans, b->span_count, allocated) &&
        batch_array_reserve(&p->scopes, sizeof *b->scopes, b->scope_count, allocated) &&
        batch_array_reserve(&p->resources, sizeof *b->resources, b->resource_count, allocated) &&
        batch_array_reserve(&p->sources, sizeof(struct batch *), p->source_count, allocated);
    b->spans = p->spans.items;
    b->scopes = p->scopes.items;
    b->resources = p->resources.items;
    return room;
}

bool batch_builder_add(struct batch_builder *w, struct batch *from, uint32_t span)
{
    assert(span < from->span_count);
    struct batch *b = w->batch;
    if (!reserve(b))
        return false;
    uint32_t scope = from->spans[span].scope;
    uint32_t resource = from->scopes[scope].resource;
    bool same_batch = w->from == from;
    append(b, from, span, same_batch && scope == w->scope, same_batch && resource == w->resource);
    if (!same_batch)
        batch_keep(b, from);
    if (b->received_ns == 0 || from->received_ns < b->received_ns)
        b->received_ns = from->received_ns;
    w->from = from;
    w->scope = scope;
    w->resource = resource;
    return true;
}

uint32_t batch_builder_count(const struct batch_builder *w)
{
    return w->batch->span_count;
}

struct batch *batch_builder_finish(struct batch_builder *w)
{
    struct batch *b = w->batch;
    free(w);
    if (b->span_count > 0)
        return b;
    batch_release(b);
    return NULL;
}
