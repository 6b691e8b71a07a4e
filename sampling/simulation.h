/* What a tail sampler would make of whole traces, one after another: its policies without its
 * buffer.
 *
 * Rate limiters and dynamic policies go by the times that are given, not by the clock. One thread.
 */
#ifndef TAILSPAN_SAMPLING_SIMULATION_H
#define TAILSPAN_SAMPLING_SIMULATION_H

#include "sampling/policy.h"

struct simulation;

/* From a tail_sampling processor's section, which has to stay. NULL with `e` set. */
struct simulation *simulation_create(const struct config_value *config, const char *id,
                                     struct error *e);
void simulation_destroy(struct simulation *s);

const struct policy_set *simulation_policies(const struct simulation *s);

/* Whether the processor would judge spans as they arrive, which a simulation does not. */
bool simulation_on_ingest(const struct simulation *s);

/* Decides on a trace that is all of `trace`'s spans; `now_ns` must not go back from one to the
 * next. The policies' verdicts are then policy_set_verdicts(). `too_large`: over
 * maximum_trace_size_bytes, no policy was asked. */
struct sampling_decision simulation_decide(struct simulation *s, const struct batch *trace,
                                           uint64_t now_ns, bool *too_large);

#endif
