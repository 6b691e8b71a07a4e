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

/* Whether both are the same for `len` bytes: inlined, where a call to memcmp() would cost as much
 * as comparing. */
static inline bool words_are_same(const uint8_t *a, const uint8_t *b, size_t len)
{
    if (len < 8)
        return memcmp(a, b, len) == 0;
    for (size_t at = 0; at + 8 < len; at += 8) {
        if (word_at(a + at) != word_at(b + at))
            return false;
    }
    return word_at(a + len - 8) == word_at(b + len - 8);
}

#endif
