/* JSON numbers. An integer is its digits, shifted by its exponent: digits cut off on the right must
 * be zeros, zeros added must fit. So 18446744073709551615 and 1844674407370955161.5e1 are the same,
 * and neither loses its last digit to a double. */
#include "proto/json_number.h"

#include <math.h>
#include <stdlib.h>

static size_t digits_at(struct bytes s, size_t at)
{
    size_t n = 0;
    while (at + n < s.len && s.data[at + n] >= '0' && s.data[at + n] <= '9')
        n++;
    return n;
}

size_t json_number_length(struct bytes s)
{
    size_t at = s.len > 0 && s.data[0] == '-';
    size_t whole = digits_at(s, at);
    if (whole == 0)
        return 0;
    if (whole > 1 && s.data[at] == '0')
        return 0;
    at += whole;
    if (at < s.len && s.data[at] == '.') {
        size_t fraction = digits_at(s, at + 1);
        if (fraction == 0)
            return 0;
        at += 1 + fraction;
    }
    if (at < s.len && (s.data[at] | 0x20) == 'e') {
        at++;
        at += at < s.len && (s.data[at] == '+' || s.data[at] == '-');
        size_t exponent = digits_at(s, at);
        if (exponent == 0)
            return 0;
        at += exponent;
    }
    return at;
}

/* The exponent behind `at`, held to a range that no mantissa of ours can bring back. */
static long exponent_at(struct bytes s, size_t at)
{
    if (at >= s.len)
        return 0;
    at++; /* the e */
    bool negative = s.data[at] == '-';
    at += negative || s.data[at] == '+';
    long exponent = 0;
    for (; at < s.len && exponent < 1000000; at++)
        exponent = exponent * 10 + (s.data[at] - '0');
    return negative ? -exponent : exponent;
}

enum json_number json_number_integer(struct bytes s, bool *negative, uint64_t *magnitude)
{
    uint8_t digits[JSON_NUMBER_MAX];
    long count = 0;
    long fraction = 0;
    bool behind_point = false;
    *negative = s.data[0] == '-';
    size_t at = *negative;
    for (; at < s.len && (s.data[at] | 0x20) != 'e'; at++) {
        if (s.data[at] == '.') {
            behind_point = true;
            continue;
        }
        digits[count++] = (uint8_t)(s.data[at] - '0');
        fraction += behind_point;
    }

    long shift = exponent_at(s, at) - fraction;
    for (; shift < 0 && count > 0; shift++)
        if (digits[--count] != 0)
            return JSON_NUMBER_FRACTION;
    uint64_t value = 0;
    for (long i = 0; i < count; i++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digits[i], &value))
            return JSON_NUMBER_RANGE;
    for (; shift > 0 && value > 0; shift--)
        if (__builtin_mul_overflow(value, 10, &value))
            return JSON_NUMBER_RANGE;
    *magnitude = value;
    return JSON_NUMBER_OK;
}

enum json_number json_number_double(struct bytes s, double *out)
{
    char text[JSON_NUMBER_MAX + 1];
    memcpy(text, s.data, s.len);
    text[s.len] = '\0';
    *out = strtod(text, NULL);
    return isfinite(*out) ? JSON_NUMBER_OK : JSON_NUMBER_RANGE;
}
