/* Attributes of the links that this processor adds. */
#ifndef TAILSPAN_PROCESSORS_KAFKA_HOPS_HOP_ATTRIBUTES_H
#define TAILSPAN_PROCESSORS_KAFKA_HOPS_HOP_ATTRIBUTES_H

#define HOP_ATTRIBUTE_MATCHED_BY "tailspan.hop.matched_by" /* hop_match_name() */
#define HOP_ATTRIBUTE_CONFIDENCE "tailspan.hop.confidence" /* double, 0 to 1 */
#define HOP_ATTRIBUTE_ATTEMPT    "tailspan.hop.attempt"    /* int; only from the second on */

#endif
