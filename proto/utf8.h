/* UTF-8: what JSON may contain and what it may not, one sequence at a time; and what is shown of a
 * text that is none. */
#ifndef TAILSPAN_PROTO_UTF8_H
#define TAILSPAN_PROTO_UTF8_H

#include "proto/buffer.h"

/* Length of the well-formed sequence at the start of `s` (1 to 4); 0 when there is none: overlong
 * forms, surrogates, anything above U+10FFFF, stray or missing continuation bytes. `len` >= 1. */
static inline size_t utf8_sequence(const uint8_t *s, size_t len)
{
    uint8_t lead = s[0];
    if (lead < 0x80)
        return 1;
    size_t need = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (need == 0 || need > len)
        return 0;
    /* The second byte alone tells overlong, surrogate and too large forms apart. */
    uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < need; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return need;
}

/* Whether the sequence of `len` bytes at `s` is a control character, which may tell a terminal what
 * to do. */
static inline bool utf8_is_control(const uint8_t *s, size_t len)
{
    return s[0] < 0x20 || s[0] == 0x7f || (len == 2 && s[0] == 0xc2 && s[1] < 0xa0);
}

/* Writes `code` (a scalar value) to `out`, which has room for 4 bytes; returns its length. */
static inline size_t utf8_encode(uint32_t code, uint8_t *out)
{
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const uint8_t lead[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len - 1; i > 0; i--, code >>= 6)
        out[i] = (uint8_t)(0x80 | (code & 0x3f));
    out[0] = (uint8_t)(lead[len] | code);
    return len;
}

/* A text as those see it who want UTF-8, such as regular expressions: itself, or a copy of the same
 * length in which each byte that is out of place is a control character, so that all else is found
 * where it stands. The copy takes the place of what is in `copy`. With copy->failed, which is out
 * of memory, the answer is empty. */
struct bytes utf8_readable(struct bytes text, struct buffer *copy);

#endif
