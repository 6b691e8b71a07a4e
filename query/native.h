/* Tailspan's own API, described in openapi.json. Errors are RFC 9457 problem details.
 *
 * Handlers of router.c's table. Unlike the Jaeger-compatible APIs it shows spans as they came. */
#ifndef TAILSPAN_QUERY_NATIVE_H
#define TAILSPAN_QUERY_NATIVE_H

#include "query/call.h"

void native_front_page(struct call *c);
void native_trace(struct call *c);
void native_decision(struct call *c);
void native_search(struct call *c);
void native_services(struct call *c);
void native_erase(struct call *c);
void native_journey(struct call *c);
void native_openapi(struct call *c);

struct json_writer;

/* A trace's summary, as a search and a journey show it. */
void native_write_summary(struct json_writer *w, const struct store_summary *s);

/* Whether the call has no parameters but these, each at most once and with a value: a typing error
 * must not make of a question another one, or of a dry run an erasure. Answers 400 otherwise.
 * `names` ends with NULL. */
bool native_parameters_are(struct call *c, const char *const *names);

/* The same, of a call that takes none. */
bool native_has_no_parameters(struct call *c);

/* application/problem+json with this status and detail. */
void native_error(struct call *c, unsigned status, const char *detail);

#endif
