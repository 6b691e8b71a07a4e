/* include and exclude: which spans a processor is about. The Collector's keys and meaning: every
 * property that is given has to hold; of a list of names one is enough, of a list of attributes,
 * resources' attributes or libraries every one has to match.
 *
 * What depends on resource and scope only is asked once for neighbours of one scope. A pattern that
 * runs into its limit of effort is in doubt, and in doubt a span is worked on: it is taken as
 * included and as not excluded, for what is done to it may be to hide something. */
#ifndef TAILSPAN_PROCESSORS_ATTRIBUTES_MATCH_H
#define TAILSPAN_PROCESSORS_ATTRIBUTES_MATCH_H

#include "component/config.h"
#include "proto/batch.h"

struct span_match;

/* From the keys `include` and `exclude` of `config`, which may both be absent. NULL: wrong. */
struct span_match *span_match_create(const struct config_value *config, struct error *e);
void span_match_destroy(struct span_match *m);

/* What is remembered from one span to the next of the same batch. Zero-initialise. */
struct span_match_memo {
    struct {
        uint32_t scope_plus_one;
        bool fits;
    } sides[2];
};

/* Any thread. */
bool span_matches(const struct span_match *m, struct span_match_memo *memo, const struct batch *b,
                  uint32_t span);

#endif
