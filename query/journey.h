/* A journey: the traces that hops join, as the store knows them. */
#ifndef TAILSPAN_QUERY_JOURNEY_H
#define TAILSPAN_QUERY_JOURNEY_H

#include "storage/store_hops.h"

enum {
    JOURNEY_TRACES_MAX = 1000,
    JOURNEY_HOPS_MAX = 10000,
    JOURNEY_DEPTH_MAX = 64, /* hops from the trace that was asked for */
};

struct journey {
    uint8_t (*traces)[16]; /* in the order in which they were found: the one asked for first */
    size_t trace_count;
    struct store_hops hops; /* between them, by time */
    bool cut;               /* it goes on beyond the limits, or did when time was over */
};

/* Follows hops in both directions until the deadline (CLOCK_MONOTONIC). False: out of memory. To be
 * freed in any case. */
bool journey_find(struct store_reader *r, const uint8_t trace_id[16], uint64_t deadline_ns,
                  struct journey *j);
void journey_free(struct journey *j);

#endif
