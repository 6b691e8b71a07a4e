/* The resources that a connector has seen: what their series are grouped by.
 *
 * A resource is known by its attributes, in whatever order they come; the service's name is always
 * among those that tell two apart. Looking up one that came before costs a hash of its bytes. When
 * there are too many the one that was not seen for longest goes, with its series.
 *
 * Guarded by the connector's lock. */
#ifndef TAILSPAN_METRICS_RESOURCE_SET_H
#define TAILSPAN_METRICS_RESOURCE_SET_H

#include "component/config.h"
#include "metrics/series.h"
#include "proto/batch.h"

struct resource_group {
    struct series_group group;
    struct resource_group *newer; /* by when it was seen last */
    struct resource_group *older;
    struct resource_group *chain; /* same bucket */
    uint64_t hash[2];
    struct bytes service; /* its name */
    struct metric_label labels[];
};

struct resource_settings {
    uint32_t limit;                       /* resources */
    struct config_strings key_attributes; /* empty: all tell resources apart */
    bool hidden;      /* shown without attributes, and told apart by the service only */
    uint64_t idle_ns; /* a resource that was not seen for so long begins anew; 0: does not */
};

enum { RESOURCE_RECENT = 1024 };

struct resource_set {
    struct resource_settings settings;
    struct resource_group **buckets;
    size_t bucket_mask;
    struct resource_group *newest;
    struct resource_group *oldest;
    size_t count;
    uint64_t next_id;
    struct {
        uint64_t hash[2]; /* of the Resource's bytes */
        struct resource_group *group;
    } recent[RESOURCE_RECENT];
};

/* False: out of memory. */
bool resource_set_init(struct resource_set *s, const struct resource_settings *settings);
/* Its groups' series are gone before. */
void resource_set_free(struct resource_set *s);

/* The group of a resource that has a service.name, seen at `now_ns`
 * (CLOCK_MONOTONIC). NULL: it has none, or, with `*no_memory`, out of memory. */
struct resource_group *resource_set_get(struct resource_set *s, const struct resource_view *r,
                                        uint64_t now_ns, bool *no_memory);

#endif
