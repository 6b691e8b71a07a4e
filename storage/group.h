/* Spans of many batches, grouped by trace. */
#ifndef TAILSPAN_STORAGE_GROUP_H
#define TAILSPAN_STORAGE_GROUP_H

#include "proto/batch.h"

struct span_ref {
    uint32_t batch; /* index into the batches that were grouped */
    uint32_t span;
};

struct trace_group {
    uint32_t first; /* into refs */
    uint32_t count;
};

/* Keeps its memory for the next use. Zero-initialise. */
struct grouping {
    struct trace_group *traces; /* in order of appearance */
    uint32_t trace_count;
    struct span_ref *refs; /* those of one trace lie together, in order of arrival */
    uint32_t span_count;

    /* scratch */
    uint32_t *trace_of; /* by span */
    uint32_t *table;    /* hash of the trace id -> trace + 1 */
    uint32_t span_capacity;
    uint32_t table_capacity;
    uint64_t seed;
};

/* Groups all spans of the batches, less than 2^31 of them. False: out of memory. */
bool group_spans(struct grouping *g, struct batch *const *batches, uint32_t count);
void group_free(struct grouping *g);

#endif
