/* A part's bytes, before they are compressed: its spans, with what they share left out.
 *
 * The fields of a ResourceSpans or ScopeSpans but for the spans, its envelope, are the same for
 * thousands of traces; together they are a quarter of a trace. So they are kept once in the slot
 * and named by codes; spans stay the wire bytes that they were. */
#ifndef TAILSPAN_STORAGE_PART_H
#define TAILSPAN_STORAGE_PART_H

#include "proto/buffer.h"
#include "storage/group.h"
#include "storage/names.h"

/* A batch on its way to disk, with what was found out about its resources and scopes. */
struct source {
    struct batch *batch;
    uint64_t *memory; /* of all that follow */
    uint64_t
        *resource_blocks;     /* by resource, by scope: serial of the last block whose filter has */
    uint64_t *scope_blocks;   /* its attributes; 0: none */
    uint32_t *services;       /* by resource: its service's code + 1; 0: not looked up */
    uint32_t *resource_codes; /* by resource, by scope: its envelope's code + 1; 0: not looked up */
    uint32_t *scope_codes;
};

/* Takes over nothing: the batch stays the caller's. False: out of memory. */
bool source_init(struct source *s, struct batch *b);
void source_free(struct source *s);

/* Appends the spans to `out`. Failure is that of the buffer. */
void part_pack(struct names *names, struct source *sources, const struct span_ref *refs,
               uint32_t count, struct buffer *out);

/* Makes a batch of packed spans, held once. `find` gives an envelope by its code, false when there
 * is none; what it gives has to stay until part_unpack() returns. NULL when the bytes are not
 * right, an envelope is missing, the whole would be larger than `limit` bytes, or out of memory. */
struct batch *part_unpack(struct bytes packed, size_t limit,
                          bool (*find)(void *context, uint32_t code, struct bytes *envelope),
                          void *context);

#endif
