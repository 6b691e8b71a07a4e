/* Names that come again and again, kept once: services and peers of edges that wait.
 *
 * Counted by reference; the last one to drop a name frees it. Guarded by the lock of whoever holds
 * the set. */
#ifndef TAILSPAN_METRICS_TEXT_H
#define TAILSPAN_METRICS_TEXT_H

#include "proto/bytes.h"

struct text {
    uint64_t hash;
    struct text *next; /* in its bucket */
    uint32_t references;
    uint32_t len;
    uint8_t data[];
};

enum { TEXT_BUCKETS = 4096, TEXT_MAX = 4096 /* bytes; what is longer is cut */ };

struct text_set {
    struct text *buckets[TEXT_BUCKETS];
};

/* The name, held once more. NULL: out of memory. */
struct text *text_get(struct text_set *set, struct bytes name);
/* `t` may be NULL. */
void text_drop(struct text_set *set, struct text *t);

static inline struct text *text_hold(struct text *t)
{
    t->references++;
    return t;
}

static inline struct bytes text_bytes(const struct text *t)
{
    return t ? bytes_of(t->data, t->len) : bytes_of("", 0);
}

#endif
