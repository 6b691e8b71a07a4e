/* What is remembered of a record that was written, and of one that was taken while its producer has
 * not been seen. 80 bytes each, and 12 for three indices. */
#ifndef TAILSPAN_PROCESSORS_KAFKA_HOPS_RECORD_H
#define TAILSPAN_PROCESSORS_KAFKA_HOPS_RECORD_H

#include <stdint.h>

/* A record that a producer's span wrote. What one chain looks at lies together, because an index
 * that does not fit a processor's cache costs what it touches. */
struct produced {
    uint32_t next_id;
    uint8_t trace_id[16];
    uint8_t span_id[8];
    uint32_t next_key;
    uint32_t key; /* hash of the message's key; 0: none */
    uint32_t party;
    int64_t offset; /* -1: not known */
    int32_t partition;
    uint32_t next_place;
    uint64_t end_ns;
    uint32_t took_us; /* from its start to its end */
    uint32_t arrived_ms;
    uint32_t deliveries; /* the first (delivery.h); 0: none */
    uint8_t taken : 1;   /* some consumer was found */
    uint8_t open : 1;    /* none was yet, and so it was told */
    uint8_t guessed : 1; /* its offset was learned by inference */
    uint8_t confidence;  /* then: percent */
};

enum consumed_via {
    VIA_NOTHING,  /* neither link nor parent: only its place, or its key */
    VIA_LINK,     /* target is what it links to */
    VIA_PARENT,   /* target is its parent */
    VIA_ORIGINAL, /* its place is that of the record which it repeats */
};

/* A record that a consumer's span took: one for each link of a batch. */
struct consumed {
    uint32_t next_target;
    uint8_t via : 2;
    uint8_t done : 1;     /* its producer was found */
    uint8_t settled : 1;  /* what came with it has come */
    uint8_t fetches : 1;  /* message.fetches */
    uint8_t receives : 1; /* kind CLIENT */
    uint8_t found_by;     /* of a link that a Tailspan before us made: hop_match + 1; else 0 */
    uint8_t confidence;
    uint8_t attempt; /* from headers; 0: not said */
    uint64_t target; /* hash of the producer's ids (ids_hash); 0: not known */
    int64_t offset;
    int32_t partition;
    uint32_t party;
    uint32_t next_place;
    uint32_t next_key;
    uint32_t key;
    uint32_t arrived_ms;
    uint64_t start_ns;
    uint8_t trace_id[16];
    uint8_t span_id[8];
};

_Static_assert(sizeof(struct produced) == 80, "as documented");
_Static_assert(sizeof(struct consumed) == 80, "as documented");

#endif
