/* Retry pacing: pauses that grow, with a random part so that exporters do not knock in step. */
#ifndef TAILSPAN_EXPORTERS_BACKOFF_H
#define TAILSPAN_EXPORTERS_BACKOFF_H

#include "exporters/queue_settings.h"

/* Advice of a server's is followed up to here, so that a mistaken one cannot park spans for good.
 */
#define BACKOFF_ADVICE_MAX_NS 3600000000000u

struct backoff {
    uint64_t interval_ns; /* of the next pause; 0: none yet */
};

/* The next pause in nanoseconds: interval * (1 ± randomization_factor), the interval growing by
 * `multiplier` up to max_interval. `random` is any 32 uniform bits. */
uint64_t backoff_next(struct backoff *b, const struct retry_settings *s, uint32_t random);

/* Whether a request that began at `begun_ns` may be tried again after a pause from `now_ns`: as in
 * the Collector, one that would wake behind max_elapsed_time is given up at once. */
bool backoff_may_retry(const struct retry_settings *s, uint64_t begun_ns, uint64_t now_ns,
                       uint64_t pause_ns);

#endif
