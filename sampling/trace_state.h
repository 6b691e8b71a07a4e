/* W3C tracestate: a list of key=value members, joined by commas. */
#ifndef TAILSPAN_SAMPLING_TRACE_STATE_H
#define TAILSPAN_SAMPLING_TRACE_STATE_H

#include "proto/bytes.h"

#define TRACE_STATE_VALID_MAX 1024 /* bytes, and members: */
#define TRACE_STATE_MEMBERS   32

/* The value of the first member with this key, spaces around the member left off. */
bool trace_state_find(struct bytes state, struct bytes key, struct bytes *value);

/* Whether the whole list is as the W3C writes it, within the limits above, and its `ot` member as
 * OpenTelemetry does: rv of 14 hex digits, th of 1 to 14. An empty list is. */
bool trace_state_is_valid(struct bytes state);

#endif
