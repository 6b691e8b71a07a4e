/* Bytes written as text: hex and base64, decoded where they stand. */
#ifndef TAILSPAN_PROTO_BINARY_TEXT_H
#define TAILSPAN_PROTO_BINARY_TEXT_H

#include "proto/bytes.h"

/* Decodes the `*len` characters at `s` in place and sets `*len` to the bytes they make. Returns
 * NULL, or what is wrong (static text); the characters are then partly overwritten. Hex in either
 * case; base64 in either alphabet, padded or not. */
const char *hex_decode(uint8_t *s, size_t *len);
const char *base64_decode(uint8_t *s, size_t *len);

#endif
