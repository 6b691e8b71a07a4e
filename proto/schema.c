/* Checking by table, recursively, with the depth counted; and finding words for an error.
 *
 * An error's place is noted while the recursion unwinds, and the index among its siblings is
 * counted only then, by walking the parent once more. So a good request pays nothing for good
 * messages. */
#include "proto/schema.h"

#include "proto/batch.h"
#include "proto/wire.h"

#include <stdarg.h>
#include <stdio.h>

struct schema_field {
    const char *name; /* NULL: no such field */
    uint8_t type;
    uint8_t message;
    bool repeated;
};

#define VARINT(n)                                                                                  \
    {                                                                                              \
        .name = (n), .type = WIRE_VARINT                                                           \
    }
#define FIXED32(n)                                                                                 \
    {                                                                                              \
        .name = (n), .type = WIRE_FIXED32                                                          \
    }
#define FIXED64(n)                                                                                 \
    {                                                                                              \
        .name = (n), .type = WIRE_FIXED64                                                          \
    }
#define BYTES(n)                                                                                   \
    {                                                                                              \
        .name = (n), .type = WIRE_LENGTH                                                           \
    }
#define STRINGS(n)                                                                                 \
    {                                                                                              \
        .name = (n), .type = WIRE_LENGTH, .repeated = true                                         \
    }
#define ONE(n, m)                                                                                  \
    {                                                                                              \
        .name = (n), .type = WIRE_LENGTH, .message = (m)                                           \
    }
#define MANY(n, m)                                                                                 \
    {                                                                                              \
        .name = (n), .type = WIRE_LENGTH, .message = (m), .repeated = true                         \
    }

#define FIELDS    17
#define MAX_STEPS (BATCH_MAX_DEPTH + 1)

static const struct schema_field schema[SCHEMA_MESSAGES][FIELDS] =
    {
        [SCHEMA_REQUEST] = {[1] = MANY("resource_spans", SCHEMA_RESOURCE_SPANS)},
        [SCHEMA_RESOURCE_SPANS] =
            {
                [1] = ONE("resource", SCHEMA_RESOURCE),
                [2] = MANY("scope_spans", SCHEMA_SCOPE_SPANS),
                [3] = BYTES("schema_url"),
            },
        [SCHEMA_RESOURCE] =
            {
                [1] = MANY("attributes", SCHEMA_KEY_VALUE),
                [2] = VARINT("dropped_attributes_count"),
                [3] = MANY("entity_refs", SCHEMA_ENTITY_REF),
            },
        [SCHEMA_ENTITY_REF] =
            {
                [1] = BYTES("schema_url"),
                [2] = BYTES("type"),
                [3] = STRINGS("id_keys"),
                [4] = STRINGS("description_keys"),
            },
        [SCHEMA_SCOPE_SPANS] =
            {
                [1] = ONE("scope", SCHEMA_SCOPE),
                [2] = MANY("spans", SCHEMA_SPAN),
                [3] = BYTES("schema_url"),
            },
        [SCHEMA_SCOPE] =
            {
                [1] = BYTES("name"),
                [2] = BYTES("version"),
                [3] = MANY("attributes", SCHEMA_KEY_VALUE),
                [4] = VARINT("dropped_attributes_count"),
            },
        [SCHEMA_SPAN] =
            {
                [1] = BYTES("trace_id"),
                [2] = BYTES("span_id"),
                [3] = BYTES("trace_state"),
                [4] = BYTES("parent_span_id"),
                [5] = BYTES("name"),
                [6] = VARINT("kind"),
                [7] = FIXED64("start_time_unix_nano"),
                [8] = FIXED64("end_time_unix_nano"),
                [9] = MANY("attributes", SCHEMA_KEY_VALUE),
                [10] = VARINT("dropped_attributes_count"),
                [11] = MANY("events", SCHEMA_EVENT),
                [12] = VARINT("dropped_events_count"),
                [13] = MANY("links", SCHEMA_LINK),
                [14] = VARINT("dropped_links_count"),
                [15] = ONE("status", SCHEMA_STATUS),
                [16] = FIXED32("flags"),
            },
        [SCHEMA_EVENT] =
            {
                [1] = FIXED64("time_unix_nano"),
                [2] = BYTES("name"),
                [3] = MANY("attributes", SCHEMA_KEY_VALUE),
                [4] = VARINT("dropped_attributes_count"),
            },
        [SCHEMA_LINK] =
            {
                [1] = BYTES("trace_id"),
                [2] = BYTES("span_id"),
                [3] = BYTES("trace_state"),
                [4] = MANY("attributes", SCHEMA_KEY_VALUE),
                [5] = VARINT("dropped_attributes_count"),
                [6] = FIXED32("flags"),
            },
        [SCHEMA_STATUS] = {[2] = BYTES("message"), [3] = VARINT("code")},
        [SCHEMA_KEY_VALUE] = {[1] = BYTES("key"), [2] = ONE("value", SCHEMA_ANY_VALUE)},
        [SCHEMA_ANY_VALUE] =
            {
                [1] = BYTES("string_value"),
                [2] = VARINT("bool_value"),
                [3] = VARINT("int_value"),
                [4] = FIXED64("double_value"),
                [5] = ONE("array_value", SCHEMA_ARRAY),
                [6] = ONE("kvlist_value", SCHEMA_MAP),
                [7] = BYTES("bytes_value"),
            },
        [SCHEMA_ARRAY] = {[1] = MANY("values", SCHEMA_ANY_VALUE)},
        [SCHEMA_MAP] = {[1] = MANY("values", SCHEMA_KEY_VALUE)},
};

