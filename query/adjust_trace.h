/* The adjustments that need to see all spans of a trace. Parts of adjust_read(), in this order. */
#ifndef TAILSPAN_QUERY_ADJUST_TRACE_H
#define TAILSPAN_QUERY_ADJUST_TRACE_H

#include "query/trace.h"

/* Zipkin's clients and servers share one span id. A server span that shares its id with a client
 * span gets one of its own and becomes that span's child. */
void adjust_shared_ids(struct trace *t);

/* Removes all but the first of spans that are equal to the byte. */
void adjust_copies(struct trace *t);

/* Jaeger can move a child that seems to lie outside of its parent because of another host's clock.
 * That is off by default, there and here; what stays is a warning that tells by how much, and
 * warnings about parents that are missing and ids that are not unique. */
void adjust_clock_skew(struct trace *t);

#endif
