/* Batches as memory: one allocation each, counted, shared by reference.
 *
 * The index lies before the payload and is guessed at a quarter of it, which is enough for spans of
 * 320 bytes and more; untouched pages of the guess cost nothing. Only smaller spans make an array
 * move to memory of its own. With the payload at the end, a reader that runs past it is seen by
 * AddressSanitizer. */
#include "proto/batch.h"

#include "proto/attribute.h"
#include "proto/batch_private.h"

#include <assert.h>
#include <stdlib.h>

#define CHUNK_MIN 4096U
#define CHUNK_MAX 262144U

#define ROOM_SCOPES    16
#define ROOM_RESOURCES 4

static atomic_size_t live_bytes;
static atomic_size_t live_bytes_most; /* for indexes; 0: no limit */

/* The head of every batch's allocation; views follow, then the payload. */
struct block {
    struct batch batch;
    struct batch_private private;
    size_t size;
};

void *batch_allocate(size_t *allocated, size_t size)
{
    void *memory = malloc(size);
    if (memory)
        batch_count(allocated, size);
    return memory;
}

void batch_count(size_t *allocated, size_t size)
{
    *allocated += size;
    atomic_fetch_add_explicit(&live_bytes, size, memory_order_relaxed);
}

void batch_free(size_t *allocated, void *memory, size_t size)
{
    if (!memory)
        return;
    *allocated -= size;
    atomic_fetch_sub_explicit(&live_bytes, size, memory_order_relaxed);
    free(memory);
}

static bool array_move(struct batch_array *a, size_t item, uint32_t count, uint32_t capacity,
                       size_t *allocated)
{
    void *items = batch_allocate(allocated, item * capacity);
    if (!items)
        return false;
    if (count > 0)
        memcpy(items, a->items, item * count);
    batch_array_free(a, item, allocated);
    *a = (struct batch_array){.items = items, .capacity = capacity, .heap = true};
    return true;
}

bool batch_array_grow(struct batch_array *a, size_t item, uint32_t count, size_t *allocated)
{
    if (a->capacity > UINT32_MAX / 2)
        return false;
    return array_move(a, item, count, a->capacity + a->capacity / 2 + 16, allocated);
}

void batch_array_trim(struct batch_array *a, size_t item, uint32_t count, size_t *allocated)
{
    if (a->heap && count > 0 && count < a->capacity)
        (void)array_move(a, item, count, count, allocated);
}

void batch_array_free(struct batch_array *a, size_t item, size_t *allocated)
{
    if (a->heap)
        batch_free(allocated, a->items, item * a->capacity);
    *a = (struct batch_array){0};
}

static void *take(uint8_t **at, struct batch_array *a, size_t item, uint32_t capacity)
{
    *a = (struct batch_array){.items = *at, .capacity = capacity};
    *at += item * capacity;
    return a->items;
}

/* One allocation: head, arrays, and `payload` bytes behind them. All items are aligned alike. */
static struct batch *block_create(uint32_t spans, uint32_t scopes, uint32_t resources,
                                  uint32_t sources, size_t payload)
{
    size_t size = sizeof(struct block) + sizeof(struct span_view) * spans +
                  sizeof(struct scope_view) * scopes + sizeof(struct resource_view) * resources +
                  sizeof(struct batch *) * sources + payload;
    size_t allocated = 0;
    struct block *block = size >= payload ? batch_allocate(&allocated, size) : NULL;
    if (!block)
        return NULL;
    block->batch = (struct batch){.private = &block->private};
    block->private = (struct batch_private){.allocated = allocated, .capacity = payload};
    block->size = size;
    atomic_init(&block->private.references, 1);

    struct batch *b = &block->batch;
    struct batch_private *p = &block->private;
    uint8_t *at = (uint8_t *)(block + 1);
    b->spans = take(&at, &p->spans, sizeof *b->spans, spans);
    b->scopes = take(&at, &p->scopes, sizeof *b->scopes, scopes);
    b->resources = take(&at, &p->resources, sizeof *b->resources, resources);
    take(&at, &p->sources, sizeof(struct batch *), sources);
    p->payload = at;
    return b;
}

struct batch *batch_create(size_t capacity)
{
    size_t spans = capacity / 4 / sizeof(struct span_view) + 1;
    if (spans > UINT32_MAX)
        return NULL;
    return block_create((uint32_t)spans, ROOM_SCOPES, ROOM_RESOURCES, 0, capacity);
}

struct batch *batch_new(uint32_t spans, uint32_t scopes, uint32_t resources, uint32_t sources)
{
    return block_create(spans, scopes, resources, sources, 0);
}