static const struct schema_field *field_of(enum schema_message type, uint32_t tag)
{
    uint32_t number = wire_number(tag);
    if (number >= FIELDS || !schema[type][number].name)
        return NULL;
    return &schema[type][number];
}

/* Where an error lies, from the inside out. */
struct place {
    const uint8_t *request;
    char reason[96];
    unsigned depth;
    struct step {
        const struct schema_field *field;
        uint32_t index;
    } steps[MAX_STEPS];
};

__attribute__((format(printf, 2, 3))) static bool fail(struct place *p, const char *format, ...)
{
    if (!p)
        return false;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(p->reason, sizeof p->reason, format, arguments);
    va_end(arguments);
    return false;
}

/* Notes that the error lies in the field `at` of `message`. */
static void step_out(struct place *p, const uint8_t *message, const uint8_t *at, const uint8_t *end,
                     const struct schema_field *field)
{
    if (!p || !field || p->depth == MAX_STEPS)
        return;
    struct step *s = &p->steps[p->depth++];
    *s = (struct step){.field = field};
    struct wire_field sibling;
    uint32_t tag;
    if (!wire_tag(at, end, &tag))
        return;
    while (message < at && (message = wire_field(message, end, &sibling)))
        s->index += wire_number(sibling.tag) == wire_number(tag);
}

static bool fail_tag(struct place *p, const uint8_t *at, const uint8_t *end)
{
    uint64_t v;
    if (!p)
        return false;
    size_t offset = (size_t)(at - p->request);
    if (!wire_long_varint(at, end, 5, &v) || v > UINT32_MAX)
        return fail(p, "the tag at byte %zu is cut off or too long", offset);
    if (v < 8)
        return fail(p, "the tag at byte %zu has field number 0", offset);
    return fail(p, "the tag at byte %zu has wire type %u, which is not supported", offset,
                (unsigned)(v & 7));
}

static bool fail_value(struct place *p, const uint8_t *value, const uint8_t *end,
                       enum wire_type type)
{
    uint64_t v;
    if (!p)
        return false;
    size_t left = (size_t)(end - value);
    if (type == WIRE_VARINT)
        return fail(p, "the varint at byte %zu is cut off or too long",
                    (size_t)(value - p->request));
    if (type != WIRE_LENGTH)
        return fail(p, "%d bytes wanted, %zu left", type == WIRE_FIXED64 ? 8 : 4, left);
    if (!wire_long_varint(value, end, 5, &v))
        return fail(p, "the length at byte %zu is cut off or too long",
                    (size_t)(value - p->request));
    return fail(p, "length %llu runs past the end", (unsigned long long)v);
}

static bool check(enum schema_message type, const uint8_t *at, const uint8_t *end, unsigned depth,
                  struct place *p);

/* Checks the value of one field, at `value`, and sets where the next one begins. */
static bool check_value(enum schema_message type, uint32_t tag, const uint8_t *value,
                        const uint8_t *end, unsigned depth, struct place *p, const uint8_t **next)
{
    const struct schema_field *field = field_of(type, tag);
    if (field && field->type != wire_type(tag))
        return fail(p, "wire type %d where %d was expected", wire_type(tag), field->type);
    *next = wire_skip(value, end, wire_type(tag));
    if (!*next)
        return fail_value(p, value, end, wire_type(tag));
    if (!field || field->message == SCHEMA_NONE)
        return true;
    if (depth == BATCH_MAX_DEPTH)
        return fail(p, "nested deeper than %d messages", BATCH_MAX_DEPTH);
    size_t len = 0;
    const uint8_t *body = wire_length(value, end, &len);
    return check(field->message, body, body + len, depth + 1, p);
}

