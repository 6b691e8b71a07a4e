#include "metrics/explicit.h"

enum { BOUNDS_MAX = 1000 };

bool explicit_bounds_read(const struct config_value *list, int64_t unit_ns, double **bounds,
                          uint32_t *count, struct error *e)
{
    int64_t ns, last = -1;
    uint32_t n = 0;
    if (list->type != CONFIG_LIST)
        return config_error(list, e, "must be a list of durations, like [10ms, 1s]");
    *bounds = config_keep(BOUNDS_MAX, sizeof **bounds);
    for (const struct config_value *c = list->children; c; c = c->next) {
        if (n == BOUNDS_MAX)
            return config_error(list, e, "more than %d buckets", BOUNDS_MAX);
        if (c->type != CONFIG_SCALAR || !config_parse_duration(c->text, &ns))
            return config_error(c, e, "must be a duration, like 10ms");
        if (ns <= last)
            return config_error(c, e, "buckets must ascend");
        (*bounds)[n++] = (double)ns / (double)unit_ns;
        last = ns;
    }
    *count = n;
    return true;
}

double *explicit_bounds_default(bool seconds, uint32_t *count)
{
    static const double ms[] = {2,   4,   6,    8,    10,   50,   100,   200,
                                400, 800, 1000, 1400, 2000, 5000, 10000, 15000};
    *count = sizeof ms / sizeof ms[0];
    double *bounds = config_keep(*count, sizeof *bounds);
    for (uint32_t i = 0; i < *count; i++)
        bounds[i] = seconds ? ms[i] / 1000 : ms[i];
    return bounds;
}
