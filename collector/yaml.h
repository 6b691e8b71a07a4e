/* YAML files to one tree of configuration values.
 *
 * Several files are merged in order: maps key by key, everything else replaced by the later file.
 * Scalars have their environment references expanded, as the Collector does: ${env:NAME},
 * ${env:NAME:-default}, ${NAME}, and $$ for a dollar sign. A plain scalar that is nothing but one
 * reference takes the type of the value, which may be any YAML. An unset variable is empty, with a
 * warning. Aliases and merge keys (<<) are resolved. Bounded: 1 MiB a file, 64 levels, 100,000
 * values. Memory: component/config.h's config_keep(). Main thread. */
#ifndef TAILSPAN_COLLECTOR_YAML_H
#define TAILSPAN_COLLECTOR_YAML_H

#include "component/config.h"

/* The merged tree; NULL with `e` set: "FILE:LINE:COLUMN: what is wrong". */
struct config_value *yaml_load(const char *const *files, size_t count, struct error *e);

/* The same from text; `name` stands for the file. */
struct config_value *yaml_parse(const char *text, const char *name, struct error *e);

/* Lays `over` onto `base`, changing and returning it (or `over`, when `base` is NULL). */
struct config_value *yaml_merge(struct config_value *base, struct config_value *over);

#endif
