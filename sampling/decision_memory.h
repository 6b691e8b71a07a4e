/* What was decided of each trace, for its late spans and for people who ask.
 *
 * A decision is remembered under 64 bits of the id's hash, in 12 bytes: traces by the million share
 * few distinct outcomes (verdict, policy, threshold), which are kept once and named by number. The
 * table is cut into buckets of some hundred, each a ring of its own in which the newest decision
 * overwrites the oldest. Of 6 million traces (ten minutes of 10,000 a second) 96 MB remember all
 * but two in a thousand; of 5 million, all. The table grows to its size bucket by bucket, so that a
 * quiet process stays small and a busy one never stops for it.
 *
 * One thread at a time. */
#ifndef TAILSPAN_SAMPLING_DECISION_MEMORY_H
#define TAILSPAN_SAMPLING_DECISION_MEMORY_H

#include "sampling/policy.h"

#define OUTCOME_NONE UINT16_MAX

struct decision_memory;

/* Of at most `bytes` when full; fewer than a bucket's: nothing is remembered. NULL: out of memory.
 */
struct decision_memory *decision_memory_create(size_t bytes);
void decision_memory_destroy(struct decision_memory *m);

/* The number of an outcome. When there are too many distinct ones, later ones lose their threshold
 * and count as of unknown probability. */
uint16_t decision_memory_outcome(struct decision_memory *m, const struct sampling_decision *d);
const struct sampling_decision *decision_memory_get(const struct decision_memory *m,
                                                    uint16_t outcome);

/* Times are CLOCK_MONOTONIC. */
void decision_memory_add(struct decision_memory *m, uint64_t hash, uint16_t outcome,
                         uint64_t now_ns);
/* OUTCOME_NONE when the trace was not decided, or too long ago. `age_ns` (may be NULL): how long
 * ago it was, to a quarter of a second, modulo four and a half hours. */
uint16_t decision_memory_find(const struct decision_memory *m, uint64_t hash, uint64_t now_ns,
                              uint64_t *age_ns);

size_t decision_memory_bytes(const struct decision_memory *m);
uint64_t decision_memory_count(const struct decision_memory *m);

#endif
