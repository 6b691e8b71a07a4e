/* Compressing a framed request, slice by slice, without flattening it first.
 *
 * gzip is ISA-L's: 0.27 CPU-seconds a million spans where zlib at its default level costs 4.8, for
 * a somewhat larger result. zstd is for HTTP, gRPC C core does not have it. */
#ifndef TAILSPAN_EXPORTERS_COMPRESS_H
#define TAILSPAN_EXPORTERS_COMPRESS_H

#include "component/error.h"
#include "proto/buffer.h"

enum compression {
    COMPRESSION_NONE,
    COMPRESSION_GZIP,
    COMPRESSION_ZSTD,
};

/* Compressor states of one kind and level, reused by whichever thread compresses next. Memory: 400
 * KB for each thread that compresses at the same time. */
struct compressor;

/* `level` 0 is the default, 1; else 1 to 3 for gzip, 1 to 11 for zstd. NULL with `e` set when the
 * level is none of these. */
struct compressor *compressor_create(enum compression kind, int level, struct error *e);
void compressor_destroy(struct compressor *c);

/* Appends the compressed slices to `out`. Any thread. False: out of memory, or over the buffer's
 * limit. */
bool compressor_run(struct compressor *c, const struct bytes *slices, size_t count,
                    struct buffer *out);

/* The Content-Encoding; NULL for none. */
const char *compression_name(enum compression kind);

#endif
