/* OTLP/JSON to wire bytes.
 *
 * The document is read once and its wire form written as it goes, so that a hostile document costs
 * its own size and no tree. A message's length is not known before its end: five bytes are kept
 * free for it, and what is not needed of them is closed again by moving the message, unless it is
 * large: then the length is padded, which every reader of protobuf takes. So no byte is moved more
 * often than small messages nest around it.
 *
 * A field that comes twice is written twice, and protobuf's readers let the last one count. */
#include "proto/binary_text.h"
#include "proto/json_number.h"
#include "proto/json_reader.h"
#include "proto/message_writer.h"
#include "proto/otlp_json_fields.h"
#include "proto/wire.h"

#include <stdio.h>

#define LENGTH_ROOM    5      /* bytes of the longest length */
#define LENGTH_COMPACT 0x4000 /* shorter messages get the shortest length */
#define NO_INDEX       SIZE_MAX
#define KEY_MAX        256 /* a longer key is none of ours */

/* A place on the way from the document's top to what is being read. */
struct step {
    const ProtobufCFieldDescriptor *field;
    size_t index; /* within a list; else NO_INDEX */
};

struct transcoder {
    struct json_reader in;
    struct buffer *out;
    unsigned depth; /* of messages, the outermost at 1 */
    unsigned steps; /* at most depth */
    struct step path[OTLP_JSON_MAX_DEPTH + 1];
};

static bool parse_message(struct transcoder *t, const ProtobufCMessageDescriptor *m);

static void put_tag(struct buffer *out, const ProtobufCFieldDescriptor *f, enum wire_type type)
{
    message_varint(out, WIRE_TAG(f->id, type));
}

static void put_fixed64(struct buffer *out, uint64_t v)
{
    v = htole64(v);
    buffer_append(out, &v, sizeof v);
}

static void put_fixed32(struct buffer *out, uint64_t v)
{
    uint32_t narrow = htole32((uint32_t)v);
    buffer_append(out, &narrow, sizeof narrow);
}

/* Begins a length-delimited field: room for its length. Returns where its content starts. */
static size_t open_length(struct buffer *out)
{
    if (buffer_reserve(out, LENGTH_ROOM))
        out->len += LENGTH_ROOM;
    return out->len;
}

static void close_length(struct buffer *out, size_t start)
{
    if (out->failed)
        return;
    size_t len = out->len - start;
    uint8_t *length = out->data + start - LENGTH_ROOM;
    size_t size = len < LENGTH_COMPACT ? wire_varint_size(len) : LENGTH_ROOM;
    if (size < LENGTH_ROOM) {
        memmove(length + size, length + LENGTH_ROOM, len);
        out->len -= LENGTH_ROOM - size;
    }
    for (size_t i = 0; i + 1 < size; i++, len >>= 7)
        length[i] = (uint8_t)(len | 0x80);
    length[size - 1] = (uint8_t)len;
}

static bool parse_string(struct transcoder *t, const ProtobufCFieldDescriptor *f)
{
    struct bytes raw;
    bool escaped;
    if (!json_read_string(&t->in, &raw, &escaped))
        return false;
    put_tag(t->out, f, WIRE_LENGTH);
    if (!escaped) {
        message_varint(t->out, raw.len);
        buffer_append(t->out, raw.data, raw.len);
        return true;
    }
    size_t start = open_length(t->out);
    uint8_t *to = buffer_reserve(t->out, raw.len);
    if (to)
        t->out->len += json_unescape(raw, to);
    close_length(t->out, start);
    return true;
}

static bool parse_bytes(struct transcoder *t, const ProtobufCFieldDescriptor *f)
{
    struct bytes raw;
    bool escaped;
    json_peek(&t->in);
    const uint8_t *at = t->in.at;
    if (!json_read_string(&t->in, &raw, &escaped))
        return false;
    put_tag(t->out, f, WIRE_LENGTH);
    size_t start = open_length(t->out);
    uint8_t *to = buffer_reserve(t->out, raw.len);
    if (!to)
        return true; /* the buffer remembers */
    size_t len = json_unescape(raw, to);
    const char *error = otlp_json_is_hex(f) ? hex_decode(to, &len) : base64_decode(to, &len);
    if (error)
        return json_read_fail(&t->in, at, error);
    t->out->len += len;
    close_length(t->out, start);
    return true;
}

/* A number, or a string that holds one; other strings are left to the caller in `text`. */
static bool read_number(struct transcoder *t, struct bytes *text, bool *is_number)
{
    *is_number = true;
    if (json_peek(&t->in) != '"')
        return json_read_number(&t->in, text);
    bool escaped;
    if (!json_read_string(&t->in, text, &escaped))
        return false;
    *is_number =
        text->len > 0 && text->len <= JSON_NUMBER_MAX && json_number_length(*text) == text->len;
    return true;
}

