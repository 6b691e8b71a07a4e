/* Framing any choice of spans as an ExportTraceServiceRequest, without copying them.
 *
 * The result is a list of slices: new tags, lengths and the heads and tails of resources and scopes
 * come from memory of the frame, spans stay where they are. Spans that lie together go out as one
 * slice, and a whole untouched batch as the request it came in, because each slice costs the
 * transport (512 slices of 550 bytes cost gRPC C core 9 % more than one of 280 KB).
 *
 * A frame keeps a reference to every batch that it frames until frame_release(). One thread. */
#ifndef TAILSPAN_PROTO_FRAME_H
#define TAILSPAN_PROTO_FRAME_H

#include "proto/batch.h"
#include "proto/buffer.h"

struct frame;

/* An empty frame; NULL: out of memory. */
struct frame *frame_create(void);

/* Adds spans [first, first + count) of `b`, retaining it. False: out of memory, nothing added. */
bool frame_add(struct frame *f, struct batch *b, uint32_t first, uint32_t count);

/* Lays out the slices; after it nothing may be added. False: out of memory, and the frame is only
 * good for release. */
bool frame_finish(struct frame *f);

/* After frame_finish(): the slices, in order; total bytes; spans framed. Slices live until release.
 */
const struct bytes *frame_slices(const struct frame *f, size_t *count);
size_t frame_bytes(const struct frame *f);
uint32_t frame_spans(const struct frame *f);

/* The framed request compressed with gzip, when it is one that came so; else empty. It lives as
 * long as the frame. */
struct bytes frame_gzip(const struct frame *f);

/* Copies the request behind the last byte of `out`. */
void frame_flatten(const struct frame *f, struct buffer *out);

/* All spans of `b` as a request, behind the last byte of `out`; a frame for this once. False: out
 * of memory, or over the buffer's limit; `out` has failed. */
bool frame_batch(struct batch *b, struct buffer *out);

/* References: an exporter's in-flight request and its retry share one frame. Any thread. */
struct frame *frame_retain(struct frame *f);
void frame_release(struct frame *f);

/* How many bytes framing spans [first, first + count) of `b` would take; an upper bound. */
size_t frame_estimate(const struct batch *b, uint32_t first, uint32_t count);

#endif
