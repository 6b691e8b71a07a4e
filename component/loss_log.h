/* How often losses are told: the first at once, what follows it in one line a minute. Backends that
 * are down for an hour, or spans that do not fit a condition, would else write a line for each
 * request. Guarded by the caller. */
#ifndef TAILSPAN_COMPONENT_LOSS_LOG_H
#define TAILSPAN_COMPONENT_LOSS_LOG_H

#include <stdbool.h>
#include <stdint.h>

#define LOSS_LOG_QUIET_NS 60000000000u

struct loss {
    uint64_t requests;
    uint64_t items; /* spans, metric points */
};

/* Zero-initialise. */
struct loss_log {
    struct loss untold;
    uint64_t quiet_until_ns;
};

static inline void loss_log_add(struct loss_log *l, uint64_t items)
{
    l->untold.requests++;
    l->untold.items += items;
}

/* Whether there is something to tell at CLOCK_MONOTONIC `now_ns` (UINT64_MAX: at the end); it then
 * goes to *told, and counts as told. */
static inline bool loss_log_take(struct loss_log *l, uint64_t now_ns, struct loss *told)
{
    if (l->untold.requests == 0 || now_ns < l->quiet_until_ns)
        return false;
    *told = l->untold;
    *l = (struct loss_log){.quiet_until_ns = now_ns + LOSS_LOG_QUIET_NS};
    return true;
}

#endif
