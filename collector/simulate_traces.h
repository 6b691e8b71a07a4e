/* Where the traces of a simulation come from: a store, or OTLP JSON on disk. */
#ifndef TAILSPAN_COLLECTOR_SIMULATE_TRACES_H
#define TAILSPAN_COLLECTOR_SIMULATE_TRACES_H

#include "component/error.h"
#include "proto/batch.h"

typedef bool trace_visitor(void *context, struct batch *trace, double done);

/* Every trace of the store in `directory`, which may be in use. */
bool traces_of_store(const char *directory, trace_visitor *each, void *context, struct error *e);

/* Every trace of a file that holds requests as OTLP JSON, one a line or one in all, by the times at
 * which they ended. All of it is held in memory. */
bool traces_of_file(const char *path, trace_visitor *each, void *context, struct error *e);

#endif
