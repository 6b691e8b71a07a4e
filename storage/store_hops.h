/* Hops in the store: which span of one trace took what a span of another, or of the same, had sent.
 *
 * Kept beside the spans and not in them, because many are found when the spans have long been
 * written. They live in the slot that is open when they are found, as long as that does. */
#ifndef TAILSPAN_STORAGE_STORE_HOPS_H
#define TAILSPAN_STORAGE_STORE_HOPS_H

#include "proto/bytes.h"
#include "storage/store.h"

struct store_hop {
    uint8_t producer_trace[16];
    uint8_t producer_span[8];
    uint8_t consumer_trace[16];
    uint8_t consumer_span[8];
    uint64_t producer_end_ns; /* since the Unix epoch; 0: not known */
    uint64_t consumer_start_ns;
    int64_t offset;          /* -1: not known */
    int32_t partition;       /* likewise */
    uint32_t attempt;        /* 1: the first delivery to this group */
    uint8_t confidence;      /* percent; 100: certain */
    struct bytes matched_by; /* "link", "offset", …; of these five at most 255 bytes are kept */
    struct bytes topic;
    struct bytes group;
    struct bytes producer_service;
    struct bytes consumer_service;
};

/* Queues a hop for the writer's thread; false: the queue is full, it was dropped and counted. Any
 * thread. */
bool store_write_hop(struct store *s, const struct store_hop *hop);

/* Hops that were dropped so far. */
uint64_t store_hops_dropped(struct store *s);

struct store_hops {
    struct store_hop *items; /* oldest first, each once; strings live as long */
    size_t count;
    bool cut; /* there are more */
    void *memory;
};

/* Hops that lead from or to any of these traces, `limit` at most. False: out of memory. */
bool store_hops_of(struct store_reader *r, const uint8_t (*traces)[16], size_t count, size_t limit,
                   struct store_hops *out);
void store_hops_free(struct store_hops *h);

#endif
