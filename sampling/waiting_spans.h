/* Spans that wait for their trace's decision.
 *
 * A span is not copied: it stays in the batch in which it came, and the batch is held until the
 * last of its waiting spans has gone. The spans of a trace are chained through slots, one of 24
 * bytes for each, in an array beside their batch.
 *
 * A few spans that wait longer than the others of their batch would hold all of its bytes. So when
 * three quarters of a batch have gone, and the rest still waits when asked to compact, that is
 * copied into a batch of its own. Each span is thus copied at most once for every three that left
 * before it; and those that leave together, as most do, are not copied at all.
 *
 * One thread at a time. */
#ifndef TAILSPAN_SAMPLING_WAITING_SPANS_H
#define TAILSPAN_SAMPLING_WAITING_SPANS_H

#include "proto/batch.h"

#define SPAN_NONE UINT32_MAX

/* Where a span waits. */
struct span_place {
    uint32_t held; /* SPAN_NONE: nowhere */
    uint32_t slot;
};

/* A trace's spans, in order of arrival. Belongs to the trace's record, which must not move. */
struct span_chain {
    struct span_place first;
    struct span_place last;
    struct span_place root; /* the root span, while it waits */
};

#define SPAN_CHAIN_EMPTY                                                                           \
    (struct span_chain)                                                                            \
    {                                                                                              \
        {SPAN_NONE, 0}, {SPAN_NONE, 0},                                                            \
        {                                                                                          \
            SPAN_NONE, 0                                                                           \
        }                                                                                          \
    }

struct waiting_spans;

/* `chain_of` finds a trace's chain by its number. NULL: out of memory. */
struct waiting_spans *waiting_spans_create(struct span_chain *(*chain_of)(void *owner,
                                                                          uint32_t trace),
                                           void *owner);
/* Releases all that is held. */
void waiting_spans_destroy(struct waiting_spans *w);

/* Begins to hold a batch of which up to `slots` spans will wait; takes over one reference unless it
 * fails. SPAN_NONE: out of memory. */
uint32_t waiting_spans_hold(struct waiting_spans *w, struct batch *b, uint32_t slots);
/* Has a span of the batch begun last wait as the last of the trace's chain. */
void waiting_spans_add(struct waiting_spans *w, uint32_t held, uint32_t span, uint32_t trace,
                       bool root);
/* Ends what hold began: lets the batch go when nothing of it waits. */
void waiting_spans_held(struct waiting_spans *w, uint32_t held);

/* The batch and index of a waiting span. */
struct batch *waiting_spans_at(const struct waiting_spans *w, struct span_place p, uint32_t *span);

/* Takes the first span off a chain; false when it is empty. The caller gets a reference to the
 * batch when `keep` is set, else `b` is not to be used. */
bool waiting_spans_take(struct waiting_spans *w, uint32_t trace, bool keep, struct batch **b,
                        uint32_t *span);

/* Copies what still waits of up to this many thin batches. True: there are no more. */
bool waiting_spans_compact(struct waiting_spans *w, unsigned batches);

uint64_t waiting_spans_count(const struct waiting_spans *w);
/* Copies made, in spans. */
uint64_t waiting_spans_moved(const struct waiting_spans *w);

#endif
