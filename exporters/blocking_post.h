/* Posting a body and waiting for the answer, for threads that may wait. One exchange at a time. */
#ifndef TAILSPAN_EXPORTERS_BLOCKING_POST_H
#define TAILSPAN_EXPORTERS_BLOCKING_POST_H

#include "exporters/http_client.h"
#include "exporters/sending_queue.h"

struct blocking_post;

/* `read` says what a finished exchange means; it gets a zeroed answer, on the client's thread. NULL
 * with `e` set. Strings in the settings live as long as this. */
struct blocking_post *blocking_post_open(const struct http_client_settings *s,
                                         void (*read)(const struct http_result *r,
                                                      struct send_answer *answer),
                                         struct error *e);
void blocking_post_send(struct blocking_post *b, struct bytes body, struct send_answer *answer);
/* Has blocking_post_send() return soon, now and ever after. Any thread. */
void blocking_post_cancel(struct blocking_post *b);
void blocking_post_close(struct blocking_post *b); /* NULL is fine */

#endif
