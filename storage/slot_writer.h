/* The slot that is being written: one transaction at a time, by one thread.
 *
 *     begin, add …, commit
 *
 * Functions that return an int return SQLite's result codes. After any but SQLITE_OK the codes and
 * counters kept here may no longer agree with the file: close it, and open it again. */
#ifndef TAILSPAN_STORAGE_SLOT_WRITER_H
#define TAILSPAN_STORAGE_SLOT_WRITER_H

#include "storage/blob.h"
#include "storage/block.h"
#include "storage/slot.h"

struct slot_writer;

/* Opens the slot's file, or makes it. `blobs` compresses and is lent until the slot is closed: a
 * new slot begins with its dictionary, a continued one gives it its own. Recovers what a crash left
 * in the -wal. NULL with `code` set. */
struct slot_writer *slot_writer_open(struct slot *slot, struct blob_writer *blobs, int *code);

/* Rolls back an open transaction. */
void slot_writer_close(struct slot_writer *w);

struct slot *slot_writer_slot(const struct slot_writer *w);

int slot_writer_begin(struct slot_writer *w);
/* Adds one trace's spans, as one part or, when they are many, as several. */
int slot_writer_add(struct slot_writer *w, struct source *sources, const struct span_ref *refs,
                    uint32_t count);
/* Adds hops, as records (hop_record.h). */
int slot_writer_add_hops(struct slot_writer *w, struct bytes records);
int slot_writer_commit(struct slot_writer *w);

/* Completes the index, checkpoints and marks the file as never to be written again. SQLITE_BUSY:
 * readers were in the way of truncating the -wal; try again later. */
int slot_writer_seal(struct slot_writer *w);

/* For tests: the file may grow to so many pages; SQLITE_FULL beyond. 0: no limit. */
void slot_writer_limit_pages(struct slot_writer *w, int pages);

/* Whether a commit would probably work now: writes as much as a small one, and takes it back. After
 * a failure the writer has to be closed. */
int slot_writer_probe(struct slot_writer *w);

#endif
