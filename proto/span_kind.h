/* OTLP's numbers for span kinds and statuses, and the names that people and Jaeger use for kinds.
 */
#ifndef TAILSPAN_PROTO_SPAN_KIND_H
#define TAILSPAN_PROTO_SPAN_KIND_H

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
};

/* "server"; "" when unspecified or unknown. */
static inline const char *span_kind_name(unsigned kind)
{
    static const char *const names[SPAN_KINDS] = {"",       "internal", "server",
                                                  "client", "producer", "consumer"};
    return kind < SPAN_KINDS ? names[kind] : "";
}

#endif
