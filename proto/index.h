/* Indexing, for the files of this room that walk a request: index.c one that lies in one piece,
 * index_parts.c one that lies in several. */
#ifndef TAILSPAN_PROTO_INDEX_H
#define TAILSPAN_PROTO_INDEX_H

#include "proto/batch_private.h"

/* The fields of a ResourceSpans or ScopeSpans. Both have the same numbers. */
#define GROUP_MESSAGE 1
#define GROUP_CHILD   2
#define GROUP_URL     3

/* Levels of nesting, counted from the request, at which Resource and InstrumentationScope lie. */
#define DEPTH_RESOURCE 3
#define DEPTH_SCOPE    4

struct indexer {
    struct batch *b;
    struct batch_report *report;
    const uint8_t *end; /* of what may be read ahead; the spans' own bounds are theirs */
    struct bytes first_rejected;
    bool resource_noted; /* whether the ResourceSpans that is being walked is in the index */
    bool no_memory;
};

/* Indexes the Span [at, end), framed by the `frame_len` bytes before it. *scope_noted is whether
 * its ScopeSpans has an entry yet. False: malformed, or out of memory, which the indexer then says.
 */
bool index_span(struct indexer *ix, const uint8_t *at, const uint8_t *end, size_t frame_len,
                bool *scope_noted);

/* When all spans are indexed: gives back what the arrays have too much. */
void index_trim(struct batch *b);

#endif
