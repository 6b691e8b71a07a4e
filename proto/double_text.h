/* Doubles as text for people and for JSON: the fewest digits that read back as the same value. */
#ifndef TAILSPAN_PROTO_DOUBLE_TEXT_H
#define TAILSPAN_PROTO_DOUBLE_TEXT_H

#include <stddef.h>

enum { DOUBLE_TEXT_MAX = 32 };

/* Writes the text of `d`, which is finite, as JavaScript and Go's JSON have it: without an exponent
 * from 1e-6 up to 1e21, and "-0" for minus zero. Returns its length; a NUL follows. */
size_t double_text(double d, char out[DOUBLE_TEXT_MAX]);

#endif
