/* JSON's numbers, exactly: integers are never read through a double. */
#ifndef TAILSPAN_PROTO_JSON_NUMBER_H
#define TAILSPAN_PROTO_JSON_NUMBER_H

#include "proto/bytes.h"

#define JSON_NUMBER_MAX 1024 /* longest number that is read, in bytes */

/* Length of the number (by JSON's grammar) at the start of `s`; 0 when there is none. */
size_t json_number_length(struct bytes s);

enum json_number {
    JSON_NUMBER_OK,
    JSON_NUMBER_FRACTION, /* has a fractional part */
    JSON_NUMBER_RANGE,    /* does not fit */
};

/* The value of a number that json_number_length() has accepted whole, of at most JSON_NUMBER_MAX
 * bytes. Integers may be spelt with a fraction or exponent, as long as they are whole ("1.5e3"). */
enum json_number json_number_integer(struct bytes s, bool *negative, uint64_t *magnitude);
enum json_number json_number_double(struct bytes s, double *out);

#endif
