/* Snappy's block format, as remote write wants its bodies: a length, then runs of bytes and copies
 * of what came before. Source: google/snappy, format_description.txt. */
#ifndef TAILSPAN_METRICS_PROMETHEUS_SNAPPY_H
#define TAILSPAN_METRICS_PROMETHEUS_SNAPPY_H

#include "proto/buffer.h"

/* Appends `plain` packed; less than 4 GiB. Failure is the buffer's. */
void snappy_pack(struct bytes plain, struct buffer *out);

#endif