struct range {
    uint64_t below; /* largest magnitude of a negative number */
    uint64_t above;
};

static struct range range_of(const ProtobufCFieldDescriptor *f)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_INT64:
        return (struct range){(uint64_t)INT64_MAX + 1, INT64_MAX};
    case PROTOBUF_C_TYPE_FIXED64:
        return (struct range){0, UINT64_MAX};
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        return (struct range){0, UINT32_MAX};
    default:
        return (struct range){(uint64_t)INT32_MAX + 1, INT32_MAX};
    }
}

static bool enum_by_name(const ProtobufCFieldDescriptor *f, struct bytes text, uint64_t *value)
{
    char name[OTLP_JSON_NAME_MAX];
    if (f->type != PROTOBUF_C_TYPE_ENUM || text.len >= sizeof name)
        return false;
    memcpy(name, text.data, text.len);
    name[text.len] = '\0';
    const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value_by_name(f->descriptor, name);
    if (v)
        *value = (uint64_t)(int64_t)v->value;
    return v;
}

static bool parse_integer(struct transcoder *t, const ProtobufCFieldDescriptor *f)
{
    struct bytes text;
    bool is_number;
    json_peek(&t->in);
    const uint8_t *at = t->in.at;
    if (!read_number(t, &text, &is_number))
        return false;
    uint64_t value = 0;
    if (is_number) {
        bool negative;
        struct range range = range_of(f);
        enum json_number result = json_number_integer(text, &negative, &value);
        if (result == JSON_NUMBER_FRACTION)
            return json_read_fail(&t->in, at, "not a whole number");
        if (result == JSON_NUMBER_RANGE || value > (negative ? range.below : range.above))
            return json_read_fail(&t->in, at, "a number that is out of range");
        value = negative ? -value : value;
    } else if (!enum_by_name(f, text, &value)) {
        return json_read_fail(&t->in, at,
                              f->type == PROTOBUF_C_TYPE_ENUM ? "not a name of this enum"
                                                              : "not a number");
    }
    if (f->type == PROTOBUF_C_TYPE_FIXED64) {
        put_tag(t->out, f, WIRE_FIXED64);
        put_fixed64(t->out, value);
    } else if (f->type == PROTOBUF_C_TYPE_FIXED32) {
        put_tag(t->out, f, WIRE_FIXED32);
        put_fixed32(t->out, value);
    } else {
        put_tag(t->out, f, WIRE_VARINT);
        message_varint(t->out, value);
    }
    return true;
}

static bool parse_double(struct transcoder *t, const ProtobufCFieldDescriptor *f)
{
    struct bytes text;
    bool is_number;
    json_peek(&t->in);
    const uint8_t *at = t->in.at;
    if (!read_number(t, &text, &is_number))
        return false;
    double d = 0;
    if (is_number) {
        if (json_number_double(text, &d) != JSON_NUMBER_OK)
            return json_read_fail(&t->in, at, "a number that is out of range");
    } else if (bytes_equal_string(text, "NaN")) {
        d = __builtin_nan("");
    } else if (bytes_equal_string(text, "Infinity")) {
        d = __builtin_inf();
    } else if (bytes_equal_string(text, "-Infinity")) {
        d = -__builtin_inf();
    } else {
        return json_read_fail(&t->in, at, "not a number");
    }
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    put_tag(t->out, f, WIRE_FIXED64);
    put_fixed64(t->out, bits);
    return true;
}

static bool parse_bool(struct transcoder *t, const ProtobufCFieldDescriptor *f)
{
    bool value = json_peek(&t->in) == 't';
    if (!value && json_peek(&t->in) != 'f')
        return json_read_fail(&t->in, t->in.at, "expected true or false");
    if (!json_read_literal(&t->in, value ? "true" : "false"))
        return false;
    put_tag(t->out, f, WIRE_VARINT);
    message_varint(t->out, value);
    return true;
}

static bool parse_submessage(struct transcoder *t, const ProtobufCFieldDescriptor *f)
{
    if (t->depth == OTLP_JSON_MAX_DEPTH)
        return json_read_fail(&t->in, t->in.at, "nested too deep");
    put_tag(t->out, f, WIRE_LENGTH);
    size_t start = open_length(t->out);
    t->depth++;
    if (!parse_message(t, f->descriptor))
        return false;
    t->depth--;
    close_length(t->out, start);
    return true;
}

