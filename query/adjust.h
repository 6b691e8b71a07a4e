/* What Jaeger does to a trace between its store and its answer.
 *
 * Jaeger corrects spans twice: when they are written (missing names, ends before starts) and when
 * they are read (sorted attributes, Zipkin's shared span ids, copies, warnings). The store here
 * keeps what was sent, so both happen on the way out, and only for the Jaeger-compatible APIs; the
 * native API shows spans as they came. Changes the model, never the batch. One thread. */
#ifndef TAILSPAN_QUERY_ADJUST_H
#define TAILSPAN_QUERY_ADJUST_H

#include "query/trace.h"

/* The names that Jaeger gives to what has none. */
#define JAEGER_MISSING_SERVICE "missing-service-name"
#define JAEGER_EMPTY_SPAN_NAME "empty-span-name"

/* What is corrected when Jaeger writes: done for raw traces too. */
void adjust_written(struct trace *t);

/* What is corrected when Jaeger reads, unless a client asks for raw traces. All spans of `t` are of
 * one trace. */
void adjust_read(struct trace *t);

#endif
