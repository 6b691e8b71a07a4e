/* Keys and values that are remembered are compared and hashed by words of eight bytes. */
#ifndef TAILSPAN_PROCESSORS_SCRUB_WORD_H
#define TAILSPAN_PROCESSORS_SCRUB_WORD_H

#include "proto/bytes.h"

static inline uint64_t word_at(const uint8_t *data)
{
    uint64_t word;
    memcpy(&word, data, sizeof word);
    return word;
}

/* What two words differ in. */
static inline uint64_t word_differs(const uint8_t *a, const uint8_t *b, size_t at)
{
    return word_at(a + at) ^ word_at(b + at);
}

/* Whether both are the same for `len` bytes: inlined, where a call to memcmp() would cost as much
 * as comparing. Lengths of names vary, so up to 32 bytes there is no loop to be guessed wrong. */
static inline bool words_are_same(const uint8_t *a, const uint8_t *b, size_t len)
{
    if (len < 8)
        return memcmp(a, b, len) == 0;
    uint64_t ends = word_differs(a, b, 0) | word_differs(a, b, len - 8);
    if (len <= 16)
        return !ends;
    ends |= word_differs(a, b, 8) | word_differs(a, b, len - 16);
    for (size_t at = 16; at + 16 < len; at += 8)
        ends |= word_differs(a, b, at);
    return !ends;
}

#endif
