/* One request as one record of a file: a line of OTLP/JSON, or a length and bytes. */
#ifndef TAILSPAN_EXPORTERS_FILE_RECORD_H
#define TAILSPAN_EXPORTERS_FILE_RECORD_H

#include "proto/batch.h"
#include "proto/buffer.h"

enum file_format {
    FILE_JSON,
    FILE_PROTO,
};

struct file_encoder {
    enum file_format format;
    void *zstd; /* ZSTD_CCtx; NULL: not compressed */
    int level;
};

/* False: out of memory. */
bool file_encoder_init(struct file_encoder *e, enum file_format format, bool compress, int level);
void file_encoder_free(struct file_encoder *e);

/* Appends the batch's record to `out`, as the Collector's file exporter frames it: JSON ends with a
 * newline; protobuf, and either one compressed, comes after its length in four bytes, big-endian.
 * False: out of memory, `out` is as long as before. One thread at a time. */
bool file_record_append(struct file_encoder *e, struct batch *b, struct buffer *out);

#endif
