/* What a finished OTLP/HTTP exchange means.
 *
 * Retryable are the statuses that the OTLP specification names, 429, 502, 503 and 504, and what
 * never came to an answer. */
#ifndef TAILSPAN_EXPORTERS_HTTP_ANSWER_H
#define TAILSPAN_EXPORTERS_HTTP_ANSWER_H

#include "exporters/http_client.h"
#include "exporters/sending_queue.h"
#include "proto/otlp_json.h"

/* `answer` is zeroed by the caller; `type` is the response's message. */
void http_answer_read(const struct http_result *r, enum otlp_message type,
                      struct send_answer *answer);

#endif
