/* What a finished gRPC call means for the sending queue.
 *
 * Retryable are the statuses that the OTLP specification names: CANCELLED, DEADLINE_EXCEEDED,
 * ABORTED, OUT_OF_RANGE, UNAVAILABLE and DATA_LOSS, and RESOURCE_EXHAUSTED with a RetryInfo. */
#ifndef TAILSPAN_EXPORTERS_GRPC_ANSWER_H
#define TAILSPAN_EXPORTERS_GRPC_ANSWER_H

#include "exporters/sending_queue.h"

#include <grpc/grpc.h>

/* `answer` is zeroed by the caller. `response` may be NULL, or compressed. */
void grpc_answer_success(grpc_byte_buffer *response, struct send_answer *answer);
void grpc_answer_failure(grpc_status_code code, const grpc_slice *message,
                         const grpc_metadata_array *trailing, struct send_answer *answer);

#endif
