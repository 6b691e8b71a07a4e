/* W3C tracestate: a list of key=value members, joined by commas. */
#ifndef TAILSPAN_SAMPLING_TRACE_STATE_H
#define TAILSPAN_SAMPLING_TRACE_STATE_H

#include "proto/bytes.h"

/* The value of the first member with this key, spaces around the member left off. */
bool trace_state_find(struct bytes state, struct bytes key, struct bytes *value);

#endif
