/* OTLP's numbers for span kinds and statuses, and what they are called: by people and Jaeger, by
 * OTTL, and in OTLP's own schema. A number that is none is called as 0 is. */
#ifndef TAILSPAN_PROTO_SPAN_KIND_H
#define TAILSPAN_PROTO_SPAN_KIND_H

#include "proto/bytes.h"

enum {
    SPAN_KIND_UNSPECIFIED,
    SPAN_KIND_INTERNAL,
    SPAN_KIND_SERVER,
    SPAN_KIND_CLIENT,
    SPAN_KIND_PRODUCER,
    SPAN_KIND_CONSUMER,
    SPAN_KINDS,
};

enum {
    SPAN_STATUS_UNSET,
    SPAN_STATUS_OK,
    SPAN_STATUS_ERROR,
    SPAN_STATUSES,
};

const char *span_kind_name(unsigned kind);         /* "server"; "" when unspecified */
const char *span_kind_title(unsigned kind);        /* "Server", "Unspecified" */
const char *span_kind_constant(unsigned kind);     /* "SPAN_KIND_SERVER" */
const char *span_status_name(unsigned status);     /* "error", "unset" */
const char *span_status_constant(unsigned status); /* "STATUS_CODE_ERROR" */

/* The number that is called so; -1: none is. */
int span_kind_of_constant(struct bytes constant);
int span_status_of_constant(struct bytes constant);

#endif
