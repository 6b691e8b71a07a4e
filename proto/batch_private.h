/* What a batch is made of, for the files of this room that fill one. */
#ifndef TAILSPAN_PROTO_BATCH_PRIVATE_H
#define TAILSPAN_PROTO_BATCH_PRIVATE_H

#include "proto/batch.h"

#include <stdatomic.h>

/* An array that begins in the batch's own allocation, or empty, and moves to the heap when it
 * outgrows that. */
struct batch_array {
    void *items;
    uint32_t capacity; /* in items */
    bool heap;
};

/* Memory for edits, newest first. Bytes are handed out one behind the other, so spans that are
 * edited in order lie together and go out as one slice. */
struct batch_chunk {
    struct batch_chunk *older;
    size_t size;
    size_t used;
    uint8_t data[];
};

struct batch_private {
    /* shared by all holders */
    atomic_uint references;

    /* the only holder's to change */
    size_t allocated; /* as counted in batch_live_bytes() */
    uint8_t *payload;
    size_t capacity;
    struct batch_chunk *chunks;
    struct batch_array spans;     /* struct span_view */
    struct batch_array scopes;    /* struct scope_view */
    struct batch_array resources; /* struct resource_view */
    struct batch_array sources;   /* struct batch *: whose bytes the views point into */
    uint32_t source_count;
    void (*release_owner)(void *owner); /* of the parts of a request; NULL: there are none */
    void *owner;
    size_t owned_bytes; /* counted in `allocated` */
    struct bytes gzip;  /* attached */
};

/* Memory that is counted as live. `allocated` is the owner's count. */
void *batch_allocate(size_t *allocated, size_t size);
void batch_free(size_t *allocated, void *memory, size_t size);

/* The batch no longer says exactly what its request did. */
static inline void batch_forget_request(struct batch *b)
{
    b->request = bytes_of(NULL, 0);
    b->request_gzip = bytes_of(NULL, 0);
    b->parts = NULL;
    b->part_count = 0;
}

/* Counts `size` bytes that others have allocated for this batch as live. */
void batch_count(size_t *allocated, size_t size);

/* Makes room for one more item behind `count`. False: out of memory, nothing changed. */
bool batch_array_grow(struct batch_array *a, size_t item, uint32_t count, size_t *allocated);
/* The same, but no further than batch_limit_live_bytes(). */
bool batch_array_grow_within_limit(struct batch_array *a, size_t item, uint32_t count,
                                   size_t *allocated);
/* Gives back what lies behind `count` when the array is on the heap. */
void batch_array_trim(struct batch_array *a, size_t item, uint32_t count, size_t *allocated);
void batch_array_free(struct batch_array *a, size_t item, size_t *allocated);

static inline bool batch_array_reserve(struct batch_array *a, size_t item, uint32_t count,
                                       size_t *allocated)
{
    return __builtin_expect(count < a->capacity, 1) || batch_array_grow(a, item, count, allocated);
}

/* A batch without payload, its arrays with this much room, held once. NULL: out of memory. */
struct batch *batch_new(uint32_t spans, uint32_t scopes, uint32_t resources, uint32_t sources);

/* Keeps `source` alive as long as `b`, which has room for it. */
void batch_keep(struct batch *b, struct batch *source);

#endif
