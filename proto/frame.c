/* Laying out chosen spans as a request.
 *
 * Adding only notes runs: spans that lie together, in their scope, in their resource, with the
 * lengths summed up on the way. Finishing then knows every length, so that tags and lengths are
 * written once, into one piece of memory, together with the heads of resources and scopes (they are
 * short; a long one stays where it is and becomes a slice of its own).
 *
 * Scopes and resources are one when their bytes are, wherever they came from: spans that a sampler
 * kept of many requests of one service go out under one resource. */
#include "proto/frame.h"

#include "proto/wire.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#define COPY_MAX 2048 /* bytes of a head that are copied rather than referenced */

/* Spans that lie together, framed. */
struct run {
    struct bytes bytes;
    uint32_t group;
};

/* A ResourceSpans or ScopeSpans to be written. A request slice that goes out as it is counts as a
 * resource without head, with a run of its own. */
struct group {
    struct bytes head;
    struct bytes tail;
    size_t body; /* bytes between tag with length and the end */
    uint32_t parent;
    bool whole; /* no frame: a request as it came */
};

struct list {
    void *items;
    uint32_t count;
    uint32_t capacity;
};

struct frame {
    atomic_uint references;
    bool finished;
    uint32_t span_count;
    struct list batches;   /* struct batch * */
    struct list resources; /* struct group */
    struct list scopes;    /* struct group, parent in resources */
    struct list runs;      /* struct run, group in scopes */
    uint8_t *memory;       /* what is written new */
    struct bytes *slices;
    size_t slice_count;
    size_t byte_count;
};

struct frame *frame_create(void)
{
    struct frame *f = calloc(1, sizeof *f);
    if (f)
        atomic_init(&f->references, 1);
    return f;
}

/* A zeroed item at the end; NULL: out of memory. */
static void *list_add(struct list *l, size_t item)
{
    if (!l->items || l->count == l->capacity) {
        size_t capacity = l->capacity ? (size_t)l->capacity * 2 : 8;
        void *items = capacity <= UINT32_MAX ? reallocarray(l->items, capacity, item) : NULL;
        if (!items)
            return NULL;
        l->items = items;
        l->capacity = (uint32_t)capacity;
    }
    return memset((uint8_t *)l->items + item * l->count++, 0, item);
}

static struct group *last_group(const struct list *l)
{
    return l->count > 0 ? (struct group *)l->items + l->count - 1 : NULL;
}

static bool same(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.data == b.data || bytes_equal(a, b));
}

static struct group *group_add(struct list *l, struct bytes head, struct bytes tail,
                               uint32_t parent)
{
    struct group *g = list_add(l, sizeof *g);
    if (g)
        *g = (struct group){
            .head = head, .tail = tail, .body = head.len + tail.len, .parent = parent};
    return g;
}

/* Begins the resource and scope of `scope`, or goes on with the last ones. */
static bool enter_scope(struct frame *f, const struct batch *b, uint32_t scope)
{
    const struct scope_view *s = &b->scopes[scope];
    const struct resource_view *r = &b->resources[s->resource];
    struct group *resource = last_group(&f->resources);
    struct group *last = last_group(&f->scopes);
    bool same_resource = resource && !resource->whole && same(resource->head, r->head) &&
                         same(resource->tail, r->tail);
    if (!same_resource && !group_add(&f->resources, r->head, r->tail, 0))
        return false;
    if (same_resource && last && last->parent == f->resources.count - 1 &&
        same(last->head, s->head) && same(last->tail, s->tail))
        return true;
    return group_add(&f->scopes, s->head, s->tail, f->resources.count - 1) != NULL;
}

static bool run_add(struct frame *f, struct bytes bytes)
{
    struct run *last = f->runs.count ? (struct run *)f->runs.items + f->runs.count - 1 : NULL;
    uint32_t group = f->scopes.count - 1;
    if (last && last->group == group && last->bytes.data + last->bytes.len == bytes.data) {
        last->bytes.len += bytes.len;
        return true;
    }
    struct run *run = list_add(&f->runs, sizeof *run);
    if (run)
        *run = (struct run){.bytes = bytes, .group = group};
    return run != NULL;
}

static bool add_piece(struct frame *f, struct bytes piece)
{
    struct group *resource = group_add(&f->resources, piece, bytes_of(NULL, 0), 0);
    if (resource)
        resource->whole = true;
    return resource != NULL;
}

/* A request as it came. */
static bool add_whole(struct frame *f, const struct batch *b)
{
    if (b->part_count == 0)
        return add_piece(f, b->request);
    for (uint32_t i = 0; i < b->part_count; i++) {
        if (!add_piece(f, b->parts[i]))
            return false;
    }
    return true;
}

