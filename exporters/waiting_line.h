/* The waiting line: batches in arrival order, and how requests are cut from its front.
 *
 * A plain data structure under its owner's lock. A batch that is larger than a request leaves in
 * parts; a request that is smaller than asked for takes several batches. Sizes are kept in two
 * units, because the queue's capacity and the batch sizes may be counted differently.
 *
 * Memory: 48 bytes a batch, in a ring that grows and is not shrunk. */
#ifndef TAILSPAN_EXPORTERS_WAITING_LINE_H
#define TAILSPAN_EXPORTERS_WAITING_LINE_H

#include "component/component.h"
#include "exporters/queue_settings.h"
#include "proto/frame.h"

struct waiting {
    struct batch *batch;
    struct receipt *receipt; /* a hold that this entry resolves, or NULL */
    uint64_t since_ns;       /* CLOCK_MONOTONIC */
    uint64_t size;           /* of what is left, in the queue's unit */
    uint64_t batch_size;     /* likewise in the batch sizes' unit */
    uint32_t first;          /* spans before it are gone already */
};

struct waiting_line {
    struct waiting *ring;
    size_t mask; /* ring's length less one */
    size_t head; /* position of the oldest; counts up without end */
    size_t count;
    uint64_t size;
    uint64_t batch_size;
    uint64_t spans;
    enum queue_sizer sizer;
    enum queue_sizer batch_sizer;
};

/* Who waits for the answer to a part of a request. */
struct owner {
    struct receipt *receipt;
    uint32_t spans;
};

/* The first is in place, because most requests have at most one. */
struct owners {
    struct owner first;
    struct owner *more;
    size_t count;
    size_t capacity; /* of `more` */
};

/* Empties the list; its memory is freed. */
void owners_clear(struct owners *o);
bool owners_add(struct owners *o, struct receipt *r, uint32_t spans);
struct owner *owners_at(struct owners *o, size_t i);

/* What a batch counts in a unit; `first` spans are left out. */
uint64_t waiting_size(enum queue_sizer sizer, const struct batch *b, uint32_t first);

/* Takes over the reference to `b` and the hold on `r`. False: out of memory, nothing taken. */
bool waiting_line_add(struct waiting_line *w, struct batch *b, struct receipt *r, uint64_t now_ns);

/* The oldest entry; NULL when none waits. */
struct waiting *waiting_line_first(struct waiting_line *w);

/* Takes the oldest entry out; its batch and receipt are the caller's. */
struct waiting waiting_line_take(struct waiting_line *w);

/* Moves spans from the front to `frame`: whole batches until `min` is reached, but never more than
 * `max` (0: no maximum), for which the last is split. At least one span is moved; with min 0 and
 * max 0 exactly the first entry. Receipts go to `owners`. False: out of memory before anything was
 * moved. */
bool waiting_line_cut(struct waiting_line *w, uint64_t min, uint64_t max, struct frame *frame,
                      struct owners *owners);

/* Frees the ring; nothing may wait any more. */
void waiting_line_free(struct waiting_line *w);

#endif
