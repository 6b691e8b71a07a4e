#include "processors/attributes_value.h"

#include "processors/attributes_convert.h"
#include "proto/attribute_writer.h"
#include "proto/buffer.h"

#include <ctype.h>
#include <math.h>

enum { MAX_DEPTH = 32 };

static bool is_one_of(const char *text, const char *const *names)
{
    for (; *names; names++) {
        if (strcmp(text, *names) == 0)
            return true;
    }
    return false;
}

static bool read_special(const char *text, struct value *out)
{
    static const char *const truths[] = {"true", "True", "TRUE", NULL};
    static const char *const lies[] = {"false", "False", "FALSE", NULL};
    static const char *const infinite[] = {".inf", ".Inf", ".INF", NULL};
    static const char *const nan[] = {".nan", ".NaN", ".NAN", NULL};
    bool negative = text[0] == '-';
    const char *magnitude = text + (negative || text[0] == '+');
    if (is_one_of(text, truths) || is_one_of(text, lies))
        *out = (struct value){.type = VALUE_BOOL, .boolean = tolower(text[0]) == 't'};
    else if (is_one_of(magnitude, infinite))
        *out = (struct value){.type = VALUE_DOUBLE, .real = negative ? -INFINITY : INFINITY};
    else if (is_one_of(text, nan))
        *out = (struct value){.type = VALUE_DOUBLE, .real = NAN};
    else
        return false;
    return true;
}

static bool read_integer(const char *text, struct value *out)
{
    bool negative;
    uint64_t n;
    if (!config_parse_integer(text, &negative, &n) || (negative && n > (uint64_t)INT64_MAX + 1))
        return false;
    *out = (struct value){.type = VALUE_INT, .integer = (int64_t)(negative ? -n : n)};
    return true;
}

static bool read_real(const char *text, struct value *out)
{
    const char *digits = text + (text[0] == '-' || text[0] == '+');
    if (!isdigit((unsigned char)digits[0]) &&
        !(digits[0] == '.' && isdigit((unsigned char)digits[1])))
        return false;
    if (text[strspn(text, "+-.0123456789eE")])
        return false;
    *out = (struct value){.type = VALUE_DOUBLE};
    return text_to_double(bytes_of_string(text), &out->real);
}

static bool read_number(const char *text, struct value *out)
{
    char plain[CONFIG_NUMBER_MAX];
    return read_integer(text, out) || (config_plain_number(text, plain) && read_real(plain, out));
}

static bool typed(const struct config_value *v, unsigned depth, struct value *out, struct error *e);

/* Children as an ArrayValue's or KeyValueList's body. */
static bool read_children(const struct config_value *v, unsigned depth, struct buffer *body,
                          struct error *e)
{
    for (const struct config_value *c = v->children; c; c = c->next) {
        struct bytes key = bytes_of_string(c->key ? c->key : "");
        struct value child;
        if (!typed(c, depth + 1, &child, e))
            return false;
        size_t len = v->type == CONFIG_MAP ? key_value_size(key, &child) : value_size(&child);
        size_t size = wire_framed_size(1, len);
        uint8_t *to = buffer_reserve(body, size);
        if (!to)
            return error_set(e, "out of memory");
        struct wire_writer w = wire_writer(to, size);
        wire_put_frame(&w, 1, len);
        if (v->type == CONFIG_MAP)
            key_value_put(&w, key, &child);
        else
            value_put(&w, &child);
        body->len += size;
    }
    return true;
}

static bool read_compound(const struct config_value *v, unsigned depth, struct value *out,
                          struct error *e)
{
    struct buffer body = {0};
    if (depth >= MAX_DEPTH)
        return config_error(v, e, "is nested more than %d levels deep", MAX_DEPTH);
    bool read = read_children(v, depth, &body, e);
    if (read) {
        uint8_t *kept = config_keep(body.len + 1, 1);
        if (body.len)
            memcpy(kept, body.data, body.len);
        *out = (struct value){.type = v->type == CONFIG_MAP ? VALUE_MAP : VALUE_ARRAY,
                              .bytes = bytes_of(kept, body.len)};
    }
    buffer_free(&body);
    return read;
}

static bool typed(const struct config_value *v, unsigned depth, struct value *out, struct error *e)
{
    if (v->type == CONFIG_LIST || v->type == CONFIG_MAP)
        return read_compound(v, depth, out, e);
    if (v->type == CONFIG_NULL)
        *out = (struct value){.type = VALUE_EMPTY};
    else if (v->quoted || !(read_special(v->text, out) || read_number(v->text, out)))
        *out = (struct value){.type = VALUE_STRING, .bytes = bytes_of_string(v->text)};
    return true;
}

bool config_typed_value(const struct config_value *v, struct value *out, struct error *e)
{
    return typed(v, 0, out, e);
}