static bool add_spans(struct frame *f, const struct batch *b, uint32_t first, uint32_t count)
{
    uint32_t scope = UINT32_MAX;
    for (uint32_t i = first; i < first + count; i++) {
        const struct span_view *s = &b->spans[i];
        if (s->scope != scope && !enter_scope(f, b, s->scope))
            return false;
        scope = s->scope;
        if (!run_add(f, bytes_of(s->data - s->frame_len, (size_t)s->frame_len + s->len)))
            return false;
        last_group(&f->scopes)->body += (size_t)s->frame_len + s->len;
    }
    return true;
}

/* What an addition may change of what was there, to undo one that fails. */
struct mark {
    uint32_t resources, scopes, runs;
    struct group scope;
    struct run run;
};

static struct mark mark(const struct frame *f)
{
    struct mark m = {
        .resources = f->resources.count, .scopes = f->scopes.count, .runs = f->runs.count};
    if (m.scopes > 0)
        m.scope = *last_group(&f->scopes);
    if (m.runs > 0)
        m.run = ((struct run *)f->runs.items)[m.runs - 1];
    return m;
}

static void undo(struct frame *f, const struct mark *m)
{
    f->resources.count = m->resources;
    f->scopes.count = m->scopes;
    f->runs.count = m->runs;
    if (m->scopes > 0)
        *last_group(&f->scopes) = m->scope;
    if (m->runs > 0)
        ((struct run *)f->runs.items)[m->runs - 1] = m->run;
}

static bool is_whole(const struct batch *b, uint32_t first, uint32_t count)
{
    return first == 0 && count == b->span_count && (b->request.len > 0 || b->part_count > 0);
}

bool frame_add(struct frame *f, struct batch *b, uint32_t first, uint32_t count)
{
    assert(!f->finished && first <= b->span_count && count <= b->span_count - first);
    if (count == 0)
        return true;
    struct batch **kept = f->batches.items;
    bool known = f->batches.count > 0 && kept[f->batches.count - 1] == b;
    if (!known) {
        kept = list_add(&f->batches, sizeof(struct batch *));
        if (!kept)
            return false;
        *kept = b;
    }
    struct mark before = mark(f);
    if (!(is_whole(b, first, count) ? add_whole(f, b) : add_spans(f, b, first, count))) {
        undo(f, &before);
        f->batches.count -= !known;
        return false;
    }
    if (!known)
        batch_retain(b);
    f->span_count += count;
    return true;
}

/* Writing the layout out: new bytes go to memory, the rest is referenced, and what turns out to lie
 * together is one slice. */
struct layout {
    struct bytes *slices;
    size_t count;
    struct wire_writer *w;
};

static void emit(struct layout *l, struct bytes bytes)
{
    if (bytes.len == 0)
        return;
    struct bytes *last = l->count > 0 ? &l->slices[l->count - 1] : NULL;
    if (last && last->data + last->len == bytes.data)
        last->len += bytes.len;
    else
        l->slices[l->count++] = bytes;
}

static void emit_part(struct layout *l, struct bytes part)
{
    const uint8_t *begin = l->w->at;
    if (part.len > COPY_MAX) {
        emit(l, part);
        return;
    }
    wire_put_raw(l->w, part);
    emit(l, bytes_of(begin, part.len));
}

static void emit_frame(struct layout *l, uint32_t number, size_t len)
{
    const uint8_t *begin = l->w->at;
    wire_put_frame(l->w, number, len);
    emit(l, bytes_of(begin, (size_t)(l->w->at - begin)));
}

/* Adds the scopes' lengths to their resources' and returns the memory that headers need. */
static size_t measure(struct frame *f)
{
    struct group *resources = f->resources.items;
    struct group *scopes = f->scopes.items;
    size_t memory = 0;
    for (uint32_t i = 0; i < f->scopes.count; i++) {
        struct group *g = &scopes[i];
        resources[g->parent].body += wire_framed_size(2, g->body);
        memory += WIRE_MAX_FRAME + (g->head.len > COPY_MAX ? 0 : g->head.len) +
                  (g->tail.len > COPY_MAX ? 0 : g->tail.len);
    }
    for (uint32_t i = 0; i < f->resources.count; i++) {
        struct group *g = &resources[i];
        f->byte_count += g->whole ? g->body : wire_framed_size(1, g->body);
        if (!g->whole)
            memory += WIRE_MAX_FRAME + (g->head.len > COPY_MAX ? 0 : g->head.len) +
                      (g->tail.len > COPY_MAX ? 0 : g->tail.len);
    }
    return memory;
}

