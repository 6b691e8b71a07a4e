/* Counting the spans of a received request by a walk over its wire bytes, which may lie in several
 * slices. Nothing is copied; a request of 512 spans takes a few microseconds. */
#ifndef TAILSPAN_BENCH_COUNT_H
#define TAILSPAN_BENCH_COUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* The ids that were seen, to find duplicates: a set of 64-bit span ids that grows. */
struct id_set {
    uint64_t *slots; /* 0: free */
    size_t capacity; /* a power of two */
    size_t count;
};

/* False when it was there already. Aborts when out of memory. */
bool id_set_add(struct id_set *s, uint64_t id);
void id_set_free(struct id_set *s);

struct span_count {
    uint64_t spans;
    uint64_t duplicates; /* only with a set of ids */
    bool malformed;
};

/* Adds the spans of one ExportTraceServiceRequest to `out`. `ids` may be NULL. */
void count_spans(const struct iovec *slices, size_t slice_count, struct id_set *ids,
                 struct span_count *out);

#endif