uint8_t *batch_payload(struct batch *b)
{
    return b->private->payload;
}

void batch_attach_gzip(struct batch *b, struct bytes gzip)
{
    uint8_t *copy = batch_memory(b, gzip.len);
    if (copy)
        b->private->gzip = bytes_of(memcpy(copy, gzip.data, gzip.len), gzip.len);
}

struct batch *batch_from_request(struct bytes request, struct batch_report *report)
{
    *report = (struct batch_report){0};
    struct batch *b = batch_create(request.len);
    if (!b) {
        report->malformed = report->no_memory = true;
        memcpy(report->where, "out of memory", sizeof "out of memory");
        return NULL;
    }
    if (request.len > 0)
        memcpy(batch_payload(b), request.data, request.len);
    if (batch_index(b, request.len, report))
        return b;
    batch_release(b);
    return NULL;
}

struct batch *batch_retain(struct batch *b)
{
    unsigned before = atomic_fetch_add_explicit(&b->private->references, 1, memory_order_relaxed);
    assert(before > 0);
    (void)before;
    return b;
}

static void destroy(struct batch *b)
{
    struct batch_private *p = b->private;
    struct batch **sources = p->sources.items;
    for (uint32_t i = 0; i < p->source_count; i++)
        batch_release(sources[i]);
    if (p->release_owner) {
        p->release_owner(p->owner);
        p->allocated -= p->owned_bytes;
        atomic_fetch_sub_explicit(&live_bytes, p->owned_bytes, memory_order_relaxed);
    }
    while (p->chunks) {
        struct batch_chunk *chunk = p->chunks;
        p->chunks = chunk->older;
        batch_free(&p->allocated, chunk, sizeof *chunk + chunk->size);
    }
    batch_array_free(&p->spans, sizeof *b->spans, &p->allocated);
    batch_array_free(&p->scopes, sizeof *b->scopes, &p->allocated);
    batch_array_free(&p->resources, sizeof *b->resources, &p->allocated);
    batch_array_free(&p->sources, sizeof(struct batch *), &p->allocated);

    struct block *block = (struct block *)b;
    size_t allocated = p->allocated;
    assert(allocated == block->size);
    batch_free(&allocated, block, block->size);
}

void batch_release(struct batch *b)
{
    if (!b)
        return;
    unsigned before = atomic_fetch_sub_explicit(&b->private->references, 1, memory_order_acq_rel);
    assert(before > 0);
    if (before == 1)
        destroy(b);
}

void batch_keep(struct batch *b, struct batch *source)
{
    struct batch_private *p = b->private;
    assert(p->source_count < p->sources.capacity);
    ((struct batch **)p->sources.items)[p->source_count++] = batch_retain(source);
}

uint8_t *batch_memory(struct batch *b, size_t len)
{
    struct batch_private *p = b->private;
    struct batch_chunk *chunk = p->chunks;
    if (!chunk || chunk->size - chunk->used < len) {
        size_t size = chunk ? chunk->size * 2 : CHUNK_MIN;
        size = size > CHUNK_MAX ? CHUNK_MAX : size;
        size = size < len ? len : size;
        if (size > SIZE_MAX - sizeof *chunk)
            return NULL;
        chunk = batch_allocate(&p->allocated, sizeof *chunk + size);
        if (!chunk)
            return NULL;
        chunk->size = size;
        chunk->used = 0;
        chunk->older = p->chunks;
        p->chunks = chunk;
    }
    uint8_t *memory = chunk->data + chunk->used;
    chunk->used += len;
    return memory;
}

void batch_limit_live_bytes(size_t most)
{
    atomic_store_explicit(&live_bytes_most, most, memory_order_relaxed);
}

bool batch_array_grow_within_limit(struct batch_array *a, size_t item, uint32_t count,
                                   size_t *allocated)
{
    size_t most = atomic_load_explicit(&live_bytes_most, memory_order_relaxed);
    size_t wanted = item * a->capacity / 2 * 3;
    if (most && batch_live_bytes() + wanted > most)
        return false;
    return batch_array_grow(a, item, count, allocated);
}

size_t batch_bytes(const struct batch *b)
{
    return b->private->allocated;
}

size_t batch_live_bytes(void)
{
    return atomic_load_explicit(&live_bytes, memory_order_relaxed);
}

struct bytes resource_service_name(const struct resource_view *r)
{
    struct attribute a;
    if (attribute_find(r->message, RESOURCE_ATTRIBUTES, bytes_of_string("service.name"), &a) &&
        a.value.type == VALUE_STRING)
        return a.value.bytes;
    return bytes_of(NULL, 0);
}
