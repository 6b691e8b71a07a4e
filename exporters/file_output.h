/* A file that records are appended to, with rotation: the file exporter's disk side.
 *
 * Records are gathered and written in large pieces. A record is on disk whole or not at all: what a
 * failed write left behind is cut off again. Rotated files are named as the Collector documents it,
 * spans-2026-01-31T10-20-30.123.json beside spans.json. One thread at a time. */
#ifndef TAILSPAN_EXPORTERS_FILE_OUTPUT_H
#define TAILSPAN_EXPORTERS_FILE_OUTPUT_H

#include "component/error.h"
#include "proto/buffer.h"

#include <sys/types.h>

#define FILE_KEPT_MAX (1 << 20) /* bytes of memory kept from one record for the next */

struct file_output_options {
    const char *path;      /* not copied */
    bool append;           /* else an old file is truncated; with rotation always appended to */
    bool create_directory; /* with its parents */
    mode_t directory_mode;
    bool rotate;
    int64_t max_bytes;   /* of a file before it is rotated; a longer record gets its own */
    int64_t max_age_ns;  /* of rotated files, 0: keep */
    int64_t max_backups; /* rotated files to keep, 0: all */
    bool local_time;     /* of the names' timestamps; else UTC */
};

struct file_output {
    struct file_output_options options;
    int fd;
    int64_t size;          /* bytes of whole records in the file */
    struct buffer waiting; /* whole records, not yet written */
    uint64_t waiting_spans;
    uint64_t written_spans; /* in all */
    uint64_t lost_spans;    /* in all: of records that could not be written */
};

bool file_output_open(struct file_output *o, const struct file_output_options *options,
                      struct error *e);

/* Adds a record of so many spans to what waits; before it, rotates when it would make the file too
 * long, which flushes first. False: something could not be written, and is counted as lost. */
bool file_output_append(struct file_output *o, struct bytes record, uint64_t spans,
                        struct error *e);

/* Writes what waits. False: could not; it is gone, and counted as lost. */
bool file_output_flush(struct file_output *o, struct error *e);

/* Whether a write would probably work now, found out without writing: a regular file is given room
 * behind its end, of others only their end is asked. */
bool file_output_probe(struct file_output *o, struct error *e);

/* Does not flush. */
void file_output_close(struct file_output *o);

#endif
