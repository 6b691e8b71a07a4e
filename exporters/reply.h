/* What backends say: ExportTraceServiceResponse and google.rpc.Status, read with bounds.
 *
 * A backend is outside as much as a client is. Malformed replies read as far as they make sense;
 * text is cut to what is logged, with control characters and broken UTF-8 masked. */
#ifndef TAILSPAN_EXPORTERS_REPLY_H
#define TAILSPAN_EXPORTERS_REPLY_H

#include "exporters/sending_queue.h"

#define REPLY_MAX_BYTES (64 << 10) /* what is kept and looked at */

/* Reads an ExportTraceServiceResponse's partial_success into rejected_spans and message. */
void reply_read_response(struct bytes wire, struct send_answer *answer);

struct reply_status {
    bool has_retry_info;
    uint64_t retry_after_ns;
    struct bytes message; /* borrowed */
};

/* Reads a google.rpc.Status. */
void reply_read_status(struct bytes wire, struct reply_status *out);

/* Writes "PREFIX: text" (or only one of the two, when the other is empty), fit for logs. */
void reply_message(struct send_answer *answer, const char *prefix, struct bytes text);

#endif
