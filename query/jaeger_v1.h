/* Jaeger's v1 HTTP API, whose envelope is {"data", "total", "limit", "offset", "errors"}.
 *
 * Handlers of router.c's table. Parameters and answers: README.md. */
#ifndef TAILSPAN_QUERY_JAEGER_V1_H
#define TAILSPAN_QUERY_JAEGER_V1_H

#include "query/call.h"

void jaeger_v1_services(struct call *c);
void jaeger_v1_service_operations(struct call *c);
void jaeger_v1_operations(struct call *c);
void jaeger_v1_trace(struct call *c);
void jaeger_v1_dependencies(struct call *c);
void jaeger_v1_archive(struct call *c);
void jaeger_v1_transform(struct call *c);
void jaeger_v1_latencies(struct call *c);
void jaeger_v1_calls(struct call *c);
void jaeger_v1_errors(struct call *c);
void jaeger_v1_minstep(struct call *c);

/* Begins the envelope and its data; the caller writes the data's value. */
void jaeger_v1_begin(struct call *c, struct json_writer *w);
/* Ends it; `total` is 0 for what has none. */
void jaeger_v1_end(struct call *c, struct json_writer *w, size_t total);
/* The envelope of an error, as text/plain, which is what Jaeger sends. */
void jaeger_v1_error(struct call *c, unsigned status, const char *text);
/* The same for a parameter that cannot be read. */
void jaeger_v1_bad_parameter(struct call *c, const char *name, const char *text);

/* The parameter as a boolean, false when absent. False, answered with 400, when it is none. */
bool jaeger_v1_bool(struct call *c, const char *name, bool *out);
/* The parameter as a whole number, `fallback` when absent. Likewise. */
bool jaeger_v1_int(struct call *c, const char *name, int64_t fallback, int64_t *out);

/* Writes the trace as Jaeger would, adjusted unless `raw`. False: out of memory. */
bool jaeger_v1_write(struct call *c, struct json_writer *w, const struct batch *b, bool raw);

#endif
