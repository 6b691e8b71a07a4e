#include "query/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ALIGNMENT = 16,
    BLOCK = 64 * 1024,
};

struct arena_block {
    struct arena_block *next;
    size_t used;
    size_t size;
    _Alignas(ALIGNMENT) unsigned char data[];
};

static void *fail(struct arena *a)
{
    a->failed = true;
    return NULL;
}

void *arena_alloc(struct arena *a, size_t len)
{
    if (len > SIZE_MAX / 2)
        return fail(a);
    len = (len + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (a->limit && (len > a->limit || a->used > a->limit - len))
        return fail(a);
    struct arena_block *b = a->block;
    if (!b || b->size - b->used < len) {
        size_t size = len > BLOCK ? len : BLOCK;
        b = malloc(sizeof *b + size);
        if (!b)
            return fail(a);
        *b = (struct arena_block){.next = a->block, .size = size};
        a->block = b;
    }
    void *memory = b->data + b->used;
    b->used += len;
    a->used += len;
    return memset(memory, 0, len);
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        return fail(a);
    return arena_alloc(a, count * size);
}

char *arena_copy(struct arena *a, const void *text, size_t len)
{
    char *copy = len < SIZE_MAX ? arena_alloc(a, len + 1) : fail(a);
    if (copy && len)
        memcpy(copy, text, len);
    return copy;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (len < 0)
        return fail(a);
    return arena_copy(a, text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1);
}

void arena_free(struct arena *a)
{
    while (a->block) {
        struct arena_block *b = a->block;
        a->block = b->next;
        free(b);
    }
    a->used = 0;
    a->failed = false;
}
