/* Going through a store from its oldest trace to its newest, whether a process writes to it or not.
 */
#ifndef TAILSPAN_STORAGE_REPLAY_H
#define TAILSPAN_STORAGE_REPLAY_H

#include "storage/store.h"

/* Opens what lies in the directory for reading only, beside the process that may have it open:
 * nothing is made, locked, mended or removed. Only readers may be opened on it. NULL with `e` set
 * when there is no store. */
struct store *store_open_to_read(const char *directory, struct error *e);

/* Shows every trace once, whole, in about the order in which they came, until `each` returns false;
 * the batch is the walk's. `done` goes from 0 to 1. False with `e` set when a slot cannot be read,
 * or `each` ended it. */
bool store_each_trace(struct store_reader *r,
                      bool (*each)(void *context, struct batch *trace, double done), void *context,
                      struct error *e);

#endif
