/* One slot, written anew without some of its spans. */
#ifndef TAILSPAN_STORAGE_ERASE_REWRITE_H
#define TAILSPAN_STORAGE_ERASE_REWRITE_H

#include "storage/reader.h"
#include "storage/store_hops.h"

struct erase_judge {
    /* Whether the span goes. */
    bool (*goes)(void *context, const struct batch *b, uint32_t span);
    /* Whether the hop goes. */
    bool (*hop_goes)(void *context, const struct store_hop *hop);
    void *context;
};

struct rewritten {
    uint64_t spans_gone;
    uint64_t spans_kept;
    uint64_t hops_kept;
    uint64_t parts_damaged; /* could not be read, and are gone as well */
};

/* Writes the slot's draft, sealed, of what stays; held once. NULL with `e` set: nothing has
 * changed. `blobs` compresses. */
struct slot *erase_rewrite(struct store_reader *r, uint32_t slot, const struct erase_judge *judge,
                           struct blob_writer *blobs, struct rewritten *out, struct error *e);

#endif
