/* GET /api/traces: v1's search, which answers with whole traces. */
#ifndef TAILSPAN_QUERY_JAEGER_V1_SEARCH_H
#define TAILSPAN_QUERY_JAEGER_V1_SEARCH_H

#include "query/call.h"

void jaeger_v1_search(struct call *c);

#endif
