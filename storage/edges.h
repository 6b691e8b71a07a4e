/* Calls between services, counted: (parent, child) -> number. */
#ifndef TAILSPAN_STORAGE_EDGES_H
#define TAILSPAN_STORAGE_EDGES_H

#include "proto/buffer.h"

struct edge {
    uint32_t parent; /* codes of services */
    uint32_t child;
    uint64_t calls; /* 0: free */
};

/* Zero-initialise. One thread. */
struct edges {
    struct edge *items; /* open addressing; walk all `capacity` and leave out the free ones */
    uint32_t capacity;
    uint32_t count;
    uint64_t seed;
};

/* False: out of memory, not counted. */
bool edges_add(struct edges *e, uint32_t parent, uint32_t child, uint64_t calls);
void edges_clear(struct edges *e);
void edges_free(struct edges *e);

/* As varints, three an edge. Reading adds to what is there; ends at whatever does not fit. */
void edges_write(const struct edges *e, struct buffer *out);
bool edges_read(struct bytes in, struct edges *e);

#endif