static bool parse_value(struct transcoder *t, const ProtobufCFieldDescriptor *f)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        return parse_submessage(t, f);
    case PROTOBUF_C_TYPE_STRING:
        return parse_string(t, f);
    case PROTOBUF_C_TYPE_BYTES:
        return parse_bytes(t, f);
    case PROTOBUF_C_TYPE_BOOL:
        return parse_bool(t, f);
    case PROTOBUF_C_TYPE_DOUBLE:
        return parse_double(t, f);
    default:
        return parse_integer(t, f);
    }
}

static bool parse_list(struct transcoder *t, const ProtobufCFieldDescriptor *f)
{
    if (!json_read_punctuation(&t->in, '['))
        return false;
    if (json_peek(&t->in) == ']') {
        t->in.at++;
        return true;
    }
    struct step *step = &t->path[t->steps - 1];
    step->index = 0;
    for (bool more = true; more; step->index++)
        if (!parse_value(t, f) || !json_read_more(&t->in, ']', &more))
            return false;
    return true;
}

static bool parse_field(struct transcoder *t, const ProtobufCFieldDescriptor *f)
{
    if (json_peek(&t->in) == 'n')
        return json_read_literal(&t->in, "null");
    t->path[t->steps++] = (struct step){.field = f, .index = NO_INDEX};
    bool list = f->label == PROTOBUF_C_LABEL_REPEATED;
    if (list ? !parse_list(t, f) : !parse_value(t, f))
        return false;
    t->steps--;
    return true;
}

/* Reads a key; `f` is NULL when it is not one of the message's. */
static bool parse_key(struct transcoder *t, const ProtobufCMessageDescriptor *m,
                      const ProtobufCFieldDescriptor **f)
{
    struct bytes key;
    bool escaped;
    uint8_t plain[KEY_MAX];
    if (!json_read_string(&t->in, &key, &escaped) || !json_read_punctuation(&t->in, ':'))
        return false;
    if (key.len > sizeof plain) {
        *f = NULL;
        return true;
    }
    if (escaped)
        key = bytes_of(plain, json_unescape(key, plain));
    *f = otlp_json_field(m, key);
    return true;
}

static bool parse_message(struct transcoder *t, const ProtobufCMessageDescriptor *m)
{
    if (!json_read_punctuation(&t->in, '{'))
        return false;
    if (json_peek(&t->in) == '}') {
        t->in.at++;
        return true;
    }
    for (bool more = true; more;) {
        const ProtobufCFieldDescriptor *f;
        if (t->out->failed)
            return json_read_fail(&t->in, t->in.at, "out of memory, or larger than the limit");
        if (!parse_key(t, m, &f))
            return false;
        if (f ? !parse_field(t, f) : !json_skip_value(&t->in, OTLP_JSON_MAX_DEPTH - t->depth))
            return false;
        if (!json_read_more(&t->in, '}', &more))
            return false;
    }
    return true;
}

/* "line 3, column 17: resourceSpans[0].scopeSpans[2].spans[17].traceId: not hex" */
static void explain(const struct transcoder *t, char *where, size_t where_len)
{
    size_t line, column;
    json_position(&t->in, t->in.error_at, &line, &column);
    char path[1024];
    size_t len = 0;
    for (unsigned i = 0; i < t->steps && len + OTLP_JSON_NAME_MAX + 32 < sizeof path; i++) {
        const struct step *step = &t->path[i];
        char name[OTLP_JSON_NAME_MAX];
        otlp_json_name(step->field, name);
        len += (size_t)snprintf(path + len, sizeof path - len, "%s%s", i ? "." : "", name);
        if (step->index != NO_INDEX)
            len += (size_t)snprintf(path + len, sizeof path - len, "[%zu]", step->index);
    }
    path[len] = '\0';
    /* A long path is cut, so that the words still fit. */
    int room = (int)where_len - 120;
    snprintf(where, where_len, "line %zu, column %zu: %.*s%s%s%s", line, column,
             room > 0 ? room : 0, path, (int)len > room ? "…" : "", len ? ": " : "", t->in.error);
}

bool otlp_json_parse(struct bytes json, enum otlp_message type, struct buffer *out, char *where,
                     size_t where_len)
{
    if (json.len > INT32_MAX) {
        snprintf(where, where_len, "larger than 2 GiB");
        return false;
    }
    struct transcoder t = {.out = out, .depth = 1};
    size_t before = out->len;
    json_read_begin(&t.in, json);
    bool ok = parse_message(&t, otlp_json_descriptor(type));
    if (ok && (json_peek(&t.in) != 0 || t.in.at != t.in.end))
        ok = json_read_fail(&t.in, t.in.at, "something behind the end of the document");
    if (ok && out->failed)
        ok = json_read_fail(&t.in, t.in.at, "out of memory, or larger than the limit");
    if (ok)
        return true;
    explain(&t, where, where_len);
    out->len = before;
    return false;
}
