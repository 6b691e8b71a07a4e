/* A growing byte buffer for what is written once and handed on: JSON, wire bytes, replies.
 *
 * Failure is sticky: when memory or the cap runs out, `failed` is set, later writes do nothing, and
 * the caller looks once, at the end. One thread at a time. */
#ifndef TAILSPAN_PROTO_BUFFER_H
#define TAILSPAN_PROTO_BUFFER_H

#include "proto/bytes.h"

#include <stdarg.h>

struct buffer {
    uint8_t *data; /* malloc'd; NULL while empty */
    size_t len;
    size_t capacity;
    size_t limit; /* 0: none; else the largest `len`, in bytes */
    bool failed;
    bool capped; /* failed for `limit`, not for want of memory */
};

/* Zero-initialise a buffer to begin. Frees its memory and makes it empty again. */
void buffer_free(struct buffer *b);

/* Room for `len` more bytes at the end; NULL (and `failed`) when there is none. The caller fills
 * them and adds what it used to `b->len`. */
uint8_t *buffer_reserve(struct buffer *b, size_t len);

void buffer_append(struct buffer *b, const void *data, size_t len);
void buffer_append_string(struct buffer *b, const char *s);
void buffer_append_byte(struct buffer *b, uint8_t byte);
void buffer_printf(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Gives the memory away (to be freed with free()) and leaves the buffer empty. A terminating NUL
 * lies behind the last byte and is not counted; `len` may be NULL. NULL when it failed. */
char *buffer_take(struct buffer *b, size_t *len);

static inline struct bytes buffer_bytes(const struct buffer *b)
{
    return bytes_of(b->data, b->len);
}

#endif
