/* Jaeger's v3 HTTP API: OTLP JSON within {"result": …}, errors within {"error": …}.
 *
 * Handlers of router.c's table. Parameters come in camelCase; the older snake_case is read too. */
#ifndef TAILSPAN_QUERY_JAEGER_V3_H
#define TAILSPAN_QUERY_JAEGER_V3_H

#include "query/call.h"

void jaeger_v3_services(struct call *c);
void jaeger_v3_operations(struct call *c);
void jaeger_v3_trace(struct call *c);
void jaeger_v3_traces(struct call *c);
void jaeger_v3_summaries(struct call *c);

#endif
