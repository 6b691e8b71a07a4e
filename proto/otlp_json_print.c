/* Wire bytes to OTLP/JSON.
 *
 * JSON wants each field once and lists in one piece, while the wire may mix them. So each message
 * is walked once to note where its fields lie (on the stack), and each list once more to print it.
 * Of a singular field that is repeated, or of several members of a oneof, the last counts.
 *
 * As the Collector prints them: defaults are left out, messages are written even when empty. */
#include "proto/json_writer.h"
#include "proto/otlp_json_fields.h"
#include "proto/wire.h"

#include <assert.h>

#define MAX_FIELDS 16 /* of any message of the schema: a Span's */

/* Where a field lies in its message. */
struct found {
    const uint8_t *first; /* NULL: absent */
    const uint8_t *last;
};

static bool print_message(struct json_writer *w, const ProtobufCMessageDescriptor *m,
                          struct bytes body, unsigned depth);

static enum wire_type wire_type_of(const ProtobufCFieldDescriptor *f)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return WIRE_LENGTH;
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return WIRE_FIXED64;
    case PROTOBUF_C_TYPE_FIXED32:
        return WIRE_FIXED32;
    default:
        return WIRE_VARINT;
    }
}

/* Whether a list of numbers comes in one piece. */
static bool is_packed(const ProtobufCFieldDescriptor *f, const struct wire_field *value)
{
    return f->label == PROTOBUF_C_LABEL_REPEATED && wire_type(value->tag) == WIRE_LENGTH &&
           wire_type_of(f) != WIRE_LENGTH;
}

static void forget_oneof(const ProtobufCMessageDescriptor *m, const ProtobufCFieldDescriptor *f,
                         struct found *found)
{
    for (unsigned i = 0; i < m->n_fields; i++)
        if (otlp_json_is_oneof(&m->fields[i]) &&
            m->fields[i].quantifier_offset == f->quantifier_offset)
            found[i] = (struct found){0};
}

static bool find_fields(const ProtobufCMessageDescriptor *m, struct bytes body, struct found *found)
{
    const uint8_t *at = body.data;
    const uint8_t *end = at + body.len;
    while (at < end) {
        struct wire_field value;
        at = wire_field(at, end, &value);
        if (!at)
            return false;
        const ProtobufCFieldDescriptor *f =
            protobuf_c_message_descriptor_get_field(m, wire_number(value.tag));
        if (!f)
            continue;
        if (wire_type(value.tag) != wire_type_of(f) && !is_packed(f, &value))
            return false;
        if (otlp_json_is_oneof(f))
            forget_oneof(m, f, found);
        struct found *where = &found[f - m->fields];
        where->last = value.framed.data;
        if (!where->first)
            where->first = where->last;
    }
    return true;
}

static bool print_value(struct json_writer *w, const ProtobufCFieldDescriptor *f,
                        const struct wire_field *value, unsigned depth)
{
    double real;
    switch (f->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        return print_message(w, f->descriptor, value->bytes, depth + 1);
    case PROTOBUF_C_TYPE_STRING:
        json_bytes(w, value->bytes);
        break;
    case PROTOBUF_C_TYPE_BYTES:
        if (otlp_json_is_hex(f))
            json_hex(w, value->bytes);
        else
            json_base64(w, value->bytes);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        json_bool(w, value->integer != 0);
        break;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        json_int_string(w, (int64_t)value->integer);
        break;
    case PROTOBUF_C_TYPE_SINT32:
        json_int(w, (int32_t)((uint32_t)value->integer >> 1 ^ -((uint32_t)value->integer & 1)));
        break;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        json_uint_string(w, value->integer);
        break;
    case PROTOBUF_C_TYPE_DOUBLE:
        memcpy(&real, &value->integer, sizeof real);
        json_double(w, real);
        break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        json_uint(w, (uint32_t)value->integer);
        break;
    default:
        assert(f->type == PROTOBUF_C_TYPE_INT32 || f->type == PROTOBUF_C_TYPE_ENUM);
        json_int(w, (int32_t)value->integer);
    }
    return true;
}