static void lay_out(const struct frame *f, struct layout *l)
{
    const struct group *resources = f->resources.items;
    const struct group *scopes = f->scopes.items;
    const struct run *runs = f->runs.items;
    uint32_t scope = 0;
    uint32_t run = 0;
    for (uint32_t i = 0; i < f->resources.count; i++) {
        const struct group *r = &resources[i];
        if (r->whole) {
            emit(l, r->head);
            continue;
        }
        emit_frame(l, 1, r->body);
        emit_part(l, r->head);
        for (; scope < f->scopes.count && scopes[scope].parent == i; scope++) {
            emit_frame(l, 2, scopes[scope].body);
            emit_part(l, scopes[scope].head);
            for (; run < f->runs.count && runs[run].group == scope; run++)
                emit(l, runs[run].bytes);
            emit_part(l, scopes[scope].tail);
        }
        emit_part(l, r->tail);
    }
}

bool frame_finish(struct frame *f)
{
    assert(!f->finished);
    size_t slices = 3 * ((size_t)f->resources.count + f->scopes.count) + f->runs.count;
    size_t len = measure(f);
    uint8_t *memory = malloc(len + 1);
    struct layout l = {.slices = reallocarray(NULL, slices + 1, sizeof *l.slices)};
    if (!memory || !l.slices) {
        free(memory);
        free(l.slices);
        return false;
    }
    struct wire_writer w = wire_writer(memory, len);
    l.w = &w;
    lay_out(f, &l);
    assert(!w.overflow && l.count <= slices);
    f->memory = memory;
    f->slices = l.slices;
    f->slice_count = l.count;
    f->finished = true;
    return true;
}

const struct bytes *frame_slices(const struct frame *f, size_t *count)
{
    assert(f->finished);
    *count = f->slice_count;
    return f->slices;
}

size_t frame_bytes(const struct frame *f)
{
    assert(f->finished);
    return f->byte_count;
}

uint32_t frame_spans(const struct frame *f)
{
    return f->span_count;
}

struct bytes frame_gzip(const struct frame *f)
{
    assert(f->finished);
    const struct group *only = f->resources.items;
    struct batch *const *batch = f->batches.items;
    if (f->batches.count != 1 || f->resources.count != 1 || !only->whole)
        return bytes_of(NULL, 0);
    return batch[0]->request_gzip;
}

void frame_flatten(const struct frame *f, struct buffer *out)
{
    assert(f->finished);
    uint8_t *to = buffer_reserve(out, f->byte_count);
    if (!to)
        return;
    for (size_t i = 0; i < f->slice_count; i++)
        to = (uint8_t *)memcpy(to, f->slices[i].data, f->slices[i].len) + f->slices[i].len;
    out->len += f->byte_count;
}

bool frame_batch(struct batch *b, struct buffer *out)
{
    struct frame *f = frame_create();
    if (f && frame_add(f, b, 0, b->span_count) && frame_finish(f))
        frame_flatten(f, out);
    else
        out->failed = true;
    frame_release(f);
    return !out->failed;
}

struct frame *frame_retain(struct frame *f)
{
    atomic_fetch_add_explicit(&f->references, 1, memory_order_relaxed);
    return f;
}

void frame_release(struct frame *f)
{
    if (!f || atomic_fetch_sub_explicit(&f->references, 1, memory_order_acq_rel) > 1)
        return;
    struct batch **kept = f->batches.items;
    for (uint32_t i = 0; i < f->batches.count; i++)
        batch_release(kept[i]);
    free(f->batches.items);
    free(f->resources.items);
    free(f->scopes.items);
    free(f->runs.items);
    free(f->memory);
    free(f->slices);
    free(f);
}

static size_t whole_bytes(const struct batch *b)
{
    size_t len = b->request.len;
    for (uint32_t i = 0; i < b->part_count; i++)
        len += b->parts[i].len;
    return len;
}

size_t frame_estimate(const struct batch *b, uint32_t first, uint32_t count)
{
    if (count > 0 && is_whole(b, first, count))
        return whole_bytes(b);
    size_t bytes = 0;
    uint32_t scope = UINT32_MAX;
    uint32_t resource = UINT32_MAX;
    for (uint32_t i = first; i < first + count; i++) {
        const struct span_view *s = &b->spans[i];
        bytes += (size_t)s->frame_len + s->len;
        if (s->scope == scope)
            continue;
        scope = s->scope;
        const struct scope_view *v = &b->scopes[scope];
        bytes += WIRE_MAX_FRAME + v->head.len + v->tail.len;
        if (v->resource == resource)
            continue;
        resource = v->resource;
        bytes += WIRE_MAX_FRAME + b->resources[resource].head.len + b->resources[resource].tail.len;
    }
    return bytes;
}
