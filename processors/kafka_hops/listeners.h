/* Telling those who subscribed (hops.h). Any thread; not under the index's lock. */
#ifndef TAILSPAN_PROCESSORS_KAFKA_HOPS_LISTENERS_H
#define TAILSPAN_PROCESSORS_KAFKA_HOPS_LISTENERS_H

#include "processors/kafka_hops/hops.h"

/* False: nobody listens. Else they stay, and may be told, until listeners_leave(). Who subscribes
 * or unsubscribes waits for all who have entered, and those who come then wait for it. */
bool listeners_enter(void);
void listeners_leave(void);

void listeners_hop(const struct hop *hop);
void listeners_open(const uint8_t trace_id[16]);

#endif
