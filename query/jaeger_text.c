#include "query/jaeger_text.h"

#include "proto/double_text.h"
#include "proto/json_writer.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

enum {
    MAX_DEPTH = 100, /* batch_index() lets no value nest deeper */
};

static void number_text(struct buffer *out, double d)
{
    char text[DOUBLE_TEXT_MAX];
    if (isnan(d))
        buffer_append_string(out, "NaN");
    else if (isinf(d))
        buffer_append_string(out, d < 0 ? "-Infinity" : "Infinity");
    else
        buffer_append(out, text, double_text(d, text));
}

static void quoted(struct buffer *out, struct bytes s)
{
    struct json_writer w;
    json_begin(&w, out, false);
    json_bytes(&w, s);
}

static void base64(struct buffer *out, struct bytes s)
{
    struct buffer text = {0};
    struct json_writer w;
    json_begin(&w, &text, false);
    json_base64(&w, s);
    if (text.len >= 2)
        buffer_append(out, text.data + 1, text.len - 2);
    out->failed |= text.failed;
    buffer_free(&text);
}

static void nested(struct buffer *out, const struct value *v, unsigned depth);

static void array(struct buffer *out, struct bytes body, unsigned depth)
{
    struct value_iterator it;
    struct value v;
    const char *separator = "";
    value_begin(&it, body);
    buffer_append_byte(out, '[');
    while (value_next(&it, &v)) {
        buffer_append_string(out, separator);
        nested(out, &v, depth);
        separator = ",";
    }
    buffer_append_byte(out, ']');
}

static int by_key(const void *x, const void *y)
{
    const struct attribute *a = x;
    const struct attribute *b = y;
    size_t shorter = a->key.len < b->key.len ? a->key.len : b->key.len;
    int order = shorter ? memcmp(a->key.data, b->key.data, shorter) : 0;
    if (order == 0 && a->key.len != b->key.len)
        order = a->key.len < b->key.len ? -1 : 1;
    if (order == 0) /* the later of two equal keys comes last, and counts */
        order = a->key_value.data < b->key_value.data ? -1 : 1;
    return order;
}

static void map(struct buffer *out, struct bytes body, unsigned depth)
{
    enum { KEY_VALUES = 1 };
    struct attribute_iterator it;
    struct attribute a;
    size_t count = 0;
    attribute_begin(&it, body, KEY_VALUES);
    while (attribute_next(&it, &a))
        count++;
    struct attribute *pairs = calloc(count ? count : 1, sizeof *pairs);
    if (!pairs) {
        out->failed = true;
        return;
    }
    attribute_begin(&it, body, KEY_VALUES);
    for (size_t i = 0; i < count && attribute_next(&it, &a); i++)
        pairs[i] = a;
    qsort(pairs, count, sizeof *pairs, by_key);
    const char *separator = "";
    buffer_append_byte(out, '{');
    for (size_t i = 0; i < count; i++) {
        if (i + 1 < count && bytes_equal(pairs[i].key, pairs[i + 1].key))
            continue;
        buffer_append_string(out, separator);
        quoted(out, pairs[i].key);
        buffer_append_byte(out, ':');
        nested(out, &pairs[i].value, depth);
        separator = ",";
    }
    buffer_append_byte(out, '}');
    free(pairs);
}

/* A value within an array or map, as JSON. */
static void nested(struct buffer *out, const struct value *v, unsigned depth)
{
    switch (v->type) {
    case VALUE_STRING:
        quoted(out, v->bytes);
        break;
    case VALUE_BYTES:
        buffer_append_byte(out, '"');
        base64(out, v->bytes);
        buffer_append_byte(out, '"');
        break;
    case VALUE_BOOL:
        buffer_append_string(out, v->boolean ? "true" : "false");
        break;
    case VALUE_INT:
        buffer_printf(out, "%" PRId64, v->integer);
        break;
    case VALUE_DOUBLE:
        if (isfinite(v->real)) {
            number_text(out, v->real);
        } else {
            buffer_append_byte(out, '"');
            number_text(out, v->real);
            buffer_append_byte(out, '"');
        }
        break;
    case VALUE_ARRAY:
    case VALUE_MAP:
        if (depth >= MAX_DEPTH)
            buffer_append_string(out, "null");
        else if (v->type == VALUE_ARRAY)
            array(out, v->bytes, depth + 1);
        else
            map(out, v->bytes, depth + 1);
        break;
    case VALUE_EMPTY:
        buffer_append_string(out, "null");
        break;
    }
}

void jaeger_text(struct buffer *out, const struct value *v)
{
    switch (v->type) {
    case VALUE_STRING:
        buffer_append(out, v->bytes.data, v->bytes.len);
        break;
    case VALUE_BYTES:
        base64(out, v->bytes);
        break;
    case VALUE_DOUBLE:
        number_text(out, v->real);
        break;
    case VALUE_EMPTY:
        break;
    default:
        nested(out, v, 0);
        break;
    }
}
