/* From a request's body, as it came over the wire, to a batch's payload.
 *
 * Undoes the compression and turns JSON into protobuf, each step held to the same limit.
 * Uncompressed protobuf needs none of this: transports write it into the payload themselves. */
#ifndef TAILSPAN_RECEIVERS_BODY_H
#define TAILSPAN_RECEIVERS_BODY_H

#include "proto/batch.h"
#include "receivers/inflate.h"

enum body_result {
    BODY_OK,
    BODY_MALFORMED, /* `where` says how */
    BODY_TOO_LARGE,
    BODY_NO_MEMORY,
};

enum { BODY_WHERE = 256 };

struct body_format {
    enum encoding encoding;
    bool json;
};

/* On success *out is a batch, held once and not yet indexed, and *len its payload's length. `limit`
 * is the largest content in bytes, decompressed. One thread at a time per inflater. */
enum body_result body_decode(struct inflater *inflater, struct body_format format,
                             struct bytes body, size_t limit, struct batch **out, size_t *len,
                             char where[BODY_WHERE]);

#endif
