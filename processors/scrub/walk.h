/* A batch, walked place by place: what is found is changed, and told to whoever counts or shows it.
 */
#ifndef TAILSPAN_PROCESSORS_SCRUB_WALK_H
#define TAILSPAN_PROCESSORS_SCRUB_WALK_H

#include "processors/scrub/replace.h"
#include "proto/batch.h"

struct scrub_walk {
    const struct scrub_rules *rules;
    void *context;
    /* Each hit; `item` is where, `value` what it is in. NULL: nobody wants to know. */
    void (*hit)(void *context, const struct rewrite_item *item, struct bytes value,
                const struct scrub_hit *hit);
    /* What a value became; `after` is NULL when it was removed. NULL: nobody wants to know. */
    void (*changed)(void *context, const struct rewrite_item *item, struct bytes before,
                    const struct bytes *after);
};

/* Scrubs all of a batch that the caller may write to. False: out of memory; the batch is not to be
 * handed on. */
bool scrub_batch(const struct scrub_walk *w, struct batch *b);

#endif
