/* Links that spans did not come with: what the store knows of the hops that lead to and from them.
 */
#ifndef TAILSPAN_QUERY_HOP_LINKS_H
#define TAILSPAN_QUERY_HOP_LINKS_H

#include "query/trace.h"
#include "storage/store.h"

/* Gives every consumer span a link to its producer, and every producer span links to its consumers,
 * where they have none and are not parent and child. Before the spans are adjusted. Fewer without
 * memory, when half of the arena is used, at CLOCK_MONOTONIC `deadline_ns`, or when the store
 * cannot be read. */
void hop_links_add(struct store_reader *r, struct trace *t, uint64_t deadline_ns);

#endif
