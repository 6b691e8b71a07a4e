#include "processors/attributes_memory.h"

#include <stdalign.h>
#include <stdlib.h>

enum { BLOCK = 4096 };

struct piece {
    struct piece *older;
    size_t size;
    size_t used;
    alignas(max_align_t) uint8_t data[];
};

static struct piece *grow(struct pieces *p, size_t len)
{
    size_t size = len > BLOCK ? len : BLOCK;
    struct piece *block = size <= SIZE_MAX - sizeof *block ? malloc(sizeof *block + size) : NULL;
    if (!block) {
        p->failed = true;
        return NULL;
    }
    *block = (struct piece){.older = p->newest, .size = size};
    p->newest = block;
    return block;
}

void *pieces_get(struct pieces *p, size_t len)
{
    const size_t step = alignof(max_align_t);
    struct piece *block = p->newest;
    if (len > SIZE_MAX - step) {
        p->failed = true;
        return NULL;
    }
    len = (len + step - 1) / step * step;
    if (!block || block->size - block->used < len)
        block = grow(p, len);
    if (!block)
        return NULL;
    void *memory = block->data + block->used;
    block->used += len;
    return memory;
}

struct bytes pieces_copy(struct pieces *p, struct bytes from)
{
    uint8_t *to = pieces_get(p, from.len);
    if (!to)
        return bytes_of(NULL, 0);
    if (from.len)
        memcpy(to, from.data, from.len);
    return bytes_of(to, from.len);
}

static void free_but(struct pieces *p, struct piece *kept)
{
    struct piece *block = p->newest;
    while (block) {
        struct piece *older = block->older;
        if (block != kept)
            free(block);
        block = older;
    }
    p->newest = kept;
    p->failed = false;
}

void pieces_reset(struct pieces *p)
{
    struct piece *kept = p->newest;
    while (kept && kept->size != BLOCK)
        kept = kept->older;
    free_but(p, kept);
    if (kept) {
        kept->older = NULL;
        kept->used = 0;
    }
}

void pieces_free(struct pieces *p)
{
    free_but(p, NULL);
}
