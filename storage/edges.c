/* A small hash table; a block of 256 traces has some tens of edges. */
#define XXH_INLINE_ALL
#include "storage/edges.h"

#include "component/hash_seed.h"
#include "proto/wire.h"

#include <stdlib.h>
#include <xxhash.h>

static struct edge *find(const struct edges *e, uint32_t parent, uint32_t child)
{
    uint64_t key = (uint64_t)parent << 32 | child;
    uint32_t mask = e->capacity - 1;
    uint32_t at = (uint32_t)XXH3_64bits_withSeed(&key, sizeof key, e->seed) & mask;
    for (;; at = (at + 1) & mask) {
        struct edge *edge = &e->items[at];
        if (!edge->calls || (edge->parent == parent && edge->child == child))
            return edge;
    }
}

static bool grow(struct edges *e)
{
    struct edges larger = {.capacity = e->capacity ? e->capacity * 2 : 64, .seed = hash_seed()};
    larger.items = calloc(larger.capacity, sizeof *larger.items);
    if (!larger.items)
        return false;
    for (uint32_t i = 0; i < e->capacity; i++) {
        if (e->items[i].calls)
            *find(&larger, e->items[i].parent, e->items[i].child) = e->items[i];
    }
    free(e->items);
    e->items = larger.items;
    e->capacity = larger.capacity;
    e->seed = larger.seed;
    return true;
}

bool edges_add(struct edges *e, uint32_t parent, uint32_t child, uint64_t calls)
{
    if (calls == 0)
        return true;
    if (e->count >= e->capacity / 2 && !grow(e))
        return false;
    struct edge *edge = find(e, parent, child);
    if (!edge->calls) {
        *edge = (struct edge){.parent = parent, .child = child};
        e->count++;
    }
    if (__builtin_add_overflow(edge->calls, calls, &edge->calls))
        edge->calls = UINT64_MAX; /* 0 would free it */
    return true;
}

void edges_clear(struct edges *e)
{
    if (e->capacity)
        memset(e->items, 0, e->capacity * sizeof *e->items);
    e->count = 0;
}

void edges_free(struct edges *e)
{
    free(e->items);
    *e = (struct edges){0};
}

void edges_write(const struct edges *e, struct buffer *out)
{
    size_t room = (size_t)e->count * 3 * WIRE_MAX_VARINT;
    uint8_t *at = room ? buffer_reserve(out, room) : NULL;
    if (!at)
        return;
    struct wire_writer w = wire_writer(at, room);
    for (uint32_t i = 0; i < e->capacity; i++) {
        const struct edge *edge = &e->items[i];
        if (!edge->calls)
            continue;
        wire_put_varint(&w, edge->parent);
        wire_put_varint(&w, edge->child);
        wire_put_varint(&w, edge->calls);
    }
    out->len += (size_t)(w.at - at);
}

bool edges_read(struct bytes in, struct edges *e)
{
    const uint8_t *at = in.data;
    const uint8_t *end = in.data + in.len;
    while (at && at < end) {
        uint64_t parent, child, calls;
        at = wire_varint(at, end, &parent);
        if (at)
            at = wire_varint(at, end, &child);
        if (at)
            at = wire_varint(at, end, &calls);
        if (at && !edges_add(e, (uint32_t)parent, (uint32_t)child, calls))
            return false;
    }
    return true;
}
