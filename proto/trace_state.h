/* A W3C tracestate taken apart: entries joined by commas, with blanks around them. */
#ifndef TAILSPAN_PROTO_TRACE_STATE_H
#define TAILSPAN_PROTO_TRACE_STATE_H

#include "proto/bytes.h"

/* What comes before the next `separator`, which is taken off `rest` too. */
static inline struct bytes trace_state_cut(struct bytes *rest, char separator)
{
    const uint8_t *end = rest->len ? memchr(rest->data, separator, rest->len) : NULL;
    size_t len = end ? (size_t)(end - rest->data) : rest->len;
    struct bytes part = bytes_of(rest->data, len);
    len += end != NULL;
    *rest = bytes_of(rest->data + len, rest->len - len);
    return part;
}

static inline bool trace_state_is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* The next entry, `key=value` or whatever was sent, without the blanks around it. False: no more.
 */
static inline bool trace_state_next(struct bytes *rest, struct bytes *entry)
{
    if (rest->len == 0)
        return false;
    struct bytes e = trace_state_cut(rest, ',');
    while (e.len > 0 && trace_state_is_blank(e.data[0]))
        e = bytes_of(e.data + 1, e.len - 1);
    while (e.len > 0 && trace_state_is_blank(e.data[e.len - 1]))
        e.len--;
    *entry = e;
    return true;
}

#endif
