/* Span kinds by the names that Jaeger's clients ask for them with. */
#ifndef TAILSPAN_QUERY_SPAN_KIND_H
#define TAILSPAN_QUERY_SPAN_KIND_H

#include "proto/span_kind.h"

#include <stdbool.h>
#include <string.h>

static inline bool span_kind_parse(const char *name, int *kind)
{
    for (int i = SPAN_KIND_INTERNAL; i < SPAN_KINDS; i++) {
        if (strcmp(span_kind_name((unsigned)i), name) == 0) {
            *kind = i;
            return true;
        }
    }
    return false;
}

#endif