static bool check(enum schema_message type, const uint8_t *at, const uint8_t *end, unsigned depth,
                  struct place *p)
{
    const uint8_t *message = at;
    while (at < end) {
        uint32_t tag;
        const uint8_t *field = at;
        const uint8_t *value = wire_tag(at, end, &tag);
        if (!value)
            return fail_tag(p, at, end);
        if (!check_value(type, tag, value, end, depth, p, &at)) {
            step_out(p, message, field, end, field_of(type, tag));
            return false;
        }
    }
    return true;
}

bool schema_check(enum schema_message type, struct bytes body, unsigned depth)
{
    return check(type, body.data, wire_end(body), depth, NULL);
}

/* "resource_spans[0].scope_spans[2].spans[17]", shortened when it does not fit. */
static void write_path(const struct place *p, char *where, size_t where_len)
{
    size_t used = 0;
    for (unsigned i = p->depth; i-- > 0;) {
        const struct step *s = &p->steps[i];
        char text[64];
        int len = s->field->repeated
                      ? snprintf(text, sizeof text, "%s[%u]", s->field->name, s->index)
                      : snprintf(text, sizeof text, "%s", s->field->name);
        if (used + (size_t)len + sizeof p->reason + 8 > where_len) {
            used += (size_t)snprintf(where + used, where_len - used, "...");
            break;
        }
        used += (size_t)snprintf(where + used, where_len - used, "%s%s", used ? "." : "", text);
    }
    snprintf(where + used, where_len - used, "%s%s", used ? ": " : "", p->reason);
}

bool schema_explain(struct bytes request, char *where, size_t where_len)
{
    struct place p = {.request = request.data};
    if (check(SCHEMA_REQUEST, request.data, wire_end(request), 1, &p))
        return false;
    write_path(&p, where, where_len);
    return true;
}

/* Steps into the field of `type` that holds `inside`, and returns its body. */
static struct bytes step_in(struct place *p, enum schema_message type, struct bytes message,
                            const uint8_t *inside)
{
    const uint8_t *at = message.data;
    const uint8_t *end = wire_end(message);
    struct wire_field f;
    while (at < end && (at = wire_field(at, end, &f))) {
        if (inside > at || f.bytes.data > inside)
            continue;
        step_out(p, message.data, f.framed.data, end, field_of(type, f.tag));
        return f.bytes;
    }
    return bytes_of(NULL, 0);
}

static struct bytes last_bytes(struct bytes message, uint32_t number)
{
    const uint8_t *at = message.data;
    const uint8_t *end = wire_end(message);
    struct bytes found = {0};
    struct wire_field f;
    while (at < end && (at = wire_field(at, end, &f))) {
        if (f.tag == WIRE_TAG(number, WIRE_LENGTH))
            found = f.bytes;
    }
    return found;
}

static bool explain_id(struct place *p, struct bytes span, uint32_t number, size_t len,
                       bool may_miss)
{
    static const uint8_t zero[16];
    struct bytes id = last_bytes(span, number);
    if (id.len == 0 && may_miss)
        return false;
    if (id.len == 0)
        fail(p, "missing");
    else if (id.len != len)
        fail(p, "%zu bytes where %zu were expected", id.len, len);
    else if (!may_miss && memcmp(id.data, zero, len) == 0)
        fail(p, "all zero");
    else
        return false;
    memmove(p->steps + 1, p->steps, p->depth * sizeof p->steps[0]);
    p->steps[0] = (struct step){.field = &schema[SCHEMA_SPAN][number]};
    p->depth++;
    return true;
}

void schema_explain_ids(struct bytes request, struct bytes span, char *where, size_t where_len)
{
    struct place p = {.request = request.data};
    struct bytes message = request;
    for (enum schema_message type = SCHEMA_REQUEST; message.data != span.data;) {
        message = step_in(&p, type, message, span.data);
        if (!message.data)
            break;
        type = type == SCHEMA_REQUEST ? SCHEMA_RESOURCE_SPANS : SCHEMA_SCOPE_SPANS;
    }
    for (unsigned i = 0; i < p.depth / 2; i++) {
        struct step s = p.steps[i];
        p.steps[i] = p.steps[p.depth - 1 - i];
        p.steps[p.depth - 1 - i] = s;
    }
    if (explain_id(&p, span, 1, 16, false) || explain_id(&p, span, 2, 8, false) ||
        explain_id(&p, span, 4, 8, true))
        write_path(&p, where, where_len);
}
