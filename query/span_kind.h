/* Span kinds by the names that Jaeger gives them; "" is unspecified. */
#ifndef TAILSPAN_QUERY_SPAN_KIND_H
#define TAILSPAN_QUERY_SPAN_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static const char *const span_kind_names[] = {"",       "internal", "server",
                                              "client", "producer", "consumer"};

static inline const char *span_kind_name(unsigned kind)
{
    return kind < sizeof span_kind_names / sizeof span_kind_names[0] ? span_kind_names[kind] : "";
}

static inline bool span_kind_parse(const char *name, int *kind)
{
    for (size_t i = 1; i < sizeof span_kind_names / sizeof span_kind_names[0]; i++) {
        if (strcmp(span_kind_names[i], name) == 0) {
            *kind = (int)i;
            return true;
        }
    }
    return false;
}

#endif
