/* The links that this processor adds to consumers' spans, in wire format.
 *
 * Links of neighbours differ in whom they point to, seldom in what they say of it, so the last one
 * is kept and only its ids are put in anew. */
#ifndef TAILSPAN_PROCESSORS_KAFKA_HOPS_HOP_LINK_H
#define TAILSPAN_PROCESSORS_KAFKA_HOPS_HOP_LINK_H

#include "processors/kafka_hops/hops.h"
#include "proto/buffer.h"

/* Their attributes. */
#define HOP_ATTRIBUTE_MATCHED_BY "tailspan.hop.matched_by" /* hop_match_name() */
#define HOP_ATTRIBUTE_CONFIDENCE "tailspan.hop.confidence" /* double, 0 to 1 */
#define HOP_ATTRIBUTE_ATTEMPT    "tailspan.hop.attempt"    /* int; only from the second on */

/* Zeroed: nothing is kept. */
struct hop_link_writer {
    struct buffer last; /* a field of a Span */
    size_t ids;         /* where its link's content begins in it */
    enum hop_match matched_by;
    uint32_t attempt;
    uint8_t confidence;
};

/* Adds the link to the hop's producer, a field of a Span, to `out`; failure is that buffer's. */
void hop_link_write(struct hop_link_writer *w, const struct hop *hop, struct buffer *out);

void hop_link_writer_free(struct hop_link_writer *w);

#endif
