/* Characters that are written as something else. Their last byte is a letter or digit, and no part
 * of the word that follows: %20 of URLs, also encoded once more as %2520, \n and \u003c of texts
 * within texts, and what colours a terminal. */
#include "processors/scrub/detect_private.h"

enum { COLOUR_MAX = 16 }; /* ESC[38;5;208m */

static uint8_t hex_byte(const uint8_t *digits)
{
    return (uint8_t)(byte_hex_value(digits[0]) << 4 | byte_hex_value(digits[1]));
}

static bool are_hex(const uint8_t *text, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!byte_is_hex(text[i]))
            return false;
    }
    return true;
}

/* The character of \u003c. */
static uint8_t unicode_byte(const uint8_t *digits)
{
    uint8_t high = hex_byte(digits);
    return high ? 0x80 : hex_byte(digits + 2);
}

/* ESC[0m, with an ESC that may be written as \u001b or \x1b. */
static bool is_colour(const struct scan *s, uint32_t at)
{
    uint32_t i = at - 1;
    while (i > 0 && at - i < COLOUR_MAX && (byte_is_digit(s->s[i - 1]) || s->s[i - 1] == ';'))
        i--;
    return i > 1 && s->s[i - 1] == '[' &&
           (s->s[i - 2] == 0x1b || (byte_lower(s->s[i - 2]) == 'b' && i > 5 && s->s[i - 3] == '1'));
}

uint32_t escape_before(const struct scan *s, uint32_t at, uint8_t *byte)
{
    const uint8_t *c = s->s + at;
    *byte = ' ';
    if (at >= 5 && c[-5] == '%' && c[-4] == '2' && c[-3] == '5' && are_hex(c - 2, 2))
        return *byte = hex_byte(c - 2), 5;
    if (at >= 3 && c[-3] == '%' && are_hex(c - 2, 2))
        return *byte = hex_byte(c - 2), 3;
    if (at >= 6 && c[-6] == '\\' && c[-5] == 'u' && are_hex(c - 4, 4))
        return *byte = unicode_byte(c - 4), 6;
    if (at >= 4 && c[-4] == '\\' && c[-3] == 'x' && are_hex(c - 2, 2))
        return *byte = hex_byte(c - 2), 4;
    if (at >= 2 && c[-2] == '\\' && (c[-1] == 'n' || c[-1] == 't' || c[-1] == 'r'))
        return 2;
    return at > 0 && c[-1] == 'm' && is_colour(s, at) ? 1 : 0;
}

uint32_t escape_at(const struct scan *s, uint32_t at)
{
    const uint8_t *c = s->s + at;
    uint32_t left = s->end - at;
    if (left < 2)
        return 0;
    if (c[0] == '%') {
        bool twice = left >= 5 && c[1] == '2' && c[2] == '5' && are_hex(c + 3, 2);
        return twice ? 5 : left >= 3 && are_hex(c + 1, 2) ? 3 : 0;
    }
    if (c[0] != '\\')
        return 0;
    if (c[1] == 'n' || c[1] == 't' || c[1] == 'r')
        return 2;
    if (c[1] == 'x')
        return left >= 4 && are_hex(c + 2, 2) ? 4 : 0;
    return c[1] == 'u' && left >= 6 && are_hex(c + 2, 4) ? 6 : 0;
}

uint32_t colour_at(const struct scan *s, uint32_t at)
{
    uint32_t end = at;
    while (end < s->end && end - at < COLOUR_MAX && (byte_is_digit(s->s[end]) || s->s[end] == ';'))
        end++;
    return end < s->end && s->s[end] == 'm' && is_colour(s, end + 1) ? end + 1 : 0;
}
