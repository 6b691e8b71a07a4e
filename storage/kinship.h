/* Parents and children among the spans of a part: the calls between services that it shows whole,
 * and what is left open for other parts of the trace to answer. */
#ifndef TAILSPAN_STORAGE_KINSHIP_H
#define TAILSPAN_STORAGE_KINSHIP_H

#include "proto/buffer.h"
#include "storage/edges.h"

struct kin {
    uint64_t id;
    uint64_t parent; /* 0: a root */
    uint32_t service;
};

/* Scratch memory, kept for the next use. Zero-initialise. */
struct kinship {
    uint32_t *table; /* hash of the id -> index + 1 */
    uint32_t capacity;
    uint64_t seed;
};

/* Counts the calls within the part in `edges` and appends the part's refs to `refs`: the service of
 * each span by a part of its id, and each orphan's service by that of its parent's. False: out of
 * memory. */
bool kinship_resolve(struct kinship *k, const struct kin *spans, uint32_t count,
                     struct edges *edges, struct buffer *refs);
void kinship_free(struct kinship *k);

/* Reading refs back. */
struct kin_ref {
    uint32_t id; /* 24 bits of a span id */
    uint32_t service;
};

struct kin_part {
    struct bytes spans; /* kin_refs, one behind the other */
    struct bytes orphans;
};

/* The next part's refs from `refs`, which is moved on. */
bool kin_part_next(struct bytes *refs, struct kin_part *out);
bool kin_ref_next(struct bytes *list, struct kin_ref *out);

#endif
