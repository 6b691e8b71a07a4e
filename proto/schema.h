/* The OTLP trace messages as a table, for checking them without decoding.
 *
 * This is the authority on what is well-formed. The index decides the usual shapes by itself and
 * asks here about the rest, and about the place of an error. */
#ifndef TAILSPAN_PROTO_SCHEMA_H
#define TAILSPAN_PROTO_SCHEMA_H

#include "proto/bytes.h"

enum schema_message {
    SCHEMA_NONE,
    SCHEMA_REQUEST,
    SCHEMA_RESOURCE_SPANS,
    SCHEMA_RESOURCE,
    SCHEMA_ENTITY_REF,
    SCHEMA_SCOPE_SPANS,
    SCHEMA_SCOPE,
    SCHEMA_SPAN,
    SCHEMA_EVENT,
    SCHEMA_LINK,
    SCHEMA_STATUS,
    SCHEMA_KEY_VALUE,
    SCHEMA_ANY_VALUE,
    SCHEMA_ARRAY,
    SCHEMA_MAP,
    SCHEMA_MESSAGES,
};

/* Whether a message's body is well-formed all the way down: lengths lie inside their parents, known
 * fields have their wire type, unknown ones can be skipped, nesting is at most BATCH_MAX_DEPTH.
 * `depth` is the message's own, 1 for the request. */
bool schema_check(enum schema_message type, struct bytes body, unsigned depth);

/* Writes what is wrong with a request, and where, into `where`. False when nothing is. */
bool schema_explain(struct bytes request, char *where, size_t where_len);

/* Writes why a span of a well-formed request cannot be identified: which id is missing, all zero or
 * of the wrong length. `span` is the Span's body within the request. */
void schema_explain_ids(struct bytes request, struct bytes span, char *where, size_t where_len);

#endif
