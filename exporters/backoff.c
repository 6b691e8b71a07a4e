#include "exporters/backoff.h"

uint64_t backoff_next(struct backoff *b, const struct retry_settings *s, uint32_t random)
{
    uint64_t max = (uint64_t)s->max_interval_ns;
    if (b->interval_ns == 0) {
        b->interval_ns = (uint64_t)s->initial_interval_ns;
        if (max && b->interval_ns > max)
            b->interval_ns = max;
    }
    double interval = (double)b->interval_ns;
    double swing = s->randomization_factor * interval;
    double pause = interval - swing + 2 * swing * ((double)random / UINT32_MAX);

    double grown = interval * s->multiplier;
    if (max && grown > (double)max)
        grown = (double)max;
    b->interval_ns = grown < 9e18 ? (uint64_t)grown : (uint64_t)9e18;
    return (uint64_t)pause;
}

bool backoff_may_retry(const struct retry_settings *s, uint64_t begun_ns, uint64_t now_ns,
                       uint64_t pause_ns)
{
    if (!s->enabled)
        return false;
    if (s->max_elapsed_time_ns == 0)
        return true;
    uint64_t elapsed = now_ns - begun_ns;
    uint64_t allowed = (uint64_t)s->max_elapsed_time_ns;
    return elapsed < allowed && pause_ns <= allowed - elapsed;
}
