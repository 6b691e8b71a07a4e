/* Indexing one span; see index.c for what surrounds it. */
#ifndef TAILSPAN_PROTO_SPAN_INDEX_H
#define TAILSPAN_PROTO_SPAN_INDEX_H

#include "proto/batch.h"

/* Checks the Span at data[0..len) and fills in the rest of the view, which is zero but for data,
 * len and frame_len. Memory up to `readable` can be read, though what lies behind the span is not
 * its. False when it is malformed. `identified` tells whether its ids are valid: a trace id of 16
 * bytes and a span id of 8, neither all zero, and a parent of 8 bytes or none. */
bool span_index(struct span_view *s, const uint8_t *readable, bool *identified);

#endif
