/* Which handler answers which path. */
#ifndef TAILSPAN_QUERY_ROUTER_H
#define TAILSPAN_QUERY_ROUTER_H

#include "query/call.h"

struct route {
    const char *method;  /* "GET" answers HEAD too */
    const char *pattern; /* "/api/traces/{id}": at most one parameter, one path segment; "{+x}" may
                            contain slashes, and {id} those of an id in base64 */
    void (*handle)(struct call *c);
    bool documented; /* in openapi.json */
};

/* All routes; ends with a NULL method. */
extern const struct route routes[];

/* The route for this request, with the path's parameter in `parameter` (CALL_PARAMETER_MAX bytes).
 * NULL when there is none; `allowed` then holds the methods that the path would have, as an Allow
 * header lists them ("GET, HEAD, OPTIONS"), or NULL when the path is unknown. */
const struct route *router_find(const struct route *table, const char *method, const char *path,
                                char *parameter, const char **allowed);

#endif
