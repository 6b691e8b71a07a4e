/* Field numbers of OTLP's messages, for code that walks their bytes; those of attributes are in
 * attribute.h. Source: opentelemetry/proto/trace/v1/trace.proto, OTLP 1.x. */
#ifndef TAILSPAN_PROTO_OTLP_FIELDS_H
#define TAILSPAN_PROTO_OTLP_FIELDS_H

enum otlp_field {
    SCOPE_SPANS_SPANS = 2,
    SCHEMA_URL = 3, /* of ResourceSpans and of ScopeSpans */

    RESOURCE_DROPPED_ATTRIBUTES = 2,
    SCOPE_NAME = 1,
    SCOPE_VERSION = 2,
    SCOPE_DROPPED_ATTRIBUTES = 4,

    SPAN_TRACE_STATE = 3,
    SPAN_NAME = 5,
    SPAN_DROPPED_ATTRIBUTES = 10,
    SPAN_EVENTS = 11,
    SPAN_DROPPED_EVENTS = 12,
    SPAN_LINKS = 13,
    SPAN_DROPPED_LINKS = 14,
    SPAN_STATUS = 15,

    EVENT_NAME = 2,
    EVENT_DROPPED_ATTRIBUTES = 4,
    LINK_TRACE_ID = 1,
    LINK_SPAN_ID = 2,
    LINK_TRACE_STATE = 3,
    LINK_DROPPED_ATTRIBUTES = 5,
    STATUS_MESSAGE = 2,
};

#endif
