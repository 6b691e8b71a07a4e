/* The latest decisions in full: what a trace was like, and each policy's vote.
 *
 * A ring of equal records, its memory taken once. Putting votes into words costs more than
 * deciding, so only so many decisions a second are kept in full; what was decided of the others is
 * in the decision memory. One thread at a time. */
#ifndef TAILSPAN_SAMPLING_RECENT_DECISIONS_H
#define TAILSPAN_SAMPLING_RECENT_DECISIONS_H

#include "sampling/sampling.h"

struct recent_decision {
    uint8_t id[16];
    uint64_t hash;
    struct sampling_decision decision;
    enum explanation_reason reason;
    uint64_t decided_ns; /* CLOCK_REALTIME */
    uint64_t waited_ns;
    uint64_t duration_ns;
    uint64_t bytes;
    uint32_t spans;
    uint32_t late_spans;
    uint32_t next; /* with the same place in the index */
    bool rooted;
    bool voted;
    struct policy_vote votes[]; /* one a policy */
};

struct recent_decisions;

/* Of about `bytes`. NULL: out of memory. */
struct recent_decisions *recent_decisions_create(size_t bytes, unsigned policies);
void recent_decisions_destroy(struct recent_decisions *r);

/* The record for the next decision, to be filled in and committed; NULL when enough were kept in
 * this second, or there is no room for any. One that was not committed is the next again. */
struct recent_decision *recent_decisions_next(struct recent_decisions *r, uint64_t now_ns);
void recent_decisions_commit(struct recent_decisions *r);

struct recent_decision *recent_decisions_find(const struct recent_decisions *r, uint64_t hash,
                                              const uint8_t id[16]);

#endif
