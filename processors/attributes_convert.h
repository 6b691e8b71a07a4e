/* Values of one type from values of another, as Go converts them. */
#ifndef TAILSPAN_PROCESSORS_ATTRIBUTES_CONVERT_H
#define TAILSPAN_PROCESSORS_ATTRIBUTES_CONVERT_H

#include "processors/attributes_memory.h"
#include "proto/attribute.h"

enum conversion {
    TO_STRING,
    TO_INT,
    TO_DOUBLE,
};

/* Converts in place; what cannot be converted stays as it is. Text is put into `memory`; when that
 * fails nothing changes, and memory->failed is set. */
void value_convert(struct value *v, enum conversion to, struct pieces *memory);

/* All of the text has to be a number, as strconv.ParseInt(…, 10, 64) and ParseFloat(…, 64) take it.
 */
bool text_to_int(struct bytes text, int64_t *out);
bool text_to_double(struct bytes text, double *out);

#endif
