/* Jaeger's names for what has none.
 *
 * Jaeger replaces missing service and span names when it stores a span; the store keeps them empty.
 * So the Jaeger-compatible APIs translate both ways. */
#ifndef TAILSPAN_QUERY_JAEGER_NAME_H
#define TAILSPAN_QUERY_JAEGER_NAME_H

#include "query/adjust.h"
#include "storage/store.h"

#include <string.h>

static inline const char *jaeger_service(const char *stored)
{
    return stored[0] ? stored : JAEGER_MISSING_SERVICE;
}

static inline const char *jaeger_operation(const char *stored)
{
    return stored[0] ? stored : JAEGER_EMPTY_SPAN_NAME;
}

/* Whether there are spans without a service, which the store does not list. */
static inline bool jaeger_has_nameless_service(struct store_reader *r)
{
    struct store_operations found;
    bool has = store_operations(r, "", -1, &found) && found.count > 0;
    store_operations_free(&found);
    return has;
}

/* Back again; NULL stays NULL. */
static inline const char *stored_service(const char *asked)
{
    return asked && strcmp(asked, JAEGER_MISSING_SERVICE) == 0 ? "" : asked;
}

static inline const char *stored_operation(const char *asked)
{
    return asked && strcmp(asked, JAEGER_EMPTY_SPAN_NAME) == 0 ? "" : asked;
}

#endif
