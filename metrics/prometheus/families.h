/* What is exposed, by name: families of several sources that come to one name are one family.
 *
 * Of families that have the same name but another type the first counts; the others are told in the
 * log and left out. Made once, when all sources are known;
 * the sources' descriptions outlive it. */
#ifndef TAILSPAN_METRICS_PROMETHEUS_FAMILIES_H
#define TAILSPAN_METRICS_PROMETHEUS_FAMILIES_H

#include "metrics/prometheus/naming.h"

enum family_type {
    FAMILY_COUNTER,
    FAMILY_GAUGE,
    FAMILY_HISTOGRAM,
};

struct family_part {
    struct metric_source *source;
    size_t index; /* of the source's families */
};

struct family {
    char *name;
    const char *help;
    enum family_type type;
    struct family_part *parts;
    size_t part_count;
};

struct families {
    struct family *items; /* in order of their names */
    size_t count;
    char *target_info; /* its name, with the namespace */
};

/* False when out of memory; families_free() is due in any case. `id` is for the log. */
bool families_make(struct families *f, struct metric_source *const *sources, size_t count,
                   const struct naming *naming, const char *id);
void families_free(struct families *f);

#endif
