/* Decompression of request bodies into memory whose size the caller decides.
 *
 * Whole bodies only, so libdeflate can be used, which inflates about five times as fast as zlib and
 * cannot be made to write outside of the given room. A body that wants more room says so, and the
 * caller decides whether it gets it: that is all there is to a bomb. */
#ifndef TAILSPAN_RECEIVERS_INFLATE_H
#define TAILSPAN_RECEIVERS_INFLATE_H

#include "proto/bytes.h"

enum encoding {
    ENCODING_IDENTITY,
    ENCODING_GZIP,
    ENCODING_ZLIB, /* HTTP's "deflate": zlib's format, or bare deflate from senders that erred */
    ENCODING_ZSTD,
};

enum inflate_result {
    INFLATE_OK,
    INFLATE_NO_ROOM, /* it is longer than `room`; nothing useful was written */
    INFLATE_MALFORMED,
    INFLATE_NO_MEMORY,
};

/* Decompressors' state, made when first needed. One thread at a time. */
struct inflater;
struct inflater *inflater_create(void); /* NULL: out of memory */
void inflater_destroy(struct inflater *f);

/* How much room to begin with: what the format tells, and `limit` + 1 when that is over the limit;
 * where it does not tell, a guess within the limit. */
size_t inflate_room(enum encoding encoding, struct bytes body, size_t limit);

/* Writes the content to `out`, at most `room` bytes, and its length to *len. Concatenated gzip
 * members and zstd frames are one content; anything else behind the end is malformed. */
enum inflate_result inflate_body(struct inflater *f, enum encoding encoding, struct bytes body,
                                 uint8_t *out, size_t room, size_t *len);

#endif
