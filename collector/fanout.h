/* One output to several consumers, without copying a span. */
#ifndef TAILSPAN_COLLECTOR_FANOUT_H
#define TAILSPAN_COLLECTOR_FANOUT_H

#include "component/component.h"

/* A component that hands each batch to all `count` targets, which outlive it. Every target is asked
 * for room before any gets the batch: a client's retry after "busy" then delivers to each one once,
 * unless another lane filled a queue in between. NULL: out of memory. */
struct component *fanout_create(struct component *const *targets, size_t count);

#endif
