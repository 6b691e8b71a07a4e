/* Memory for what an edit puts into a message: pieces that stay where they are until the message
 * has been written, then go all at once. One thread. */
#ifndef TAILSPAN_PROCESSORS_ATTRIBUTES_MEMORY_H
#define TAILSPAN_PROCESSORS_ATTRIBUTES_MEMORY_H

#include "proto/bytes.h"

/* Zero-initialise. */
struct pieces {
    struct piece *newest;
    bool failed; /* out of memory, until pieces_reset() */
};

/* NULL, and `failed`, when out of memory. */
void *pieces_get(struct pieces *p, size_t len);
struct bytes pieces_copy(struct pieces *p, struct bytes from);

/* Takes everything back; one block is kept for what comes next. */
void pieces_reset(struct pieces *p);
void pieces_free(struct pieces *p);

#endif
