/* `exporters: sqlite`: the trace store as the end of a pipeline. */
#ifndef TAILSPAN_STORAGE_SQLITE_EXPORTER_H
#define TAILSPAN_STORAGE_SQLITE_EXPORTER_H

#include "component/component.h"
#include "storage/store.h"

extern const struct component_kind sqlite_exporter;

/* The open store of a started sqlite exporter, for readers beside it. */
struct store *sqlite_exporter_store(struct component *c);

/* Where a sqlite exporter keeps its files, started or not. Lives as long as it does. */
const char *sqlite_exporter_directory(const struct component *c);

#endif
