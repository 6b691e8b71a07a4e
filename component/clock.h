/* The clocks, in nanoseconds. Any thread. */
#ifndef TAILSPAN_COMPONENT_CLOCK_H
#define TAILSPAN_COMPONENT_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* For deadlines and durations: CLOCK_MONOTONIC. */
static inline uint64_t monotonic_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

/* Since the epoch: CLOCK_REALTIME. */
static inline uint64_t realtime_ns(void)
{
    return clock_ns(CLOCK_REALTIME);
}

#endif