static void print_key(struct json_writer *w, const ProtobufCFieldDescriptor *f)
{
    char name[OTLP_JSON_NAME_MAX];
    otlp_json_name(f, name);
    json_key(w, name);
}

static bool print_packed(struct json_writer *w, const ProtobufCFieldDescriptor *f,
                         struct bytes packed, unsigned depth)
{
    const uint8_t *at = packed.data, *end = wire_end(packed);
    while (at < end) {
        struct wire_field value = {0};
        if (wire_type_of(f) == WIRE_VARINT) {
            at = wire_varint(at, end, &value.integer);
        } else {
            const uint8_t *number = at;
            at = wire_skip(at, end, wire_type_of(f));
            if (at)
                value.integer = at - number == 8 ? wire_load64(number) : wire_load32(number);
        }
        if (!at || !print_value(w, f, &value, depth))
            return false;
    }
    return true;
}

static bool print_list(struct json_writer *w, const ProtobufCFieldDescriptor *f, struct found where,
                       const uint8_t *end, unsigned depth)
{
    print_key(w, f);
    json_array_begin(w);
    for (const uint8_t *at = where.first; at && at <= where.last;) {
        struct wire_field value;
        at = wire_field(at, end, &value);
        if (!at || wire_number(value.tag) != f->id)
            continue;
        if (is_packed(f, &value) ? !print_packed(w, f, value.bytes, depth)
                                 : !print_value(w, f, &value, depth))
            return false;
    }
    json_array_end(w);
    return true;
}

static bool is_default(const ProtobufCFieldDescriptor *f, const struct wire_field *value)
{
    if (f->type == PROTOBUF_C_TYPE_MESSAGE || otlp_json_is_oneof(f))
        return false;
    bool narrow = f->type == PROTOBUF_C_TYPE_UINT32 || f->type == PROTOBUF_C_TYPE_INT32 ||
                  f->type == PROTOBUF_C_TYPE_ENUM;
    return value->bytes.len == 0 && (narrow ? (uint32_t)value->integer : value->integer) == 0;
}

static bool print_singular(struct json_writer *w, const ProtobufCFieldDescriptor *f,
                           struct found where, const uint8_t *end, unsigned depth)
{
    if (!where.last) {
        if (f->type == PROTOBUF_C_TYPE_MESSAGE && !otlp_json_is_oneof(f) &&
            depth < OTLP_JSON_MAX_DEPTH) {
            print_key(w, f);
            json_object_begin(w);
            json_object_end(w);
        }
        return true;
    }
    struct wire_field value;
    wire_field(where.last, end, &value);
    if (is_default(f, &value))
        return true;
    print_key(w, f);
    return print_value(w, f, &value, depth);
}

static bool print_message(struct json_writer *w, const ProtobufCMessageDescriptor *m,
                          struct bytes body, unsigned depth)
{
    struct found found[MAX_FIELDS] = {0};
    assert(m->n_fields <= MAX_FIELDS);
    if (depth > OTLP_JSON_MAX_DEPTH || w->out->failed || !find_fields(m, body, found))
        return false;
    const uint8_t *end = body.data + body.len;
    json_object_begin(w);
    for (unsigned i = 0; i < m->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &m->fields[i];
        bool list = f->label == PROTOBUF_C_LABEL_REPEATED;
        if (list && !found[i].first)
            continue;
        if (list ? !print_list(w, f, found[i], end, depth)
                 : !print_singular(w, f, found[i], end, depth))
            return false;
    }
    json_object_end(w);
    return true;
}

bool otlp_json_print(struct bytes wire, enum otlp_message type, bool indent, struct buffer *out)
{
    static const uint8_t nothing[1];
    size_t before = out->len;
    struct json_writer w;
    json_begin(&w, out, indent);
    struct bytes body = wire.len ? wire : bytes_of(nothing, 0);
    if (print_message(&w, otlp_json_descriptor(type), body, 1) && !out->failed)
        return true;
    out->len = before;
    return false;
}
