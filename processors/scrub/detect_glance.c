#include "processors/scrub/glance.h"

/* With nothing that may be read before it. */
__attribute__((noinline)) static bool glance_at_copy(const struct detector *d, struct bytes value,
                                                     bool numbers)
{
    uint8_t copy[LANES] = {0};
    uint8_t *data = copy + LANES - value.len;
    memcpy(data, value.data, value.len);
    return glance(d, bytes_of(data, value.len), numbers);
}

bool glance_narrow(const struct detector *d, struct bytes value, size_t before, bool numbers)
{
    if (value.len < DETECT_SHORTEST)
        return true;
    if (value.len > GLANCE_MAX)
        return false;
    if (value.len + before < LANES)
        return glance_at_copy(d, value, numbers);
    return glance(d, value, numbers);
}

bool detector_glance(const struct detector *d, struct bytes value, size_t before, bool numbers)
{
    return d->glance(d, value, before, numbers);
}
