/* A batch of its own bytes, from spans that lie in others: it holds nothing else alive, and is one
 * contiguous request. */
#ifndef TAILSPAN_SAMPLING_BATCH_COPY_H
#define TAILSPAN_SAMPLING_BATCH_COPY_H

#include "proto/frame.h"

/* The spans of a frame, to which frame_finish() was not applied yet. Releases the frame. NULL: out
 * of memory. */
struct batch *batch_from_frame(struct frame *f, uint64_t received_ns);

/* A copy of all of `b`. NULL: out of memory. */
struct batch *batch_copy(struct batch *b);

#endif
