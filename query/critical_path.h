/* The critical path of a journey: what happened one after another, from its beginning to its latest
 * end. */
#ifndef TAILSPAN_QUERY_CRITICAL_PATH_H
#define TAILSPAN_QUERY_CRITICAL_PATH_H

#include "query/arena.h"
#include "query/journey.h"

enum { CRITICAL_PATH_MAX = 4096 }; /* segments */

struct path_segment {
    bool hop; /* time between a producer's end and its consumer's start; else a span's own time */
    uint8_t trace_id[16];
    uint8_t span_id[8]; /* of a hop: the consumer's */
    struct bytes service;
    struct bytes name; /* of a hop: the topic */
    uint64_t start_ns;
    uint64_t end_ns;
};

struct critical_path {
    struct path_segment *segments; /* by time; the arena's */
    size_t count;
    bool cut;
};

/* Of the traces that are stored, of which `last` ends latest. At CLOCK_MONOTONIC `deadline_ns` it
 * is cut. False: out of memory. */
bool critical_path_find(struct store_reader *r, struct arena *a, const struct journey *j,
                        const uint8_t last[16], uint64_t deadline_ns, struct critical_path *out);

#endif
