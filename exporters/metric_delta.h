/* What came since it was last told: deltas for sources that want them.
 *
 * Remembers the values of every series as they were told last, by source, family and series id; a
 * series that a walk does not meet is forgotten after it. Memory: 150 bytes a series, and 8 a
 * bucket. One thread at a time. */
#ifndef TAILSPAN_EXPORTERS_METRIC_DELTA_H
#define TAILSPAN_EXPORTERS_METRIC_DELTA_H

#include "component/metric.h"

struct metric_delta;

struct metric_delta *metric_delta_create(void);
void metric_delta_destroy(struct metric_delta *d); /* NULL is fine */

enum delta_result {
    DELTA_NEW,     /* `out` holds what came, good until the next call */
    DELTA_NOTHING, /* nothing came */
    DELTA_NO_MEMORY,
};

/* Takes a point as told. Gauges have no deltas and are not to be asked about. */
enum delta_result metric_delta_take(struct metric_delta *d, const struct metric_source *source,
                                    size_t family, const struct metric_point *p,
                                    struct metric_point *out);

/* After a walk through all families of a source. */
void metric_delta_forget_unseen(struct metric_delta *d, const struct metric_source *source);

#endif
