/* Whether two values are the same, as what was sent. */
#ifndef TAILSPAN_PROTO_VALUE_EQUAL_H
#define TAILSPAN_PROTO_VALUE_EQUAL_H

#include "proto/attribute.h"

/* Doubles by their bits: NaN is the same as itself, 0 is not as -0. Arrays and maps by their bytes:
 * those that another writer wrote may differ though they mean the same. */
static inline bool value_equal(const struct value *a, const struct value *b)
{
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case VALUE_EMPTY:
        return true;
    case VALUE_BOOL:
        return a->boolean == b->boolean;
    case VALUE_INT:
    case VALUE_DOUBLE: /* its bits */
        return a->integer == b->integer;
    default:
        return bytes_equal(a->bytes, b->bytes);
    }
}

#endif
