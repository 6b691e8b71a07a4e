/* An attribute's value as text: what a tag search compares with, and what is shown. */
#ifndef TAILSPAN_PROTO_VALUE_TEXT_H
#define TAILSPAN_PROTO_VALUE_TEXT_H

#include "proto/attribute.h"
#include "proto/buffer.h"

/* Where text is put that does not lie in the value itself. Zero-initialise; may be used again and
 * again; value_text_free() at the end. */
struct value_text {
    char small[48];
    struct buffer large;
};

/* The text: strings as they are, true and false, decimal integers, doubles in the shortest form
 * that reads back the same (no exponent between 1e-6 and 1e21), NaN and Infinity, bytes as base64,
 * arrays and maps as JSON with sorted keys. Borrowed from `v` or `t` until the next call. Empty,
 * and t->large.failed, when out of memory. */
struct bytes value_text(const struct value *v, struct value_text *t);
void value_text_free(struct value_text *t);

#endif
