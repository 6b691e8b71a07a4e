/* Bytes written as text: hex and base64, decoded where they stand. */
#ifndef TAILSPAN_PROTO_BINARY_TEXT_H
#define TAILSPAN_PROTO_BINARY_TEXT_H

#include "proto/bytes.h"

/* The value of a hex digit in either case; -1 when it is none. */
static inline int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes the `*len` characters at `s` in place and sets `*len` to the bytes they make. Returns
 * NULL, or what is wrong (static text); the characters are then partly overwritten. Hex in either
 * case; base64 in either alphabet, padded or not. */
const char *hex_decode(uint8_t *s, size_t *len);
const char *base64_decode(uint8_t *s, size_t *len);

#endif
