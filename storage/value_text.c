/* Jaeger matches tags by text, so `http.status_code=500` finds the integer 500; its rules for the
 * other types are followed here, so that both answer a search alike. */
#include "storage/value_text.h"

#include "proto/double_text.h"
#include "proto/json_writer.h"

#include <math.h>

static struct bytes print_double(double d, char *out)
{
    if (isnan(d))
        return bytes_of("NaN", 3);
    if (isinf(d))
        return bytes_of(d > 0 ? "+Inf" : "-Inf", 4);
    return bytes_of(out, double_text(d, out));
}

static void write_json(struct json_writer *w, const struct value *v, int depth)
{
    struct value_iterator values;
    struct attribute_iterator pairs;
    struct value element;
    struct attribute pair;

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
        json_double(w, v->real);
        break;
    case VALUE_BYTES:
        json_base64(w, v->bytes);
        break;
    case VALUE_ARRAY:
        json_array_begin(w);
        for (value_begin(&values, v->bytes); value_next(&values, &element);)
            write_json(w, &element, depth - 1);
        json_array_end(w);
        break;
    case VALUE_MAP:
        json_object_begin(w);
        for (attribute_begin(&pairs, v->bytes, 1); attribute_next(&pairs, &pair);) {
            json_key_bytes(w, pair.key);
            write_json(w, &pair.value, depth - 1);
        }
        json_object_end(w);
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
    write_json(&w, v, 100);
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
