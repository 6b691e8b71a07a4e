/* Which series were shown already: a set of 64-bit hashes, so that none is shown twice.
 *
 * Two series of one family with the same hash are one in 2^64 / n²; the seed cannot be known from
 * outside. Memory: 8 to 32 bytes a series. */
#ifndef TAILSPAN_METRICS_PROMETHEUS_SERIES_SET_H
#define TAILSPAN_METRICS_PROMETHEUS_SERIES_SET_H

#include "proto/bytes.h"

struct series_set {
    uint64_t *slots; /* 0: empty */
    size_t mask;
    size_t count;
};

enum series_new {
    SERIES_NEW,
    SERIES_KNOWN,
    SERIES_NO_MEMORY,
};

/* Zero-initialise; series_set_free() at the end. */
enum series_new series_set_add(struct series_set *s, struct bytes labels);
void series_set_clear(struct series_set *s);
void series_set_free(struct series_set *s);

#endif
