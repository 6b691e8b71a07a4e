#include "proto/binary_text.h"

const char *hex_decode(uint8_t *s, size_t *len)
{
    for (size_t i = 0; i < *len; i++)
        if (hex_digit(s[i]) < 0)
            return "not hex";
    if (*len % 2)
        return "an odd number of hex digits";
    for (size_t i = 0; i < *len / 2; i++)
        s[i] = (uint8_t)(hex_digit(s[2 * i]) << 4 | hex_digit(s[2 * i + 1]));
    *len /= 2;
    return NULL;
}

static int base64_value(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

const char *base64_decode(uint8_t *s, size_t *len)
{
    size_t digits = *len;
    while (digits > 0 && *len - digits < 2 && s[digits - 1] == '=')
        digits--;
    if (digits % 4 == 1 || (digits < *len && *len % 4 != 0))
        return "base64 of an impossible length";
    uint32_t group = 0;
    size_t to = 0;
    for (size_t i = 0; i < digits; i++) {
        int value = base64_value(s[i]);
        if (value < 0)
            return "not base64";
        group = group << 6 | (uint32_t)value;
        if (i % 4 != 0)
            s[to++] = (uint8_t)(group >> (6 - 2 * (i % 4)));
    }
    *len = to;
    return NULL;
}
