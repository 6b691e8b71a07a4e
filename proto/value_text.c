/* Jaeger shows arrays and maps as JSON text, maps sorted by key, and matches tags by text, so that
 * `http.status_code=500` finds the integer 500. Search and display both write values here: what is
 * copied from the one has to be found by the other.
 *
 * Jaeger answers nothing where a number is not finite; those have protobuf's JSON names here. */
#include "proto/value_text.h"

#include "proto/double_text.h"
#include "proto/json_writer.h"

#include <math.h>
#include <stdlib.h>

enum {
    MAX_DEPTH = 100, /* batch_index() lets no value nest deeper */
    KEY_VALUES = 1,
};

static struct bytes print_double(double d, char *out)
{
    if (isnan(d))
        return bytes_of("NaN", 3);
    if (isinf(d))
        return bytes_of_string(d > 0 ? "Infinity" : "-Infinity");
    return bytes_of(out, double_text(d, out));
}

static void write_double(struct json_writer *w, double d)
{
    char text[DOUBLE_TEXT_MAX];
    if (isfinite(d))
        json_number(w, print_double(d, text));
    else
        json_bytes(w, print_double(d, text));
}

static void write_json(struct json_writer *w, const struct value *v, int depth);

static void write_array(struct json_writer *w, struct bytes body, int depth)
{
    struct value_iterator it;
    struct value element;
    json_array_begin(w);
    for (value_begin(&it, body); value_next(&it, &element);)
        write_json(w, &element, depth);
    json_array_end(w);
}

static struct attribute pair_at(struct bytes body, uint32_t offset)
{
    struct attribute_iterator it;
    struct attribute a = {0};
    attribute_begin(&it, bytes_of(body.data + offset, body.len - offset), KEY_VALUES);
    attribute_next(&it, &a);
    return a;
}

/* Of equal keys, the later comes last. */
static int compare_pairs(const void *x, const void *y, void *context)
{
    const struct bytes *body = context;
    uint32_t i = *(const uint32_t *)x;
    uint32_t j = *(const uint32_t *)y;
    struct bytes a = pair_at(*body, i).key;
    struct bytes b = pair_at(*body, j).key;
    int order = bytes_compare(a, b);
    return order ? order : (i > j) - (i < j);
}

/* Where the pairs of a map stand, in the order of their keys. Offsets, because a pair may be two
 * bytes and be sent by the million. NULL: out of memory. */
static uint32_t *sorted_pairs(struct bytes body, size_t *count)
{
    struct attribute_iterator it;
    struct attribute a;
    size_t n = 0;
    for (attribute_begin(&it, body, KEY_VALUES); attribute_next(&it, &a);)
        n++;
    uint32_t *offsets = body.len <= UINT32_MAX ? calloc(n + 1, sizeof *offsets) : NULL;
    *count = 0;
    if (!offsets)
        return NULL;
    for (attribute_begin(&it, body, KEY_VALUES); attribute_next(&it, &a);)
        offsets[(*count)++] = (uint32_t)(a.framed.data - body.data);
    qsort_r(offsets, *count, sizeof *offsets, compare_pairs, &body);
    return offsets;
}

static void write_map(struct json_writer *w, struct bytes body, int depth)
{
    size_t count;
    uint32_t *offsets = sorted_pairs(body, &count);
    if (!offsets) {
        w->out->failed = true;
        return;
    }
    json_object_begin(w);
    for (size_t i = 0; i < count; i++) {
        struct attribute a = pair_at(body, offsets[i]);
        if (i + 1 < count && bytes_equal(a.key, pair_at(body, offsets[i + 1]).key))
            continue; /* of equal keys the last counts */
        json_key_bytes(w, a.key);
        write_json(w, &a.value, depth);
    }
    json_object_end(w);
    free(offsets);
}

static void write_json(struct json_writer *w, const struct value *v, int depth)
{
    switch (depth > 0 ? v->type : VALUE_EMPTY) {
    case VALUE_STRING:
        json_bytes(w, v->bytes);
        break;
    case VALUE_BOOL:
        json_bool(w, v->boolean);
        break;
    case VALUE_INT:
        json_int(w, v->integer);
        break;
    case VALUE_DOUBLE:
        write_double(w, v->real);
        break;
    case VALUE_BYTES:
        json_base64(w, v->bytes);
        break;
    case VALUE_ARRAY:
        write_array(w, v->bytes, depth - 1);
        break;
    case VALUE_MAP:
        write_map(w, v->bytes, depth - 1);
        break;
    case VALUE_EMPTY:
        json_nil(w);
        break;
    }
}

static struct bytes as_json(const struct value *v, struct value_text *t)
{
    struct json_writer w;
    t->large.len = 0;
    t->large.failed = false;
    json_begin(&w, &t->large, false);
    write_json(&w, v, MAX_DEPTH + 1);
    if (t->large.failed)
        return bytes_of(NULL, 0);
    struct bytes text = buffer_bytes(&t->large);
    if (v->type == VALUE_BYTES && text.len >= 2) /* without the quotes */
        return bytes_of(text.data + 1, text.len - 2);
    return text;
}

/* Integers are what tags mostly are besides strings, and snprintf is ten times slower. */
static struct bytes print_integer(int64_t n, char *out, size_t len)
{
    char *end = out + len;
    char *p = end;
    uint64_t magnitude = n < 0 ? -(uint64_t)n : (uint64_t)n;
    do {
        *--p = (char)('0' + magnitude % 10);
        magnitude /= 10;
    } while (magnitude);
    if (n < 0)
        *--p = '-';
    return bytes_of(p, (size_t)(end - p));
}

struct bytes value_text(const struct value *v, struct value_text *t)
{
    switch (v->type) {
    case VALUE_STRING:
        return v->bytes;
    case VALUE_BOOL:
        return v->boolean ? bytes_of("true", 4) : bytes_of("false", 5);
    case VALUE_INT:
        return print_integer(v->integer, t->small, sizeof t->small);
    case VALUE_DOUBLE:
        return print_double(v->real, t->small);
    case VALUE_EMPTY:
        return bytes_of("", 0);
    case VALUE_ARRAY:
    case VALUE_MAP:
    case VALUE_BYTES:
        break;
    }
    return as_json(v, t);
}

void value_text_free(struct value_text *t)
{
    buffer_free(&t->large);
}
