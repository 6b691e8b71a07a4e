/* What other threads ask of the writer's: it alone opens and closes the slot that is being written,
 * and changes which files there are. */
#ifndef TAILSPAN_STORAGE_WRITER_REQUEST_H
#define TAILSPAN_STORAGE_WRITER_REQUEST_H

#include "storage/store_private.h"

struct writer_request {
    void (*run)(struct writer_request *rq, struct store *s); /* on the writer's thread */
    bool done;
    struct writer_request *next;
};

/* Returns when it has run, behind everything queued before. False: the store is closing, it never
 * will. */
bool writer_ask(struct store *s, struct writer_request *rq);

/* For requests: ends the slots that may still be written, and forgets the samples and the
 * dictionary for the next ones. SQLITE_BUSY: readers are in the way, ask again. */
int writer_end_slots(struct store *s);

#endif
