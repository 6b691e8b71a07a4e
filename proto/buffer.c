/* A growing byte buffer: doubling, capped, with an error that sticks.
 *
 * One byte more than `capacity` is always allocated, so that buffer_take() can end the text with a
 * NUL without a last reallocation of what may be megabytes. */
#include "proto/buffer.h"

#include <stdio.h>
#include <stdlib.h>

#define FIRST_CAPACITY 256

void buffer_free(struct buffer *b)
{
    free(b->data);
    *b = (struct buffer){.limit = b->limit};
}

static bool grow(struct buffer *b, size_t wanted)
{
    if (b->limit && wanted > b->limit) {
        b->capped = true;
        return false;
    }
    size_t capacity = b->capacity > SIZE_MAX / 2 ? wanted : b->capacity * 2;
    if (capacity < FIRST_CAPACITY)
        capacity = FIRST_CAPACITY;
    if (capacity < wanted)
        capacity = wanted;
    if (b->limit && capacity > b->limit)
        capacity = b->limit;
    if (capacity == SIZE_MAX)
        return false;
    uint8_t *data = realloc(b->data, capacity + 1);
    if (!data)
        return false;
    b->data = data;
    b->capacity = capacity;
    return true;
}

uint8_t *buffer_reserve(struct buffer *b, size_t len)
{
    if (b->failed)
        return NULL;
    bool fits = b->data && len <= b->capacity - b->len;
    if (!fits && (len > SIZE_MAX - b->len || !grow(b, b->len + len))) {
        b->failed = true;
        return NULL;
    }
    return b->data + b->len;
}

void buffer_append(struct buffer *b, const void *data, size_t len)
{
    if (len == 0)
        return;
    uint8_t *to = buffer_reserve(b, len);
    if (!to)
        return;
    memcpy(to, data, len);
    b->len += len;
}

void buffer_append_string(struct buffer *b, const char *s)
{
    buffer_append(b, s, strlen(s));
}

void buffer_append_byte(struct buffer *b, uint8_t byte)
{
    uint8_t *to = buffer_reserve(b, 1);
    if (!to)
        return;
    *to = byte;
    b->len++;
}

void buffer_printf(struct buffer *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0) {
        b->failed = true;
        return;
    }
    uint8_t *to = buffer_reserve(b, (size_t)len); /* the NUL goes into the spare byte */
    if (!to)
        return;
    va_start(args, format);
    vsnprintf((char *)to, (size_t)len + 1, format, args);
    va_end(args);
    b->len += (size_t)len;
}

char *buffer_take(struct buffer *b, size_t *len)
{
    if (len)
        *len = 0;
    if (!buffer_reserve(b, 0)) {
        buffer_free(b);
        return NULL;
    }
    if (len)
        *len = b->len;
    char *data = (char *)b->data;
    data[b->len] = '\0';
    *b = (struct buffer){.limit = b->limit};
    return data;
}
