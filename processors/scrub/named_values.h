/* Names that stand beside their values in maps and arrays, as headers and settings are often kept:
 * {"name": "x-api-key", "value": "…"}, ["authorization", "…", "accept", "…"]. */
#ifndef TAILSPAN_PROCESSORS_SCRUB_NAMED_VALUES_H
#define TAILSPAN_PROCESSORS_SCRUB_NAMED_VALUES_H

#include "processors/scrub/detect.h"

/* Of one attribute, as it is visited; empty before. */
struct named_values {
    struct bytes name;  /* of the map's value; empty: none */
    unsigned map_depth; /* of that map's pairs */

    unsigned array_depth; /* of the elements of the array of pairs; 0: none */
    bool pair;            /* it is one pair, within another array */
    bool second;          /* the next element is a value */
    struct bytes before;  /* the element that may name it */
};

/* A map or an array is entered. */
void named_values_enter(struct named_values *n, const struct rewrite_item *item);

/* What something within is called by what stands beside it; empty: nothing, or nothing that would
 * make it a secret. To be asked about each item once, in order. */
struct bytes named_values_name(struct named_values *n, const struct detector *d,
                               const struct rewrite_item *item);

#endif
