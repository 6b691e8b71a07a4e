/* Jaeger matches tags by text, so `http.status_code=500` finds the integer 500; its rules for the
 * other types are followed here, so that both answer a search alike. */
#include "storage/value_text.h"

#include "proto/json_writer.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* The fewest digits that read back as `d`, as "d.ddde±xx". Fifteen always survive, so trailing
 * zeros may go; beyond that, and for the subnormals that have fewer, one tries. */
static void shortest(double d, char *out, size_t len)
{
    for (int digits = d < DBL_MIN ? 0 : 14; digits <= 16; digits++) {
        snprintf(out, len, "%.*e", digits, d);
        if (strtod(out, NULL) == d)
            return;
    }
}

/* From "d.ddde±xx" to digits without trailing zeros and the decimal exponent. */
static int take_apart(const char *scientific, char digits[24])
{
    int n = 0;
    const char *p = scientific;
    for (; *p && *p != 'e'; p++) {
        if (*p >= '0' && *p <= '9' && n < 23)
            digits[n++] = *p;
    }
    while (n > 1 && digits[n - 1] == '0')
        n--;
    digits[n] = '\0';
    return *p ? atoi(p + 1) : 0;
}

static int print_double(double d, char *out, size_t len)
{
    if (isnan(d))
        return snprintf(out, len, "NaN");
    if (isinf(d))
        return snprintf(out, len, d > 0 ? "+Inf" : "-Inf");
    if (d == 0)
        return snprintf(out, len, signbit(d) ? "-0" : "0");
    char scientific[40];
    char digits[24];
    shortest(fabs(d), scientific, sizeof scientific);
    int exponent = take_apart(scientific, digits);
    int n = (int)strlen(digits);
    const char *sign = d < 0 ? "-" : "";
    if (exponent < -6 || exponent >= 21)
        return snprintf(out, len, "%s%c%s%se%+d", sign, digits[0], n > 1 ? "." : "", digits + 1,
                        exponent);
    if (exponent < 0)
        return snprintf(out, len, "%s0.%.*s%s", sign, -exponent - 1, "000000", digits);
    if (n <= exponent + 1)
        return snprintf(out, len, "%s%s%.*s", sign, digits, exponent + 1 - n,
                        "000000000000000000000");
    return snprintf(out, len, "%s%.*s.%s", sign, exponent + 1, digits, digits + exponent + 1);
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
        return bytes_of(t->small, (size_t)print_double(v->real, t->small, sizeof t->small));
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
