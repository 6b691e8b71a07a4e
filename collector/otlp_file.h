/* Spans as OTLP JSON on disk: as the exporter `file` writes them, and as people keep them. */
#ifndef TAILSPAN_COLLECTOR_OTLP_FILE_H
#define TAILSPAN_COLLECTOR_OTLP_FILE_H

#include "component/error.h"
#include "proto/batch.h"

struct otlp_batches {
    struct batch **items;
    uint32_t count;
    uint32_t capacity;
};

/* Adds the requests of a file, one a line or one in all, except those without spans. Lines of other
 * signals are passed over, but a file without any request of traces is an error. False with `e`
 * set, which names the file and the line, or what was expected; what was added before stays. */
bool otlp_file_read(const char *path, struct otlp_batches *all, struct error *e);

void otlp_batches_free(struct otlp_batches *all);

#endif
