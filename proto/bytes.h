/* A borrowed run of bytes: where it lies and how long it is. Never owns anything. */
#ifndef TAILSPAN_PROTO_BYTES_H
#define TAILSPAN_PROTO_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct bytes {
    const uint8_t *data;
    size_t len;
};

static inline struct bytes bytes_of(const void *data, size_t len)
{
    return (struct bytes){.data = data, .len = len};
}

static inline struct bytes bytes_of_string(const char *s)
{
    return (struct bytes){.data = (const uint8_t *)s, .len = strlen(s)};
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool bytes_equal_string(struct bytes a, const char *s)
{
    return bytes_equal(a, bytes_of_string(s));
}

/* By their bytes, the shorter first where one begins the other: below 0, 0, above 0. */
static inline int bytes_compare(struct bytes a, struct bytes b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter ? memcmp(a.data, b.data, shorter) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* A copy as a string, which the caller frees; NULL when out of memory. Unlike strndup(), which may
 * look for the end of a string, it reads these bytes and no other. */
static inline char *bytes_to_string(struct bytes s)
{
    char *copy = malloc(s.len + 1);
    if (copy && s.len)
        memcpy(copy, s.data, s.len);
    if (copy)
        copy[s.len] = 0;
    return copy;
}

#endif
