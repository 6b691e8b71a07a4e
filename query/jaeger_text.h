/* An attribute's value as one string, as Jaeger shows it; storage/value_text.h has what it matches.
 *
 * Strings are themselves, numbers are written as JavaScript would, bytes are base64, arrays and
 * maps are compact JSON with sorted keys. */
#ifndef TAILSPAN_QUERY_JAEGER_TEXT_H
#define TAILSPAN_QUERY_JAEGER_TEXT_H

#include "proto/attribute.h"
#include "proto/buffer.h"

void jaeger_text(struct buffer *out, const struct value *v);

#endif
