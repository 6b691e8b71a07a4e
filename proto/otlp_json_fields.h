/* What OTLP/JSON calls the fields of protobuf-c's descriptors. Shared by both directions. */
#ifndef TAILSPAN_PROTO_OTLP_JSON_FIELDS_H
#define TAILSPAN_PROTO_OTLP_JSON_FIELDS_H

#include "proto/otlp_json.h"

#include <protobuf-c/protobuf-c.h>

/* Messages nest at most this deep, the outermost being at 1; as in a batch. */
#define OTLP_JSON_MAX_DEPTH 100

#define OTLP_JSON_NAME_MAX 64

const ProtobufCMessageDescriptor *otlp_json_descriptor(enum otlp_message type);

/* The field's key as it is written, lowerCamelCase. */
void otlp_json_name(const ProtobufCFieldDescriptor *f, char name[OTLP_JSON_NAME_MAX]);

/* The field that a key means, in lowerCamelCase or snake_case; NULL: none. */
const ProtobufCFieldDescriptor *otlp_json_field(const ProtobufCMessageDescriptor *m,
                                                struct bytes key);

/* Whether a bytes field is written as hex, as OTLP wants ids; else it is base64. */
bool otlp_json_is_hex(const ProtobufCFieldDescriptor *f);

static inline bool otlp_json_is_oneof(const ProtobufCFieldDescriptor *f)
{
    return f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF;
}

#endif
