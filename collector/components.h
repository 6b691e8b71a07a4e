/* Every kind of component that this binary has. */
#ifndef TAILSPAN_COLLECTOR_COMPONENTS_H
#define TAILSPAN_COLLECTOR_COMPONENTS_H

#include "component/component.h"

/* The kind with this type or alias; NULL when there is none. `type_len` bytes of `type` count. */
const struct component_kind *components_find(enum component_class class, const char *type,
                                             size_t type_len);

/* All kinds, ending with NULL, in the order of `tailspan components`. */
extern const struct component_kind *const component_kinds[];

#endif
