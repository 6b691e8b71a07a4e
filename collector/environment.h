/* ${env:NAME} and its relatives in configuration values. */
#ifndef TAILSPAN_COLLECTOR_ENVIRONMENT_H
#define TAILSPAN_COLLECTOR_ENVIRONMENT_H

#include "component/error.h"

/* `text` with its references expanded; `text` itself when there are none. *whole says that the text
 * was one reference and nothing else, so that its type is the value's. NULL with `e` set for a
 * reference that is not understood. Memory of config_keep(). */
const char *environment_expand(const char *text, bool *whole, struct error *e);

#endif
