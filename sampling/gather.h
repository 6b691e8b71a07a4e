/* Kept spans on their way out: from many batches into few.
 *
 * Traces are small and come in pieces; handing on each by itself would make a request of a few
 * spans of every one, and overrun any queue that counts requests. So spans that are kept gather
 * here and leave in batches of about a thousand. Spans that came together leave together, under one
 * resource and scope, unless different policies kept them.
 *
 * What leaves is a copy: the batches that it was chosen from can go at once, however long an
 * exporter takes. At the usual rates, where one span in ten is kept, that is a tenth of a copy a
 * span. One thread at a time. */
#ifndef TAILSPAN_SAMPLING_GATHER_H
#define TAILSPAN_SAMPLING_GATHER_H

#include "proto/batch.h"

#define GATHER_SPANS 1024U
#define GATHER_BYTES (2U << 20) /* well below what a gRPC server takes by default */

/* How kept spans are marked. Strings are those of the policy set. */
struct kept_mark {
    const char *policy; /* NULL: not recorded */
    const char *composite_policy;
    bool cached_decision;

    bool consistent; /* the tracestate follows what is below */
    bool probability_known;
    uint64_t threshold;
};

struct gather;

/* NULL: out of memory. */
struct gather *gather_create(void);
void gather_destroy(struct gather *g);

/* Adds a span. Takes over one reference, whatever happens. Spans with the same `group` have the
 * same mark. `randomness` is the trace's. False: out of memory, the span is lost. */
bool gather_add(struct gather *g, struct batch *b, uint32_t span, uint32_t group,
                uint64_t randomness);

uint32_t gather_count(const struct gather *g);
/* Enough for a batch. */
bool gather_full(const struct gather *g);

/* The batch of all that has gathered, which is then empty; NULL when there is none, or with the
 * number of spans `lost` for want of memory. `mark` tells of a group. */
struct batch *gather_finish(struct gather *g,
                            void (*mark)(void *context, uint32_t group, struct kept_mark *out),
                            void *context, uint32_t *lost);

#endif
