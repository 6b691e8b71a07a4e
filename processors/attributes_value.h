/* Values that a configuration gives: of the type that YAML says they have. */
#ifndef TAILSPAN_PROCESSORS_ATTRIBUTES_VALUE_H
#define TAILSPAN_PROCESSORS_ATTRIBUTES_VALUE_H

#include "component/config.h"
#include "proto/attribute.h"

/* A scalar as YAML 1.2's core schema types it (true, 12, 0x1f, 1.5, .inf; quoted: a string), a list
 * as an array, a map as a map. Lives as long as the configuration. */
bool config_typed_value(const struct config_value *v, struct value *out, struct error *e);

#endif
