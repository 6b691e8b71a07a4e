/* Writing attributes as wire bytes. Sizes are exact; array and map values are given by their
 * bodies. */
#ifndef TAILSPAN_PROTO_ATTRIBUTE_WRITER_H
#define TAILSPAN_PROTO_ATTRIBUTE_WRITER_H

#include "proto/attribute.h"
#include "proto/buffer.h"
#include "proto/wire.h"

/* The body of an AnyValue. */
size_t value_size(const struct value *v);
void value_put(struct wire_writer *w, const struct value *v);

/* The body of a KeyValue. */
size_t key_value_size(struct bytes key, const struct value *v);
void key_value_put(struct wire_writer *w, struct bytes key, const struct value *v);

/* A KeyValue as a field with this number, at the end; failure is the buffer's. */
void attribute_append(struct buffer *b, uint32_t number, struct bytes key, const struct value *v);

#endif
