/* Edges that wait for their other half: requests of which one side was seen, by the id of the
 * calling span. Bounded; the oldest come first when their time is over.
 *
 * An edge is 112 bytes and 16 to 32 of table. Guarded by the caller's lock. */
#ifndef TAILSPAN_METRICS_EDGES_H
#define TAILSPAN_METRICS_EDGES_H

#include "metrics/text.h"

struct edge_key {
    uint8_t trace_id[16];
    uint8_t span_id[8]; /* of the client or producer; all zero: of a root */
};

enum edge_type {
    EDGE_UNKNOWN,
    EDGE_MESSAGING,
    EDGE_DATABASE,
    EDGE_VIRTUAL,
};

/* One side's dimensions are a part of a series' key (dimensions.h). Texts are held by the edge. */
struct edge {
    struct edge_key key;
    uint64_t hash;
    uint64_t expires_ns; /* CLOCK_MONOTONIC */
    uint64_t client_ns;
    uint64_t server_ns;
    struct text *client;
    struct text *server;
    struct text *peer;
    struct text *client_dimensions;
    struct text *server_dimensions;
    uint32_t older; /* edge numbers, from 1 */
    uint32_t newer;
    uint8_t type;
    bool failed;
};

struct edge_slot {
    uint32_t hash;
    uint32_t edge; /* 0: free */
};

struct edges {
    struct text_set *texts;
    uint32_t limit;
    struct edge **pages;
    uint32_t page_count;
    uint32_t end;  /* numbers that were used */
    uint32_t free; /* the next one is its `newer` */
    uint32_t count;
    uint32_t oldest;
    uint32_t newest;
    struct edge_slot *table;
    uint32_t mask;
};

bool open_edges_init(struct edges *e, struct text_set *texts, uint32_t limit);
void open_edges_free(struct edges *e);

uint64_t edge_hash(const struct edge_key *k);
void open_edges_prefetch(const struct edges *e, uint64_t hash);
void edges_prefetch_edge(const struct edges *e, uint64_t hash);

struct edge *open_edges_find(const struct edges *e, const struct edge_key *k, uint64_t hash);

static inline bool open_edges_full(const struct edges *e)
{
    return e->count >= e->limit;
}

/* Adds an edge, which is zeroed but for its key and hash; there is no other of its key. NULL: full,
 * or out of memory. */
struct edge *open_edges_add(struct edges *e, const struct edge_key *k, uint64_t hash);

/* NULL: none waits. */
struct edge *open_edges_oldest(const struct edges *e);

/* Removes an edge and drops its texts. */
void open_edges_remove(struct edges *e, struct edge *edge);

void edge_drop_texts(struct text_set *texts, const struct edge *edge);

#endif
