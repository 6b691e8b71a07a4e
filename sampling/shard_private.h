/* A shard from the inside: its state, and what its files ask of each other.
 *
 *   shard.c         making; turns of the home lane
 *   shard_arrive.c  spans in
 *   shard_decide.c  decisions
 *   shard_leave.c   spans of decided traces out
 *   shard_explain.c looking in
 *
 * All functions but those of shard.h are called under the shard's lock. */
#ifndef TAILSPAN_SAMPLING_SHARD_PRIVATE_H
#define TAILSPAN_SAMPLING_SHARD_PRIVATE_H

#include "sampling/decision_memory.h"
#include "sampling/gather.h"
#include "sampling/recent_decisions.h"
#include "sampling/shard.h"
#include "sampling/trace_table.h"

#include <pthread.h>

#define A_SECOND     1000000000U
#define OUTBOX_MAX   32U    /* batches that the next component has no room for yet */
#define LEAVING_MAX  65536U /* decided traces whose spans are still here */
#define GATHERED_MAX (8 * GATHER_SPANS)

/* span-ingest: the traces whose spans came from the resource at hand. */
struct ingest {
    uint32_t turn; /* counts resources */
    uint32_t *traces;
    uint32_t count;
    uint32_t capacity;
};

struct shard {
    const struct shard_settings *settings;
    unsigned number;
    atomic_bool full; /* no room: read without the lock */

    pthread_mutex_t lock; /* guards all below */
    uint64_t clock_ns;    /* CLOCK_MONOTONIC: the latest time that somebody came with */
    struct policy_set *policies;
    struct trace_table *traces;
    struct timing_wheel wheel;
    struct waiting_spans *spans;
    struct decision_memory *memory;
    struct recent_decisions *recent;
    uint32_t leaving_first; /* decided traces whose spans are still here, oldest first */
    uint32_t leaving_last;
    uint32_t leaving_count;
    struct gather *gather;
    uint64_t gather_since_ns; /* CLOCK_MONOTONIC of its first span */
    struct batch *outbox[OUTBOX_MAX];
    uint32_t outbox_first;
    uint32_t outbox_count;
    uint64_t retry_ns;   /* CLOCK_MONOTONIC: hand on again then; 0: now */
    uint64_t compact_ns; /* CLOCK_MONOTONIC: when thin batches are looked for next */
    uint64_t began_ns;   /* of the turns that decide what is due now; 0: nothing is */
    bool draining;
    struct ingest ingest;
};

/* Ends a trace's wait, off the wheel already. Its spans leave later. False: it is held, and back on
 * the wheel. */
bool shard_decide(struct shard *s, uint32_t number, enum explanation_reason reason,
                  uint64_t now_ns);
/* Decides a trace from the spans of it that have just come. False: it waits on. */
bool shard_decide_on_ingest(struct shard *s, uint32_t number, uint64_t now_ns);
/* A trace that waits no more goes to the end of the queue out. */
void shard_begin_to_leave(struct shard *s, uint32_t number);

/* Sends out up to `budget` spans of decided traces. False: stuck, as there is no room ahead. */
bool shard_leave(struct shard *s, uint32_t budget, uint64_t now_ns);
/* Spans of one outcome, on time or late, form a group. */
uint32_t shard_group_of(uint16_t outcome, bool late);
/* Takes over one reference to `b`. */
void shard_gather(struct shard *s, struct batch *b, uint32_t span, uint32_t group,
                  uint64_t randomness, uint64_t now_ns);
/* Puts what has gathered into the outbox. False: that is full. */
bool shard_flush(struct shard *s);
const char *shard_policy_name(const struct shard *s, uint16_t policy);

void shard_update_full(struct shard *s);
/* The time for whoever looked at the clock, at `now_ns`, before the lock was free: another may have
 * come in between. So what happens under the lock happens one after the other. */
uint64_t shard_clock(struct shard *s, uint64_t now_ns);

#endif
