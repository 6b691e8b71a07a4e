#include "processors/attributes_convert.h"

#include "proto/value_text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

/* Longer text is no number that anybody wrote down. */
enum { NUMBER_MAX = 400 };

static bool copy_text(struct bytes text, char copy[NUMBER_MAX + 1])
{
    if (text.len == 0 || text.len > NUMBER_MAX || memchr(text.data, 0, text.len))
        return false;
    memcpy(copy, text.data, text.len);
    copy[text.len] = 0;
    return true;
}

bool text_to_int(struct bytes text, int64_t *out)
{
    char copy[NUMBER_MAX + 1], *end;
    if (!copy_text(text, copy))
        return false;
    const char *digits = copy + (copy[0] == '-' || copy[0] == '+');
    if (!isdigit((unsigned char)digits[0]))
        return false;
    errno = 0;
    long long n = strtoll(copy, &end, 10);
    if (*end || errno)
        return false;
    *out = n;
    return true;
}

static bool is_infinite(const char *magnitude)
{
    return strcasecmp(magnitude, "inf") == 0 || strcasecmp(magnitude, "infinity") == 0;
}

/* Takes out underscores, each of which has to stand between digits, or behind 0x. */
static bool drop_underscores(char *number, bool hexadecimal)
{
    int (*const digit)(int) = hexadecimal ? isxdigit : isdigit;
    char *to = number;
    for (const char *from = number; *from; from++) {
        if (*from != '_') {
            *to++ = *from;
            continue;
        }
        bool behind = from > number && (digit((unsigned char)from[-1]) ||
                                        (hexadecimal && tolower((unsigned char)from[-1]) == 'x'));
        if (!behind || !digit((unsigned char)from[1]))
            return false;
    }
    *to = 0;
    return true;
}

/* What strtod takes and Go doesn't: spaces in front, nan(…), a hexadecimal number without exponent.
 */
bool text_to_double(struct bytes text, double *out)
{
    char copy[NUMBER_MAX + 1], *end;
    if (!copy_text(text, copy))
        return false;
    const char *magnitude = copy + (copy[0] == '-' || copy[0] == '+');
    bool hexadecimal = magnitude[0] == '0' && tolower(magnitude[1]) == 'x';
    if (is_infinite(magnitude) || strcasecmp(copy, "nan") == 0) {
        *out = strtod(copy, &end);
        return true;
    }
    if (!isdigit((unsigned char)magnitude[0]) && magnitude[0] != '.')
        return false;
    if ((hexadecimal && !strpbrk(magnitude, "pP")) || !drop_underscores(copy, hexadecimal))
        return false;
    double d = strtod(copy, &end);
    if (*end || end == copy || isinf(d))
        return false;
    *out = d;
    return true;
}

static void to_string(struct value *v, struct pieces *memory)
{
    struct value_text t = {0};
    if (v->type == VALUE_STRING)
        return;
    struct bytes text = value_text(v, &t);
    memory->failed |= t.large.failed;
    text = pieces_copy(memory, text);
    if (!memory->failed)
        *v = (struct value){.type = VALUE_STRING, .bytes = text};
    value_text_free(&t);
}

/* Out of range, and NaN, become the least integer, as on amd64. */
static int64_t truncated(double d)
{
    return d >= -9223372036854775808.0 && d < 9223372036854775808.0 ? (int64_t)d : INT64_MIN;
}

static void to_int(struct value *v)
{
    int64_t n;
    if (v->type == VALUE_DOUBLE)
        n = truncated(v->real);
    else if (v->type == VALUE_BOOL)
        n = v->boolean;
    else if (v->type != VALUE_STRING || !text_to_int(v->bytes, &n))
        return;
    *v = (struct value){.type = VALUE_INT, .integer = n};
}

static void to_double(struct value *v)
{
    double d;
    if (v->type == VALUE_INT)
        d = (double)v->integer;
    else if (v->type == VALUE_BOOL)
        d = v->boolean;
    else if (v->type != VALUE_STRING || !text_to_double(v->bytes, &d))
        return;
    *v = (struct value){.type = VALUE_DOUBLE, .real = d};
}

void value_convert(struct value *v, enum conversion to, struct pieces *memory)
{
    if (to == TO_STRING)
        to_string(v, memory);
    else if (to == TO_INT)
        to_int(v);
    else
        to_double(v);
}
