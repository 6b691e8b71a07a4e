/* What a search tells of a trace. */
#ifndef TAILSPAN_STORAGE_SUMMARY_H
#define TAILSPAN_STORAGE_SUMMARY_H

#include "storage/reader.h"

/* From all parts of a trace, at least one. False: out of memory; `out` is then empty. */
bool summary_make(const struct trace_parts *parts, struct store_summary *out);
void summary_free(struct store_summary *s);

#endif
