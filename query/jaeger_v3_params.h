/* Reading v3's parameters, and its way of refusing them. */
#ifndef TAILSPAN_QUERY_JAEGER_V3_PARAMS_H
#define TAILSPAN_QUERY_JAEGER_V3_PARAMS_H

#include "query/search.h"

/* {"error":{"httpCode":…,"message":…}}, as text/plain, which is what Jaeger sends. */
void jaeger_v3_error(struct call *c, unsigned status, const char *text);

/* The same for a parameter that cannot be read. */
void jaeger_v3_bad_parameter(struct call *c, const char *name, const char *text);

/* A parameter under its name or its older one; `name` becomes the one that was used. */
const char *jaeger_v3_query(const struct call *c, const char **name, const char *older);

/* False: answered with 400. */
bool jaeger_v3_bool(struct call *c, const char *name, const char *older, bool *out);
bool jaeger_v3_time(struct call *c, const char *name, const char *older, int64_t *ns);

/* All of a search's parameters. Likewise. */
bool jaeger_v3_search(struct call *c, struct search *s, bool *raw);

#endif
