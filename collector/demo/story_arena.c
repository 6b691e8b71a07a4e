#include "collector/demo/story_arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { BLOCK_SIZE = 64 << 10 };

struct story_arena_block {
    struct story_arena_block *next;
    size_t size;
    alignas(max_align_t) char data[];
};

static void add_block(struct story_arena *a, size_t size)
{
    if (size < BLOCK_SIZE)
        size = BLOCK_SIZE;
    struct story_arena_block *b = calloc(1, sizeof *b + size);
    if (!b) {
        fputs("tailspan demo: out of memory\n", stderr);
        exit(1);
    }
    b->next = a->blocks;
    b->size = size;
    a->blocks = b;
    a->used = 0;
}

void *story_arena_take(struct story_arena *a, size_t size)
{
    size = (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
    if (!a->blocks || a->blocks->size - a->used < size)
        add_block(a, size);
    void *p = a->blocks->data + a->used;
    a->used += size;
    return p;
}

char *story_arena_print(struct story_arena *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = story_arena_take(a, (size_t)len + 1);
    va_start(args, format);
    vsnprintf(text, (size_t)len + 1, format, args);
    va_end(args);
    return text;
}

void story_arena_free(struct story_arena *a)
{
    while (a->blocks) {
        struct story_arena_block *b = a->blocks;
        a->blocks = b->next;
        free(b);
    }
    a->used = 0;
}
